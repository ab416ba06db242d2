package keys_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/keys"
)

func (s *stage) stop(kind, id string) {
	s.t.Helper()
	if err := s.signer.Stop(s.t.Context(), kind, id, 1); err != nil {
		s.t.Fatal(err)
	}
}

func TestAT035EveryStop(t *testing.T) {
	t.Parallel()
	uscc := cloudsealtest.Org.USCC
	for _, c := range []struct {
		kind string
		id   func(s *stage) string
		want string
	}{
		{keys.StopDelegation, func(*stage) string { return "dg_us_agent" }, "delegation-revoked"},
		{keys.StopAgent, func(*stage) string { return keys.MemberID(uscc, "us_agent") }, "agent-not-approved"},
		{keys.StopLegal, func(*stage) string { return keys.MemberID(uscc, "us_legal") }, "delegation-revoked"},
		{keys.StopDevice, func(s *stage) string { return s.agent.Hash().Hex() }, "device-revoked"},
		{keys.StopSeal, func(*stage) string { return code }, "seal-frozen"},
		{keys.StopOrganization, func(*stage) string { return uscc }, "principal"},
		{keys.StopApplication, func(*stage) string { return cloudsealtest.App.ID }, "app"},
	} {
		t.Run(c.kind+" "+c.want, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			jobs := s.jobs(1)
			ev := s.evidence("tk_1", jobs)
			s.stop(c.kind, c.id(s))
			s.stop(c.kind, c.id(s)) // again is no error
			s.refused(ev, jobs, c.want)
			err := s.signer.Lift(t.Context(), c.kind, c.id(s), 2)
			if c.kind == keys.StopDelegation {
				if !errors.Is(err, fault.WrongState) {
					t.Errorf("a revoked delegation came back: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			s.sign(ev, jobs)
		})
	}
}

func TestStopsOfOthersDoNotMatter(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stop(keys.StopAgent, keys.MemberID("91110000802100433B", "us_agent"))
	s.stop(keys.StopSeal, "33010600000002")
	s.stop(keys.StopDevice, s.legal.Hash().Hex()) // a lost phone does not end what was granted with it
	jobs := s.jobs(1)
	s.sign(s.evidence("tk_1", jobs), jobs)
}

func TestAnUnknownKindIsNoStop(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if s.signer.Stop(t.Context(), "ticket", "x", 1) == nil || s.signer.Stop(t.Context(), keys.StopSeal, "", 1) == nil {
		t.Error("a stop of nothing is acknowledged")
	}
	if s.signer.Stop(t.Context(), keys.StopSeal, code, 0) == nil || s.signer.Lift(t.Context(), keys.StopSeal, code, 0) == nil {
		t.Error("a stop or a lift without a version is acknowledged")
	}
}

// A stop and a stamp at the same time: when the stop is acknowledged, either
// the stamp was committed before or it never will be. The stamps that succeed
// say which; after the acknowledgement none may begin to.
func TestAStopRacesWithStamps(t *testing.T) {
	t.Parallel()
	const tickets = 24
	s := newStage(t)
	var jobs [tickets][]keys.Job
	var evs [tickets]keys.Evidence
	for i := range tickets {
		jobs[i] = s.jobs(1)
		jobs[i][0].Slot = 1 + i%10
		if i >= 10 { // the slots of the delegation are used up: these act as owner
			evs[i] = s.owner(ticket(i), jobs[i])
			continue
		}
		evs[i] = s.evidence(ticket(i), jobs[i])
	}
	var wg sync.WaitGroup
	stopped := make(chan struct{})
	var mu sync.Mutex
	late := 0
	for i := range tickets {
		wg.Go(func() {
			before := true
			select {
			case <-stopped:
				before = false
			default:
			}
			_, err := s.signer.Sign(t.Context(), evs[i], jobs[i])
			if err != nil && !errors.Is(err, fault.SealFrozen) {
				t.Errorf("ticket %d: %v", i, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil && !before {
				late++
			}
		})
		if i == tickets/2 {
			wg.Go(func() {
				if err := s.signer.Stop(t.Context(), keys.StopSeal, code, 1); err != nil {
					t.Error(err)
				}
				close(stopped)
			})
		}
	}
	wg.Wait()
	if late > 0 {
		t.Errorf("%d stamps began after the stop was acknowledged", late)
	}
}

func ticket(i int) string { return "tk_" + string(rune('a'+i)) }

func TestANewDelegationIsNotTheStoppedOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	s.stop(keys.StopDelegation, "dg_us_agent")
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref}, func(d *statement.Delegation) { d.ID = "dg_new" })
	s.sign(s.evidence("tk_1", jobs), jobs) // a new delegation is not the stopped one
}

// inserting runs a hook before each insert of a row.
type inserting[T any] struct {
	unit.Table[T]
	before func()
}

func (i inserting[T]) Insert(tx unit.Tx, v *T) error {
	i.before()
	return i.Table.Insert(tx, v)
}

// A stop that commits while the journal's transaction is under way, behind its
// look at the stops, makes that transaction fail and look again.
func TestAT035StopBeforeCommit(t *testing.T) {
	t.Parallel()
	for _, relied := range []bool{false, true} { // whether the stop's row exists yet
		s := newStage(t)
		jobs := s.jobs(2)
		if relied {
			s.sign(s.evidence("tk_0", jobs[:1]), jobs[:1])
		}
		stopped := false
		signer := s.reopen(func(d *keys.Deps) {
			d.Tables.Journal = inserting[keys.Entry]{d.Tables.Journal, func() {
				if !stopped {
					stopped = true
					s.stop(keys.StopSeal, code)
				}
			}}
		})
		_, err := signer.Sign(t.Context(), s.evidence("tk_1", jobs[1:]), jobs[1:])
		if !stopped || !errors.Is(err, fault.SealFrozen) {
			t.Errorf("row there %v: %v", relied, err)
		}
		if entries, err := s.signer.Lookup(t.Context(), "tk_1"); err != nil || len(entries) > 0 {
			t.Errorf("row there %v: %d entries, %v", relied, len(entries), err)
		}
	}
}

// A stamp writes a row of the application, the one its ticket falls to, so that
// a stop of the application at the same time conflicts with it (AT-044).
func TestAStampWritesARowOfItsApplication(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	s.sign(s.evidence("tk_1", jobs), jobs)
	used := 0
	err := s.store.Work.View(t.Context(), func(tx unit.Tx) error {
		used = 0
		for n := range 16 {
			row, err := s.store.Tables.Stops.Get(tx, fmt.Sprintf("application:%s/%02d", cloudsealtest.App.ID, n))
			if errors.Is(err, unit.ErrAbsent) {
				continue
			}
			if err != nil {
				return err
			}
			used += row.Used
		}
		return nil
	})
	if err != nil || used != 1 {
		t.Errorf("%d uses of the application are written: %v", used, err)
	}
}

// An application has sixteen rows, and one that speaks for those that nobody has
// written yet.
func TestTheFirstRowSpeaksForTheOthers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	if err := s.signer.TurnFirst(t.Context(), cloudsealtest.App.ID, 1, true); err != nil {
		t.Fatal(err)
	}
	s.refused(ev, jobs, "app")
	if err := s.signer.Lift(t.Context(), keys.StopApplication, cloudsealtest.App.ID, 2); err != nil {
		t.Fatal(err)
	}
	s.sign(ev, jobs)
}
