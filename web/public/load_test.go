package public_test

import (
	"context"
	"sync"
	"testing"

	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/public"
)

// slow is a cloudseal that answers when it is told to.
type slow struct {
	*seals
	inside  chan struct{} // one for each question that has come
	release chan struct{} // closed: answer
}

func (s slow) Trust(ctx context.Context) verify.Trust {
	s.inside <- struct{}{}
	<-s.release
	return s.seals.Trust(ctx)
}

// AT-108: ten times as many files as can be examined come at once. Those in turn
// and in line are examined, all others are sent away at once with a time to come
// back, and the cheap calls are answered meanwhile.
func TestAT108FilesHaveAPoolAndALine(t *testing.T) {
	t.Parallel()
	const turns, places = 2, 3
	var held slow
	s := newStage(t, func(d *public.Deps) {
		held = slow{d.Seals.(*seals), make(chan struct{}, 100), make(chan struct{})}
		d.Seals, d.Limits.AtOnce, d.Limits.Waiting = held, turns, places
	})
	answers := make(chan answer, 10*turns)
	var wg sync.WaitGroup
	for range cap(answers) {
		wg.Go(func() { answers <- s.call("POST", "/v1/verify", s.stamped, "Content-Type", "application/pdf") })
	}
	for range turns {
		<-held.inside
	}
	for range cap(answers) - turns - places {
		if a := <-answers; a.status != 429 || a.header.Get("Retry-After") == "" {
			t.Errorf("one too many: %d %s", a.status, a.body)
		}
	}
	for _, cheap := range []string{"/v1/seals/" + code + "/status", "/v1/verify"} {
		if a := s.call("GET", cheap, nil); a.status != 200 {
			t.Errorf("%s meanwhile: %d %s", cheap, a.status, a.body)
		}
	}
	if n := len(held.inside); n != 0 {
		t.Errorf("%d files more than there are turns are under examination", n)
	}
	close(held.release)
	wg.Wait()
	for range turns + places {
		if a := <-answers; a.status != 200 {
			t.Errorf("in line: %d %s", a.status, a.body)
		}
	}
}
