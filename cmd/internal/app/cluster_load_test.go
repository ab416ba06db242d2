package app_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// load asks for stamps and remembers what anybody was told.
type load struct {
	*cluster
	file []byte

	mu      sync.Mutex // guards what follows
	n       int
	tickets []string
	acked   map[string]bool            // the phone was told that the approval counts
	done    map[string]string          // document of a ticket whose page said done
	shown   map[string][]drive.Message // what pages were shown, by ticket
	ends    []time.Time                // when pages said done
	refused map[string]int
}

// accounts is how many take turns: a few requests of each may be open at once,
// and one whose page was lost stays open for a while.
const accounts = 40

// newLoad binds the accounts.
func newLoad(t testing.TB, k *cluster, file []byte) *load {
	t.Helper()
	for n := range accounts {
		k.bindAtOnce(t, k.system, fmt.Sprint("load-", n))
	}
	return &load{cluster: k, file: file, acked: map[string]bool{}, done: map[string]string{}, shown: map[string][]drive.Message{}, refused: map[string]int{}}
}

// account gives the next account whose turn it is.
func (l *load) account() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.n++
	return fmt.Sprint("load-", l.n%accounts)
}

// flow is one stamp, as persistent people and systems go about it: what fails
// for want of an answer is tried again, elsewhere.
func (l *load) flow(ctx context.Context, unlocked *client.Unlocked) error {
	d, err := insist(ctx, func() (*ds.Document, error) { return l.system.Upload(ctx, "登记表.pdf", l.file) })
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	r, err := insist(ctx, func() (*drive.Request, error) {
		return l.system.Ask(ctx, drive.StampAsk(l.account(), uscc, d.ID, 1, 130, 200))
	})
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	w := &waiting{net: l.Net, origin: l.system.Origin, url: r.Opened.SocketURL, page: r.Page}
	defer l.remember(r.Ticket, w)
	return l.confirm(ctx, unlocked, r.Ticket, d.ID, w)
}

func (l *load) confirm(ctx context.Context, unlocked *client.Unlocked, ticket, document string, w *waiting) error {
	l.mu.Lock()
	l.tickets = append(l.tickets, ticket)
	l.mu.Unlock()
	scan, err := insist(ctx, func() (*client.Scan, error) {
		m, err := w.wait(ctx, func(m drive.Message) bool { return m.Type == "qr" || m.Type == "ended" })
		if err != nil {
			return nil, err
		}
		return l.agent.Scan(ctx, m.QR)
	})
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	if _, err := insist(ctx, func() (struct{}, error) { return struct{}{}, l.agent.Look(ctx, scan) }); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	m, err := w.wait(ctx, func(m drive.Message) bool { return m.Type == "claimed" && m.Match != "" || m.Type == "ended" })
	if err != nil {
		return fmt.Errorf("number: %w", err)
	}
	if _, err := insist(ctx, func() (string, error) { return unlocked.Approve(ctx, scan, m.Match) }); err != nil {
		return fmt.Errorf("approve: %w", err)
	}
	l.mu.Lock()
	l.acked[ticket] = true
	l.mu.Unlock()
	m, err = w.wait(ctx, func(m drive.Message) bool { return m.ResultCode != "" || m.Type == "ended" })
	if err != nil {
		return fmt.Errorf("result: %w", err)
	}
	if m.ResultCode == "" {
		return fmt.Errorf("the ticket ended: %s %s", m.State, m.Reason)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done[ticket], l.ends = document, append(l.ends, time.Now())
	return nil
}

// remember keeps what the page was shown.
func (l *load) remember(ticket string, w *waiting) {
	w.keep()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown[ticket] = append(l.shown[ticket], w.seen...)
}

// insist tries again what was not answered, or answered by a node or a database
// that has its own trouble; what was refused is refused.
func insist[T any](ctx context.Context, do func() (T, error)) (v T, err error) {
	for {
		v, err = do()
		code := drive.Code(err)
		trouble := err != nil && (code == "" || code == "internal" || code == "unavailable" || code == "shutting-down" || code == "frame-stale" ||
			code == "idempotency-running" || code == "slow-down" || code == "state-conflict")
		if !trouble || ctx.Err() != nil {
			return v, err
		}
		pauseFor(ctx, 50*time.Millisecond)
	}
}

// run keeps so many at it until stop is closed, each then finishes.
func (l *load) run(t testing.TB, unlocked *client.Unlocked, workers int, stop <-chan struct{}) {
	t.Helper()
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
				err := l.flow(ctx, unlocked)
				cancel()
				l.note(t, err)
			}
		})
	}
	all.Wait()
}

func (l *load) note(t testing.TB, err error) {
	if err == nil {
		return
	}
	code := drive.Code(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if code == "" && errors.Is(err, context.DeadlineExceeded) {
		code = "gave up"
	}
	l.refused[code]++
	if code != "delegation-limit" {
		t.Logf("a flow ended: %v", err)
	}
}
