package mongotest

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Controlled reports whether members can be killed and paused here.
func (s *Set) Controlled() bool { return s.Kind != Running }

// Members is how many there are.
func (s *Set) Members() int { return 3 }

// Kill ends a member at once, without warning.
func (s *Set) Kill(i int) {
	if s.Sim != nil {
		s.Sim.Member(i).Kill()
		return
	}
	s.own[i].kill()
}

// Restart starts a member that was killed; a real one is waited for.
func (s *Set) Restart(t testing.TB, i int) {
	t.Helper()
	if s.Sim != nil {
		s.Sim.Member(i).Restart()
		return
	}
	s.own[i].kill() // when it was not
	if err := s.own[i].start(); err != nil {
		t.Fatalf("start member %d again: %v", i, err)
	}
	s.wait(t, func(ctx context.Context) error { return s.until(ctx, i, hello.inPlace) })
}

// wait waits for a real set. What does not come in time is said, and found by what
// the test does next.
func (s *Set) wait(t testing.TB, until func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), upTime)
	defer cancel()
	if err := until(ctx); err != nil {
		t.Log(err)
	}
}

// Pause stops a member, which keeps its connections and says nothing.
func (s *Set) Pause(i int) {
	if s.Sim != nil {
		s.Sim.Member(i).Pause()
		return
	}
	if c := s.own[i].cmd; c != nil {
		suspend(c.Process)
	}
}

// Resume lets it go on; in a real set a primary is waited for.
func (s *Set) Resume(t testing.TB, i int) {
	t.Helper()
	if s.Sim != nil {
		s.Sim.Member(i).Resume()
		return
	}
	if c := s.own[i].cmd; c != nil {
		resume(c.Process)
	}
	s.wait(t, s.led)
}

// Primary is the number of the member that is the primary, -1 for none.
func (s *Set) Primary(ctx context.Context) int {
	if s.Sim == nil {
		return s.primary(ctx)
	}
	for i := range s.Members() {
		if s.Sim.Member(i) == s.Sim.Primary() {
			return i
		}
	}
	return -1
}

// StepDown makes the primary give up its place; in a real set the next one is waited
// for.
func (s *Set) StepDown(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	i := s.Primary(ctx)
	if i < 0 {
		return
	}
	if s.Sim != nil {
		s.Sim.Member(i).StepDown()
		return
	}
	err := s.direct(ctx, i, bson.D{{Key: "replSetStepDown", Value: 5}, {Key: "secondaryCatchUpPeriodSecs", Value: 2}, {Key: "force", Value: true}}).Err()
	if err != nil {
		t.Logf("step down: %v", err)
	}
	s.wait(t, s.led)
}
