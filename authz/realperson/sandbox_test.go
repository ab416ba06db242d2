package realperson_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/realperson"
)

var zhang = realperson.Identity{Name: "张三", IDNumber: "11010519491231002X"}

func provider(auto bool) *realperson.Sandbox {
	s := realperson.NewSandbox(func() time.Time { return time.Unix(1_790_000_000, 0) }, auto)
	s.Know(zhang)
	return s
}

func TestSession(t *testing.T) {
	t.Parallel()
	s := provider(false)
	session, err := s.Begin(t.Context(), zhang, "enrol")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Result(t.Context(), session.Token); !errors.Is(err, realperson.ErrPending) {
		t.Errorf("before the face: %v", err)
	}
	s.Complete(session.Token)
	ev, err := s.Result(t.Context(), session.Token)
	if err != nil || !ev.Match || ev.Identity != zhang {
		t.Fatalf("%+v, %v", ev, err)
	}
	if again, err := s.Result(t.Context(), session.Token); err != nil || again.Match {
		t.Errorf("a token worked twice: %+v, %v", again, err)
	}
}

// The sandboxes of two nodes are one provider.
func TestSharedSessions(t *testing.T) {
	t.Parallel()
	a, b, stranger := provider(true), provider(true), provider(true)
	key := []byte("0123456789abcdef")
	a.Share(key)
	b.Share(key)
	session, err := a.Begin(t.Context(), zhang, "enrol")
	if err != nil || strings.Contains(session.Token, "1949") {
		t.Fatalf("%v", err)
	}
	if ev, err := stranger.Result(t.Context(), session.Token); err != nil || ev.Match {
		t.Errorf("a stranger: %+v, %v", ev, err)
	}
	if ev, err := b.Result(t.Context(), session.Token); err != nil || !ev.Match || ev.Identity != zhang {
		t.Errorf("the other node: %+v, %v", ev, err)
	}
	if ev, err := b.Result(t.Context(), session.Token); err != nil || ev.Match {
		t.Errorf("twice: %+v, %v", ev, err)
	}
}

func TestNobodyElse(t *testing.T) {
	t.Parallel()
	s := provider(true)
	session, err := s.Begin(t.Context(), realperson.Identity{Name: "李四", IDNumber: zhang.IDNumber}, "enrol")
	if err != nil {
		t.Fatal(err)
	}
	if ev, err := s.Result(t.Context(), session.Token); err != nil || ev.Match {
		t.Errorf("%+v, %v", ev, err)
	}
	s.SetDown(true)
	if _, err := s.Begin(t.Context(), zhang, "enrol"); !errors.Is(err, realperson.ErrDown) {
		t.Errorf("down: %v", err)
	}
}

func TestIdentityDoesNotPrint(t *testing.T) {
	t.Parallel()
	if s := fmt.Sprintf("%v %s %+v", zhang, zhang, struct{ Who realperson.Identity }{zhang}); strings.Contains(s, "1949") || strings.Contains(s, "张") {
		t.Error(s)
	}
}

func TestSessionDoesNotPrint(t *testing.T) {
	t.Parallel()
	session, err := provider(true).Begin(t.Context(), zhang, "enrol")
	if err != nil {
		t.Fatal(err)
	}
	if s := fmt.Sprintf("%v %s %+v", session, session, struct{ S realperson.Session }{session}); strings.Contains(s, session.Token) {
		t.Error(s)
	}
}

func TestDownInTheMiddle(t *testing.T) {
	t.Parallel()
	s := provider(false)
	session, err := s.Begin(t.Context(), zhang, "enrol")
	if err != nil {
		t.Fatal(err)
	}
	s.Complete(session.Token)
	s.SetDown(true)
	if _, err := s.Result(t.Context(), session.Token); !errors.Is(err, realperson.ErrDown) {
		t.Errorf("down: %v", err)
	}
	s.SetDown(false)
	if ev, err := s.Result(t.Context(), session.Token); err != nil || !ev.Match {
		t.Errorf("the session was lost: %+v, %v", ev, err)
	}
}
