package cloudseal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/verify"
)

type halt struct{}

// die makes the world stop where a checkpoint comes by the nth time.
func die(w *cloudsealtest.World, point string, nth int) {
	w.Checkpoint = func(name string) {
		if name == point {
			if nth--; nth == 0 {
				panic(halt{})
			}
		}
	}
}

func survive(f func() error) (died bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(halt); !ok {
				panic(r)
			}
			died = true
		}
	}()
	return false, f()
}

// The process dies at each named point of signer and service, for each of the
// documents of a batch; the legal representative revokes while it is down, and
// the clock runs on. After the restart there is exactly one stamp a document if
// the commit point was passed, and none if it was not.
func TestKilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	type point struct {
		name      string
		nth       int
		committed bool
	}
	points := []point{{"intent", 1, false}, {"evidence", 1, false}, {"journal", 1, true}, {"signed", 1, true}, {"settled", 1, true}}
	for nth := 1; nth <= 2; nth++ {
		for _, name := range []string{"value", "kept", "completed", "checked", "stored"} {
			points = append(points, point{name, nth, true})
		}
	}
	for i, p := range append(points, points...) {
		held := []int{32 << 20, 1}[i/len(points)] // documents in memory, or read one by one
		t.Run(fmt.Sprintf("%s %d held %d", p.name, p.nth, held), func(t *testing.T) {
			t.Parallel()
			w := holding(t, held)
			r := ask(w, "tk_1", w.Seal(), 2)
			w.Begin(r)
			die(w, p.name, p.nth)
			if died, err := survive(func() error { return w.Service.Stamp(t.Context(), "tk_1") }); !died {
				t.Fatalf("not reached: %v", err)
			}
			w.Checkpoint = nil
			w.Restart()
			if err := w.Signer.Stop(t.Context(), keys.StopDelegation, "dg_tk_1", 1); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(10 * time.Second)
			if err := w.Service.Recover(t.Context()); err != nil {
				t.Fatal(err)
			}
			if p.committed {
				isDone(t, w, r)
			} else {
				isRefused(t, w, r, "delegation-revoked")
			}
		})
	}
}

// Killed on the way of a refusal: the tombstone stands, so recovery frees
// everything and signs nothing, even though the reason is gone by then.
func TestKilledWhileRefusing(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 2)
	w.Begin(r)
	stop, lift := keys.StopAgent, keys.MemberID(cloudsealtest.Org.USCC, "us_agent")
	if err := w.Signer.Stop(t.Context(), stop, lift, 1); err != nil {
		t.Fatal(err)
	}
	die(w, "buried", 1)
	if died, err := survive(func() error { return w.Service.Stamp(t.Context(), "tk_1") }); !died {
		t.Fatalf("not reached: %v", err)
	}
	w.Checkpoint = nil
	w.Restart()
	if err := w.Signer.Lift(t.Context(), stop, lift, 2); err != nil {
		t.Fatal(err)
	}
	if err := w.Service.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	isRefused(t, w, r, "signer-refused")
}

// Every external step of a stamp fails once, before or after it took effect.
// Nobody is told an end that is not one; the next run comes to one stamp a
// document.
func TestEveryStepMayFail(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	steps := map[string]int{ // how often each is taken by one run over two documents
		"blobs.get": 2, "signer.sign": 1, "blobs.put": 2, "commit": 2, "signer commit": 3,
	}
	for step, times := range steps {
		for nth := 1; nth <= times; nth++ {
			for _, applied := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d applied %v", step, nth, applied), func(t *testing.T) {
					t.Parallel()
					w := cloudsealtest.NewWorld(t)
					r := ask(w, "tk_1", w.Seal(), 2)
					w.Begin(r)
					n := 0
					weather := func(call string) (bool, error) {
						if call == step {
							if n++; n == nth {
								return applied, errAway
							}
						}
						return true, nil
					}
					w.Blobs.Weather, w.Signer.Weather = weather, weather
					w.DB.OnCommit(func() (bool, error) { return weather("commit") })
					w.SignerStore.DB.OnCommit(func() (bool, error) { return weather("signer commit") })
					if err := w.Service.Stamp(t.Context(), "tk_1"); !errors.Is(err, errAway) {
						t.Fatalf("the failure is not seen: %v", err)
					}
					if e := w.Ending("tk_1"); e.Failed != "" {
						t.Errorf("told that it failed: %s", e.Failed)
					}
					if err := w.Service.Recover(t.Context()); err != nil {
						t.Fatal(err)
					}
					isDone(t, w, r)
				})
			}
		}
	}
}

// The same for the way of a refusal.
func TestEveryStepOfARefusalMayFail(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	for step, times := range map[string]int{"signer.refuse": 1, "commit": 2, "signer commit": 1} {
		for nth := 1; nth <= times; nth++ {
			for _, applied := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d applied %v", step, nth, applied), func(t *testing.T) {
					t.Parallel()
					w := cloudsealtest.NewWorld(t)
					r := ask(w, "tk_1", w.Seal(), 2)
					w.Begin(r)
					w.Clock.Advance(2 * time.Minute)
					n := 0
					weather := func(call string) (bool, error) {
						if call == step {
							if n++; n == nth {
								return applied, errAway
							}
						}
						return true, nil
					}
					w.Signer.Weather = weather
					w.DB.OnCommit(func() (bool, error) { return weather("commit") })
					w.SignerStore.DB.OnCommit(func() (bool, error) { return weather("signer commit") })
					if err := w.Service.Stamp(t.Context(), "tk_1"); !errors.Is(err, errAway) {
						t.Fatalf("the failure is not seen: %v", err)
					}
					if err := w.Service.Recover(t.Context()); err != nil {
						t.Fatal(err)
					}
					if e := w.Ending("tk_1"); e.Failed == "evidence-stale" {
						isRefused(t, w, r, "evidence-stale")
					} else {
						isRefused(t, w, r, "signer-refused") // the tombstone stood before the reason was asked again
					}
				})
			}
		}
	}
}

func TestTheStoreMayRunEverythingTwice(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.DB.Rehearse()
	w.SignerStore.DB.Rehearse()
	r := ask(w, "tk_1", w.Seal(), 2)
	w.Begin(r)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
	late := ask(w, "tk_2", mustSeal(t, w), 1)
	w.Begin(late)
	w.Clock.Advance(2 * time.Minute)
	if err := w.Service.Stamp(t.Context(), "tk_2"); err != nil {
		t.Fatal(err)
	}
	isRefused(t, w, late, "evidence-stale")
}

// Two processes work on one ticket: when the slower one comes to the end, it is
// the end already, and nobody is told twice.
func TestTwoProcessesTellOnce(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	slow := w.Service
	w.Restart()
	once := false
	w.Checkpoint = func(name string) {
		if name == "stored" && !once {
			once = true
			if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
				t.Error(err)
			}
		}
	}
	if err := slow.Stamp(t.Context(), "tk_1"); err != nil || !once {
		t.Fatalf("%v, met %v", err, once)
	}
	isDone(t, w, r)
}

// What comes back from the signer is not what the document needs: nothing is
// stored, nobody is told anything, and it stays open for somebody to look.
func TestAWrongSignatureIsNotStored(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	r, other := ask(w, "tk_1", seal, 1), ask(w, "tk_2", seal, 1)
	w.Begin(r)
	w.Begin(other)
	if err := w.Service.Stamp(t.Context(), "tk_2"); err != nil {
		t.Fatal(err)
	}
	report := w.Verify(w.Result(other.Batch.Documents[0]))
	if report.Verdict != verify.Genuine {
		t.Fatal(report.Verdict)
	}
	w.Signer.Instead = func(signed []keys.Signed) []keys.Signed {
		signed[0].Signature = signatureOf(t, w.Result(other.Batch.Documents[0]))
		return signed
	}
	if err := w.Service.Stamp(t.Context(), "tk_1"); err == nil || keys.Refusal(err) != nil {
		t.Fatalf("a wrong signature: %v", err)
	}
	if d := document(t, w, r.Batch.Documents[0]); d.State != cloudseal.InStamping || w.Ending("tk_1").Told != 0 {
		t.Errorf("document %s, told %d", d.State, w.Ending("tk_1").Told)
	}
	w.Signer.Instead = nil
	if err := w.Service.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}

// After the commit point somebody changes in the database where the stamp was
// shown to stand: the finished document is not stored.
func TestAnotherPlaceThanShownIsNotStored(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	die(w, "journal", 1)
	if died, err := survive(func() error { return w.Service.Stamp(t.Context(), "tk_1") }); !died {
		t.Fatalf("not reached: %v", err)
	}
	w.Checkpoint = nil
	w.Restart()
	w.Update(func(tx unit.Tx) error {
		made, err := w.Tables.Preparations.Find(tx, unit.Query{Index: "hold+index", Key: []any{"tk_1"}})
		if err != nil {
			return err
		}
		made[0].Line.Place.X += 5
		return w.Tables.Preparations.Replace(tx, made[0])
	})
	if err := w.Service.Stamp(t.Context(), "tk_1"); err == nil || !strings.Contains(err.Error(), "stands elsewhere") {
		t.Errorf("%v", err)
	}
	if w.Ending("tk_1").Told != 0 {
		t.Error("an end was told")
	}
}

// The documents of a committed ticket are gone: that is no refusal, since a
// signature exists or can be made; it stays open.
func TestALostDocumentAfterTheCommitPointIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	die(w, "journal", 1)
	if died, err := survive(func() error { return w.Service.Stamp(t.Context(), "tk_1") }); !died {
		t.Fatalf("not reached: %v", err)
	}
	w.Checkpoint = nil
	w.Restart()
	original, err := w.Service.Original(t.Context(), document(t, w, r.Batch.Documents[0]))
	if err != nil {
		t.Fatal(err)
	}
	w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[0].SM3, nil)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err == nil {
		t.Error("a committed ticket was refused")
	}
	if w.Ending("tk_1").Told != 0 {
		t.Error("an end was told")
	}
	w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[0].SM3, original) // from the backup
	if err := w.Service.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
}

// signatureOf takes the signature out of a stamped file.
func signatureOf(t *testing.T, file []byte) []byte {
	t.Helper()
	found, err := pdf.Find(file)
	if err != nil || len(found) != 1 {
		t.Fatalf("%d stamps, %v", len(found), err)
	}
	return found[0].DER
}
