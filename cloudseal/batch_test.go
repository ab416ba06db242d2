package cloudseal_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/verify"
)

// holding makes a world that keeps at most n bytes of a request in memory.
func holding(t *testing.T, n int) *cloudsealtest.World {
	t.Helper()
	w := cloudsealtest.NewWorld(t)
	w.Limits = cloudseal.DefaultLimits()
	w.Limits.MaxHeld = n
	w.Restart()
	return w
}

// AT-043: the signer is killed after 3 of 7 signatures. After the restart the
// remaining 4 are made over the bytes that were fixed before the first, by a
// service that holds all documents in memory and by one that holds none.
func TestAT043KilledAfterThreeOfSeven(t *testing.T) {
	t.Parallel()
	for _, held := range []int{32 << 20, 1} {
		w := holding(t, held)
		r := ask(w, "tk_1", w.Seal(), 7)
		w.Begin(r)
		die(w, "kept", 3)
		if died, err := survive(func() error { return w.Service.Stamp(t.Context(), "tk_1") }); !died {
			t.Fatalf("not reached: %v", err)
		}
		before, err := w.Signer.Lookup(t.Context(), "tk_1")
		if err != nil || len(before) != 7 {
			t.Fatalf("journal %d, %v", len(before), err)
		}
		w.Checkpoint = nil
		w.Restart()
		w.Clock.Advance(time.Hour) // another time would make other bytes
		if err := w.Service.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		isDone(t, w, r)
		after, err := w.Signer.Lookup(t.Context(), "tk_1")
		if err != nil || len(after) != 7 {
			t.Fatalf("journal %d, %v", len(after), err)
		}
		for i := range before {
			if before[i].TBS != after[i].TBS || (before[i].State == keys.Done) != (i < 3) {
				t.Errorf("document %d: %s before, other bytes: %v", i+1, before[i].State, before[i].TBS != after[i].TBS)
			}
			if i < 3 && string(before[i].Value) != string(after[i].Value) {
				t.Errorf("document %d was signed twice", i+1)
			}
		}
	}
}

// A batch whose lines stand in a manifest, by a service that holds no document
// in memory: stamped as a whole, each read once for the signer and once to be
// completed.
func TestALargeBatchIsStampedOneByOne(t *testing.T) {
	t.Parallel()
	w := holding(t, 1)
	n := statement.MaxInline + 5
	r := ask(w, "tk_1", w.Seal(), n)
	w.Begin(r)
	reads, inHand, most := 0, 0, 0
	w.Blobs.Weather = func(call string) (bool, error) {
		if call == "blobs.get" {
			reads++
		}
		return true, nil
	}
	w.Checkpoint = func(name string) {
		switch name {
		case "completed":
			inHand++
		case "stored":
			most, inHand = max(most, inHand), inHand-1
		}
	}
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	if reads != 2*n || most != 1 {
		t.Errorf("%d reads of %d documents, %d in hand at once", reads, n, most)
	}
	w.Checkpoint, w.Blobs.Weather = nil, cloudsealtest.Fair
	isDone(t, w, r)
}

// A large batch dies before and after the commit point, in its middle; the
// delegation is revoked before the restart. All documents are stamped, or none
// and all are free. (TestKilledAtEveryPoint has the other points.)
func TestALargeBatchIsAllOrNothing(t *testing.T) {
	t.Parallel()
	for name, committed := range map[string]bool{"evidence": false, "kept": true, "stored": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := holding(t, 1)
			r := ask(w, "tk_1", w.Seal(), statement.MaxInline+1)
			w.Begin(r)
			nth := map[bool]int{false: 1, true: 30}[committed] // of 51 documents
			die(w, name, nth)
			if died, err := survive(func() error { return w.Service.Stamp(t.Context(), "tk_1") }); !died {
				t.Fatalf("not reached: %v", err)
			}
			w.Checkpoint = nil
			w.Restart()
			if err := w.Signer.Stop(t.Context(), keys.StopDelegation, "dg_tk_1", 1); err != nil {
				t.Fatal(err)
			}
			if err := w.Service.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if committed {
				isDone(t, w, r)
			} else {
				isRefused(t, w, r, "delegation-revoked")
			}
		})
	}
}

// AT-030, in a batch: one of many documents is replaced between approval and
// signer. No one of them is stamped and all of them are free.
func TestAT030OneOfManyDocumentsIsReplaced(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, statement.MaxInline + 1} {
		for _, held := range []int{32 << 20, 1} {
			w := holding(t, held)
			r := ask(w, "tk_1", w.Seal(), n)
			w.Begin(r)
			w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[n-1].SM3, cloudsealtest.PDF(1, 3000))
			if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
				t.Fatal(err)
			}
			isRefused(t, w, r, "document-changed")
		}
	}
}

// AT-029, in a batch: one of many documents is replaced between claim and
// approval, or its place is changed (AT-031): check 18 says so.
func TestAT029OneOfManyDocumentsIsReplaced(t *testing.T) {
	t.Parallel()
	w := holding(t, 1)
	r := ask(w, "tk_1", w.Seal(), statement.MaxInline+1)
	look := func(docs []statement.Doc) error {
		return w.CheckDocuments("tk_1", docs)
	}
	if err := look(r.Batch.Docs); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(docs []statement.Doc){
		"place": func(d []statement.Doc) { d[50].Place.X++ },
		"seal":  func(d []statement.Doc) { d[50].Seal = 2 },
		"file":  func(d []statement.Doc) { d[50].SM3 = gm.SM3([]byte("x")) },
		"order": func(d []statement.Doc) { d[49], d[50] = d[50], d[49] },
	} {
		docs := append([]statement.Doc(nil), r.Batch.Docs...)
		change(docs)
		if err := look(docs); !errors.Is(err, fault.DocumentChanged) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[50].SM3, cloudsealtest.PDF(1, 3000))
	if err := look(r.Batch.Docs); !errors.Is(err, fault.DocumentChanged) {
		t.Errorf("another file: %v", err)
	}
}

// What a stranger needs of a large batch for one document is small, and shows no
// other document.
func TestOneDocumentOfALargeBatchIsProvedAlone(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	n := statement.MaxInline + 9
	r := ask(w, "tk_1", w.Seal(), n)
	w.Begin(r)
	if _, err := w.Service.DocumentBundle(t.Context(), document(t, w, r.Batch.Documents[0])); !errors.Is(err, fault.NotStamped) {
		t.Errorf("bundle before the stamp: %v", err)
	}
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	whole, err := w.Service.Bundle(t.Context(), r.Evidence.Approval.Hash())
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range r.Batch.Documents {
		own, err := w.Service.DocumentBundle(t.Context(), document(t, w, id))
		if err != nil {
			t.Fatal(err)
		}
		st := own.Approvals[r.Evidence.Approval.Hash().Hex()]
		if len(st.Lines) != 1 || st.Lines[0].Index != i+1 || len(st.Manifest) > 0 {
			t.Fatalf("document %d: %+v", i+1, st.Lines)
		}
		file := w.Result(id)
		for name, b := range map[string]*verify.Bundle{"its own": own, "the ticket's": whole} {
			if got := evidenceBy(t, b, file); got != verify.Yes {
				t.Errorf("document %d by %s bundle: %s", i+1, name, got)
			}
		}
	}
	first, err := w.Service.DocumentBundle(t.Context(), document(t, w, r.Batch.Documents[0]))
	if err != nil {
		t.Fatal(err)
	}
	if got := evidenceBy(t, first, w.Result(r.Batch.Documents[1])); got != verify.No {
		t.Errorf("by the bundle of another document: %s", got)
	}
	hash := r.Evidence.Approval.Hash().Hex()
	for want, change := range map[verify.Answer]func(*verify.Statements){
		verify.NotChecked: func(s *verify.Statements) { s.Lines = nil },
		verify.No:         func(s *verify.Statements) { s.Lines[0].Path[0] = gm.SM3() },
	} {
		st := first.Approvals[hash]
		change(&st)
		first.Approvals[hash] = st
		if got := evidenceBy(t, first, w.Result(r.Batch.Documents[0])); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		first, _ = w.Service.DocumentBundle(t.Context(), document(t, w, r.Batch.Documents[0]))
	}
}

// evidenceBy gives what a bundle, read from its file, says of a stamp's
// evidence.
func evidenceBy(t *testing.T, b *verify.Bundle, file []byte) verify.Answer {
	t.Helper()
	data, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	read, err := verify.ParseBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := read.Trust()
	if err != nil {
		t.Fatal(err)
	}
	report := verify.Document(file, trust)
	if len(report.Stamps) != 1 {
		t.Fatalf("%s, %d stamps", report.Verdict, len(report.Stamps))
	}
	return report.Stamps[0].Answer(verify.Evidence)
}

// Nothing of a batch is held when one of its documents cannot be.
func TestABatchIsHeldAsAWhole(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	var ps []cloudseal.Placement
	for i := range 5 {
		d := w.Upload(cloudsealtest.PDF(i+1, 2000))
		ps = append(ps, cloudseal.Placement{Document: d.ID, Seal: seal.ID, Page: 1, X: 10, Y: 10})
	}
	batch, err := w.Place(cloudsealtest.Tenant, ps)
	if err != nil {
		t.Fatal(err)
	}
	w.Prepare("tk_other", seal, document(t, w, ps[4].Document))
	err = w.Work.Update(t.Context(), func(tx unit.Tx) error {
		return w.Service.Hold(tx, batch, "tk_1", tx.Now().Add(time.Hour))
	})
	if !errors.Is(err, fault.DocumentBusy) {
		t.Fatalf("%v", err)
	}
	for _, p := range ps[:4] {
		if d := document(t, w, p.Document); d.State != cloudseal.Ready {
			t.Errorf("%s is %s", d.ID, d.State)
		}
	}
	w.Update(func(tx unit.Tx) error {
		if _, err := w.Service.BatchOf(tx, "tk_1"); !errors.Is(err, fault.Absent) {
			return fmt.Errorf("prepared: %w", err)
		}
		return nil
	})
}
