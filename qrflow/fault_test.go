package qrflow_test

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/qrflow"
	"yunzhang.dev/qrflow/qrflowtest"
)

var errPower = errors.New("the power failed")

// faulty makes a world whose store can fail its commits.
func faulty(t testing.TB) (*qrflowtest.World, *unittest.DB) {
	t.Helper()
	var db *unittest.DB
	w := qrflowtest.NewWorld(t, func(_ testing.TB, now func() time.Time) (store qrflowtest.Store) {
		db, store = memory(now)
		return store
	})
	return w, db
}

// failNth makes the n-th commit from now fail, applied or not.
func failNth(db *unittest.DB, n int, applied bool) {
	db.OnCommit(func() (bool, error) {
		n--
		if n != 0 {
			return true, nil
		}
		return applied, errPower
	})
}

// AT-023: the power fails at the commit of the approval. Applied or not, the
// retry gives the result, and there is one approval.
func TestAT023PowerFailsAtTheApproval(t *testing.T) {
	t.Parallel()
	for name, applied := range map[string]bool{"not applied": false, "applied and not answered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, db := faulty(t)
			c := w.Play(t, statement.Stamp, qrflow.Claimed)
			failNth(db, 1, applied)
			if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); !errors.Is(err, errPower) {
				t.Fatalf("the failure is answered with %v", err)
			}
			db.OnCommit(nil)
			r, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request)
			if err != nil || r.Replayed != applied {
				t.Errorf("the retry: %+v, %v", r, err)
			}
			row := w.Row(t, c.Ticket)
			if n := len(w.Approved(t, c.Ticket)); n != 1 || row.State != qrflow.Approved || row.Seq != 4 || string(row.Payload) != "payload"+qrflowtest.Settled {
				t.Errorf("%d approvals, %s, %d events, payload %q", n, row.State, row.Seq, row.Payload)
			}
		})
	}
}

// The same for the other steps: a retry after a lost answer does no harm.
func TestStepsOverFailure(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]struct {
		before, after qrflow.State
		step          func(*qrflowtest.World, *qrflowtest.Case) error
	}{
		"claim": {qrflow.Open, qrflow.Claimed, func(w *qrflowtest.World, c *qrflowtest.Case) error {
			_, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan)
			return err
		}},
		"redeem": {qrflow.Approved, qrflow.Done, func(w *qrflowtest.World, c *qrflowtest.Case) error {
			_, err := w.Service.Redeem(t.Context(), qrflowtest.App, c.Ticket, c.Code, []byte(qrflowtest.Verifier))
			return err
		}},
	} {
		for _, applied := range []bool{false, true} {
			w, db := faulty(t)
			c := w.Play(t, statement.Login, do.before)
			failNth(db, 1, applied)
			if err := do.step(w, c); !errors.Is(err, errPower) {
				t.Fatalf("%s: the failure is answered with %v", name, err)
			}
			db.OnCommit(nil)
			if err := do.step(w, c); err != nil {
				t.Errorf("%s, applied %v: the retry: %v", name, applied, err)
			}
			events := map[qrflow.State]int64{qrflow.Claimed: 3, qrflow.Done: 5}[do.after]
			if row := w.Row(t, c.Ticket); row.State != do.after || row.Seq != events {
				t.Errorf("%s, applied %v: %s after %d events", name, applied, row.State, row.Seq)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	w, _ := faulty(t)
	for name, change := range map[string]func(*qrflow.Deps){
		"no store":     func(d *qrflow.Deps) { d.Work = nil },
		"no clock":     func(d *qrflow.Deps) { d.Now = nil },
		"no secret":    func(d *qrflow.Deps) { d.Secrets = nil },
		"short secret": func(d *qrflow.Deps) { d.Secrets = []qrflow.Secret{{ID: "k", Key: make([]byte, 31)}} },
		"no id":        func(d *qrflow.Deps) { d.Secrets = []qrflow.Secret{{Key: make([]byte, 32)}} },
		"no address":   func(d *qrflow.Deps) { d.QRBase = "" },
		"a fragment":   func(d *qrflow.Deps) { d.QRBase = "https://s.example/q#" },
	} {
		d := w.Deps
		change(&d)
		if _, err := qrflow.New(d); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if err := w.Service.Register("grant", w.Desk); err == nil {
		t.Error("an unknown purpose was registered")
	}
	if err := w.Service.Register(statement.Login, w.Desk); err == nil {
		t.Error("a purpose has two owners")
	}
}

// Limits that are set stay, the others take their defaults.
func TestLimitsDefault(t *testing.T) {
	t.Parallel()
	w := qrflowtest.NewWorld(t, func(_ testing.TB, now func() time.Time) qrflowtest.Store {
		_, store := memory(now)
		return store
	}, func(d *qrflow.Deps) { d.Limits = qrflow.Limits{Open: 7 * time.Second} })
	o := w.Open(t, statement.Login)
	if got := o.OpenUntil.Sub(w.Now()); got != 7*time.Second {
		t.Errorf("open for %s", got)
	}
	if got := o.PageUntil.Sub(w.Now()); got != qrflow.DefaultLimits().PageToken {
		t.Errorf("page token for %s", got)
	}
}
