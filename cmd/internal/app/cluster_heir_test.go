package app_test

import (
	"context"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// A node dies in the midst of a stamp and is not started again. Nobody asks the
// other for anything: it finds the open stamp when the dead one's lease is over,
// finishes it, and the page learns of it. The time that takes is that of a real
// system; rounds of faults have their nodes look all the time.
func TestAnotherNodeFinishesWhatADeadOneBegan(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"intent", "signed"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			k := newCluster(t, mongotest.Start(t, mongotest.Options{}), 2, 10)
			victim := startChild(t, k.files[0], point)
			k.startProcess(t, 1)
			k.at(t, drive.Net{Addr: k.configs[0].Listen})
			r, document := k.ask(t, k.system, "heir")
			scan, err := drive.Claim(t.Context(), k.agent, r)
			check(t, err)
			check(t, k.agent.Look(t.Context(), scan))
			number, err := r.Page.Number(t.Context())
			check(t, err)
			u, err := k.agent.Unlock(t.Context(), drive.PIN)
			check(t, err)
			defer u.Close()
			_, _ = u.Approve(t.Context(), scan, number) // the answer may be lost with the node
			victim.killed(t)
			died := time.Now()
			k.spread(t)
			// A running MongoDB may hold the rows of the dead for a minute and half of one more.
			ctx, cancel := context.WithTimeout(t.Context(), 150*time.Second)
			defer cancel()
			w := &waiting{net: k.Net, origin: k.system.Origin, url: r.Opened.SocketURL, page: r.Page}
			m, err := w.wait(ctx, func(m drive.Message) bool { return m.ResultCode != "" || m.Type == "ended" })
			check(t, err)
			took := time.Since(died)
			_, err = k.system.Redeem(ctx, r.Ticket, m.ResultCode, r.Verifier)
			check(t, err)
			_, err = k.system.Stamped(ctx, document)
			check(t, err)
			stamped, refused, err := k.app.Agree(ctx, k.delegation, []string{r.Ticket})
			if err != nil || stamped != 1 || refused != 0 {
				t.Errorf("%d stamped, %d refused: %v", stamped, refused, err)
			}
			t.Logf("finished %s after the death of its node", took.Round(time.Millisecond))
			w.keep()
		})
	}
}
