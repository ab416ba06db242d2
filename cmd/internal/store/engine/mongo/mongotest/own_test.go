package mongotest

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// A set of its own is made although a member refuses at first, is given out when
// all members are in their places, and takes members that were killed back.
func TestOwnSet(t *testing.T) {
	t.Setenv(fakeEnv, t.TempDir())
	s, err := startSet(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	ctx, cancel := context.WithTimeout(t.Context(), upTime)
	defer cancel()
	for i := range s.own {
		if err := s.until(ctx, i, hello.inPlace); err != nil {
			t.Error(err)
		}
	}
	leads := func() bool { return s.Primary(ctx) == 0 }
	answers := func(i int) bool { return s.direct(ctx, i, bson.D{{Key: "hello", Value: 1}}).Err() == nil }
	asked(t, ctx, "the first leads", leads)
	s.Kill(0)
	if got := s.Primary(ctx); got != -1 {
		t.Errorf("with the primary killed it is %d", got)
	}
	s.Restart(t, 0)
	s.Pause(1)
	if answers(1) {
		t.Error("a paused member answers")
	}
	s.Resume(t, 1)
	asked(t, ctx, "the paused one answers again", func() bool { return answers(1) })
	asked(t, ctx, "the first leads again", leads)
	dir := s.own[0].dir
	s.end()
	if _, err := os.Stat(dir); err == nil {
		t.Error("its folder was left")
	}
}

func asked(t *testing.T, ctx context.Context, what string, is func() bool) {
	t.Helper()
	for !is() {
		if ctx.Err() != nil {
			t.Fatalf("not so: %s", what)
		}
		pause(ctx)
	}
}

// A program that does not stay says why, and nobody waits for it.
func TestOwnSetThatDoesNotStart(t *testing.T) {
	t.Setenv(fakeEnv, "broken")
	if _, err := startSet(os.Args[0]); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("%v", err)
	}
}

// A process whose keeper is gone is ended, and its folder removed.
func TestLeash(t *testing.T) {
	t.Setenv(fakeEnv, t.TempDir())
	m, err := newMember(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := m.start(); err != nil {
		t.Fatal(err)
	}
	defer m.end()
	_ = m.leash.in.Close() // as the end of this process closes it
	select {
	case <-m.ended:
	case <-time.After(time.Minute):
		t.Fatal("it lives")
	}
	_ = m.leash.shell.Wait()
	if _, err := os.Stat(m.dir); err == nil {
		t.Error("its folder was left")
	}
}
