package cloudseal_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/verify"
)

// intents gives the intents of a ticket.
func intents(t testing.TB, w *cloudsealtest.World, ticket string) (found []*cloudseal.Intent) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx unit.Tx) (err error) {
		found, err = w.Tables.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func document(t testing.TB, w *cloudsealtest.World, id string) *cloudseal.Document {
	t.Helper()
	d, err := w.Service.Document(t.Context(), cloudsealtest.Tenant, id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// isDone wants a ticket whose documents are all stamped, verify, and agree
// with the signer's journal, the intents, the outcome and the audit.
func isDone(t testing.TB, w *cloudsealtest.World, r *cloudsealtest.Request) {
	t.Helper()
	ending := w.Ending(r.Ticket)
	if ending.Failed != "" || ending.Told != 1 || len(ending.Done) != len(r.Batch.Documents) {
		t.Errorf("outcome of %s: %+v", r.Ticket, ending)
	}
	entries, err := w.Signer.Lookup(t.Context(), r.Ticket)
	if err != nil || len(entries) != len(r.Batch.Documents) {
		t.Fatalf("journal of %s: %d entries, %v", r.Ticket, len(entries), err)
	}
	for i, in := range intents(t, w, r.Ticket) {
		d := document(t, w, in.Document)
		if in.State != cloudseal.DoneIntent || d.State != cloudseal.StampedDoc || entries[i].State != keys.Done || entries[i].Document != d.ID {
			t.Errorf("document %d: intent %s, document %s, journal %s", i+1, in.State, d.State, entries[i].State)
		}
		b := w.Result(d.ID)
		report := w.Verify(b)
		if report.Verdict != verify.Genuine || len(report.Stamps) != 1 || report.SM3 != d.Stamped || report.Size != d.StampedSize {
			t.Errorf("document %d: %s, %d stamps", i+1, report.Verdict, len(report.Stamps))
		}
		if !bytes.Contains(b, []byte("/SubFilter /GM.sm2seal")) || bytes.Count(b, []byte("/ByteRange")) != 1 {
			t.Errorf("document %d: not exactly one stamp", i+1)
		}
	}
	if n := audited(t, w, "document.stamped"); n < len(r.Batch.Documents) {
		t.Errorf("%d audit records for %d stamps", n, len(r.Batch.Documents))
	}
}

// isRefused wants a ticket that ended without any signature, its documents
// free.
func isRefused(t testing.TB, w *cloudsealtest.World, r *cloudsealtest.Request, code string) {
	t.Helper()
	ending := w.Ending(r.Ticket)
	if ending.Failed != code || ending.Told != 1 || len(ending.Done) > 0 {
		t.Errorf("outcome of %s: %+v, want %s", r.Ticket, ending, code)
	}
	entries, err := w.Signer.Lookup(t.Context(), r.Ticket)
	if err != nil || len(entries) != len(r.Batch.Documents) {
		t.Fatalf("journal of %s: %d entries, %v", r.Ticket, len(entries), err)
	}
	for i, in := range intents(t, w, r.Ticket) {
		d := document(t, w, in.Document)
		if in.State != cloudseal.FailedIntent || in.Reason != code || d.State != cloudseal.Ready || d.Hold != "" {
			t.Errorf("document %d: intent %s %s, document %s", i+1, in.State, in.Reason, d.State)
		}
		if entries[i].State != keys.Void || len(entries[i].Value) > 0 {
			t.Errorf("document %d: journal %s", i+1, entries[i].State)
		}
	}
	if audited(t, w, "document.refused") == 0 {
		t.Error("the refusal is not audited")
	}
}

func audited(t testing.TB, w *cloudsealtest.World, action string) (n int) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx unit.Tx) error {
		n = 0
		rows, err := w.AuditRows.Find(tx, unit.Query{Index: "chained+at", Key: []any{false}})
		for _, r := range rows {
			if r.Action == action {
				n++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ask uploads n documents, prepares and approves them.
func ask(w *cloudsealtest.World, ticket string, seal *cloudseal.Seal, n int) *cloudsealtest.Request {
	docs := make([]*cloudseal.Document, n)
	for i := range docs {
		docs[i] = w.Upload(cloudsealtest.PDF(i+1, 2000))
	}
	return w.Ask(ticket, seal, docs...)
}

func TestStampABatch(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 3)
	w.Begin(r)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
	if !w.Ending("tk_1").Begun {
		t.Error("the ticket was not told that signing begins")
	}
	report := w.Verify(w.Result(r.Batch.Documents[1]))
	s := report.Stamps[0]
	if s.Page != 1 || s.Place.X != 120 || s.Place.Y != 200 || s.Place.W != 40 || s.Seal.Code != r.Batch.Seals[0].ID {
		t.Errorf("stands at %+v on %d, seal %s", s.Place, s.Page, s.Seal.Code)
	}
	e := s.Evidence
	if e == nil || e.Slot != 2 || e.Approval != r.Evidence.Approval.Hash() || e.Proved == nil || e.Proved.Agent != "李四" || e.Proved.Grantor != "张三" || e.Proved.Slots != 10 {
		t.Errorf("evidence %+v", e)
	}
	// Again, and by recovery, nothing happens.
	if err := errors.Join(w.Service.Stamp(t.Context(), "tk_1"), w.Service.Recover(t.Context())); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}

func TestStampByTheOwner(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	r := ask(w, "tk_1", seal, 1)
	r.Slots = nil
	a := cloudsealtest.Approval(w.Legal, "tk_1", w.Clock.Now(), statement.Ref{}, r.Batch.Seals, r.Batch.Docs)
	r.Evidence = keys.Evidence{
		Kind: keys.KindOwner, ApprovedAt: w.Clock.Now(), Approval: w.Legal.SignApproval(t, a),
		Enrolment: w.Legal.Enrolment, Representation: w.PKI.Represent(t, cloudsealtest.Org, w.Legal.Person),
	}
	w.Begin(r)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}

func TestStampTheSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../shared/samples/pdf/*.pdf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no samples: %v", err)
	}
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	for i, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		ticket := "tk_" + string(rune('a'+i))
		d := w.Upload(b)
		r := w.Ask(ticket, seal, d)
		w.Begin(r)
		if err := w.Service.Stamp(t.Context(), ticket); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		result := w.Result(d.ID)
		if report := w.Verify(result); report.Verdict != verify.Genuine {
			t.Errorf("%s: %s %+v", file, report.Verdict, report.Stamps)
		}
		if !bytes.HasPrefix(result, b) {
			t.Errorf("%s: the original was rewritten", file)
		}
	}
}

func TestAStampedDocumentIsStampedAgain(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	first := ask(w, "tk_1", seal, 1)
	w.Begin(first)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	once := w.Result(first.Batch.Documents[0])
	d := w.Upload(once)
	w.Begin(w.Ask("tk_2", seal, d))
	if err := w.Service.Stamp(t.Context(), "tk_2"); err != nil {
		t.Fatal(err)
	}
	report := w.Verify(w.Result(d.ID))
	if report.Verdict != verify.Genuine || len(report.Stamps) != 2 {
		t.Fatalf("%s, %d stamps", report.Verdict, len(report.Stamps))
	}
	if a := report.Stamps[0].Answer(verify.LaterChanges); a != verify.Yes {
		t.Errorf("the first stamp's later changes: %s", a)
	}
}

func TestARefusalFreesEverything(t *testing.T) {
	t.Parallel()
	uscc := cloudsealtest.Org.USCC
	for _, c := range []struct {
		name string
		do   func(w *cloudsealtest.World, r *cloudsealtest.Request) error
		want string
	}{
		{"delegation revoked after the approval", func(w *cloudsealtest.World, _ *cloudsealtest.Request) error {
			return w.Signer.Stop(t.Context(), keys.StopDelegation, "dg_tk_1", 1)
		}, "delegation-revoked"},
		{"agent withdrawn", func(w *cloudsealtest.World, _ *cloudsealtest.Request) error {
			return w.Signer.Stop(t.Context(), keys.StopAgent, keys.MemberID(uscc, "us_agent"), 1)
		}, "agent-not-approved"},
		{"evidence too old", func(w *cloudsealtest.World, _ *cloudsealtest.Request) error {
			w.Clock.Advance(61 * time.Second)
			return nil
		}, "evidence-stale"},
		{"document replaced on the disk", func(w *cloudsealtest.World, r *cloudsealtest.Request) error {
			w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[1].SM3, cloudsealtest.PDF(3, 2000))
			return nil
		}, "document-changed"},
		{"document lost", func(w *cloudsealtest.World, r *cloudsealtest.Request) error {
			w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[0].SM3, nil)
			return nil
		}, "document-changed"},
		{"ticket ended by itself", func(w *cloudsealtest.World, _ *cloudsealtest.Request) error {
			w.Outcome.Ended = fault.Expired
			return nil
		}, "expired"},
		{"delegation raised in the database", func(w *cloudsealtest.World, r *cloudsealtest.Request) error {
			return w.DB.Update(t.Context(), func(tx unit.Tx) error {
				e, err := w.Tables.Evidence.Get(tx, r.Evidence.Approval.Hash().Hex())
				if err != nil {
					return err
				}
				e.Evidence.Delegation.Bytes = bytes.Replace(e.Evidence.Delegation.Bytes, []byte("max: 10\n"), []byte("max: 99\n"), 1)
				return w.Tables.Evidence.Replace(tx, e)
			})
		}, "signer-refused"},
		{"slot beyond the delegation in the database", func(w *cloudsealtest.World, _ *cloudsealtest.Request) error {
			return w.DB.Update(t.Context(), func(tx unit.Tx) error {
				in, err := w.Tables.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{"tk_1"}})
				if err != nil {
					return err
				}
				in[0].Slot = 99
				return w.Tables.Intents.Replace(tx, in[0])
			})
		}, "delegation-limit"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := cloudsealtest.NewWorld(t)
			r := ask(w, "tk_1", w.Seal(), 2)
			w.Begin(r)
			if err := c.do(w, r); err != nil {
				t.Fatal(err)
			}
			if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
				t.Fatal(err)
			}
			isRefused(t, w, r, c.want)
			if err := w.Service.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			isRefused(t, w, r, c.want)
		})
	}
}

func TestAFakeApprovalInTheDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	mallory := cloudsealtest.Device{Person: w.Agent.Person, Key: cloudsealtest.Key(t), Enrolment: w.Agent.Enrolment}
	a, _, err := statement.ParseApproval(r.Evidence.Approval.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	r.Evidence.Approval = mallory.SignApproval(t, a)
	w.Begin(r)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	isRefused(t, w, r, "signature")
}

func TestParallelStampsOfATicketMakeOne(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 2)
	w.Begin(r)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Go(func() {
		if err := w.Service.Recover(t.Context()); err != nil {
			t.Error(err)
		}
	})
	wg.Wait()
	isDone(t, w, r)
}

func TestAWaitingStampGivesUpWithItsCaller(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	inside, leave := make(chan struct{}), make(chan struct{})
	w.Checkpoint = func(name string) {
		if name == "intent" {
			close(inside)
			<-leave
		}
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
			t.Error(err)
		}
	})
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Service.Stamp(ctx, "tk_1"); !errors.Is(err, context.Canceled) {
		t.Errorf("second caller: %v", err)
	}
	close(leave)
	wg.Wait()
	isDone(t, w, r)
}
