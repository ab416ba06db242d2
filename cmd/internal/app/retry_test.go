package app_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// AT-023: the node dies between the commit of an approval and its answer. The
// phone says it again, to the node that comes after: it is told the same, and
// there is one stamp.
func TestAT023RetryAtTheHeir(t *testing.T) {
	t.Parallel()
	k := newKillWorld(t)
	victim := startChild(t, k.configFile, "intent")
	r, _ := k.ask(t, k.system, "kill")
	scan, err := drive.Claim(t.Context(), k.agent, r)
	check(t, err)
	err = k.agent.Look(t.Context(), scan)
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := k.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _ = u.Approve(short, scan, number) // whether the answer came is chance
	victim.killed(t)
	heir := startChild(t, k.configFile, "none")
	for range 3 {
		if state, err := u.Approve(t.Context(), scan, number); err != nil && drive.Code(err) != "wrong-state" {
			t.Errorf("said again: %s, %v", state, err) // wrong-state: it is done by now
		}
	}
	k.settled(t, r.Ticket, "intent")
	heir.stop()
	a, err := app.New(k.config, app.Options{World: drive.World(), Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	defer a.Close()
	stamped, refused, err := a.Agree(t.Context(), k.delegation, []string{r.Ticket})
	if check(t, err); stamped != 1 || refused != 0 {
		t.Errorf("%d stamped, %d refused", stamped, refused)
	}
}
