package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
	"yunzhang.dev/mobileapi/client"
)

// muffler is between a node and its outbox: while it is shut, the node does not
// get to ask for what is new, and everything else goes on.
type muffler struct {
	mu     sync.Mutex
	opened chan struct{} // closed when it is open; guarded by mu
	asked  int           // how often the node got to ask; guarded by mu
	kept   bool          // the node wants to ask and may not; guarded by mu
}

func newMuffler() *muffler {
	m := &muffler{opened: make(chan struct{})}
	close(m.opened)
	return m
}

func (m *muffler) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(ctx context.Context, e *event.CommandStartedEvent) {
		if name, _ := e.Command.Lookup("collection").StringValueOK(); e.CommandName == "getMore" && name == "events" {
			m.pass(ctx)
		}
	}}
}

func (m *muffler) pass(ctx context.Context) {
	m.mu.Lock()
	opened := m.opened
	select {
	case <-opened:
	default:
		m.kept = true
	}
	m.mu.Unlock()
	select {
	case <-opened:
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked, m.kept = m.asked+1, false
}

// shut returns when the node hears no more.
func (m *muffler) shut(t testing.TB) {
	t.Helper()
	m.mu.Lock()
	m.opened = make(chan struct{})
	m.mu.Unlock()
	waitFor(t, "the node asks for what is new", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.kept
	})
}

func (m *muffler) open() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.opened:
	default:
		close(m.opened)
	}
}

func (m *muffler) count() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.asked
}

// breaks is a log that keeps the reasons for which following broke off.
type breaks struct {
	mu   sync.Mutex
	errs []error // guarded by mu
}

// Enabled implements slog.Handler.
func (b *breaks) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (b *breaks) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "following events broke off, going on" {
		return nil
	}
	r.Attrs(func(at slog.Attr) bool {
		if err, ok := at.Value.Any().(error); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.errs = append(b.errs, err)
		}
		return true
	})
	return nil
}

// WithAttrs implements slog.Handler.
func (b *breaks) WithAttrs([]slog.Attr) slog.Handler { return b }

// WithGroup implements slog.Handler.
func (b *breaks) WithGroup(string) slog.Handler { return b }

func (b *breaks) all() []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]error(nil), b.errs...)
}

// listener is a party on one node whose following can be disturbed.
type listener struct {
	*party
	set     *mongotest.Set
	muffler *muffler
	breaks  *breaks
	looks   atomic.Int64 // at all pages, when it is blind
}

// newListener starts the node. A blind one does not look at its pages every few
// seconds, so that they learn by hearing only.
func newListener(t *testing.T, o mongosim.Options, blind bool) *listener {
	t.Helper()
	l := &listener{set: mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: o}), muffler: newMuffler(), breaks: &breaks{}}
	run := func(a *app.App, ctx context.Context, ln net.Listener) error {
		if blind {
			if err := a.Blindfold(&l.looks); err != nil {
				return err
			}
		}
		return a.Run(ctx, ln)
	}
	dir := t.TempDir()
	base, c, a := startNode(t, dir, app.Options{World: drive.World(), Monitor: l.muffler.monitor(), Log: slog.New(l.breaks)}, run,
		func(c *config.Config) { c.Store = storetest.On(t, l.set) })
	t.Cleanup(l.muffler.open) // a muffled node could not stop
	l.party = gatherAlone(t, dir, 10, base, c, a)
	return l
}

// claimed is a request whose page shows the number: from then on it waits and asks
// for nothing itself.
func (l *listener) claimed(t *testing.T, account string) (*drive.Request, *client.Scan) {
	t.Helper()
	r, _ := l.ask(t, l.system, account)
	scan, err := drive.Claim(t.Context(), l.agent, r)
	check(t, err)
	_, err = r.Page.Number(t.Context())
	check(t, err)
	return r, scan
}

// approve brings a request to its end, whatever its page knows of it.
func (l *listener) approve(t *testing.T, r *drive.Request, scan *client.Scan) {
	t.Helper()
	check(t, drive.Approve(t.Context(), l.agent, r, scan))
	waitFor(t, "the stamp", func() bool {
		ended, _, err := l.app.Ended(t.Context(), r.Ticket)
		check(t, err)
		return ended
	})
}

// reachesEnd expects that the page is shown the end of its request, and gives how long
// that took.
func reachesEnd(t *testing.T, r *drive.Request) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	began := time.Now()
	if code, err := r.Page.Result(ctx); err != nil || code == "" {
		t.Errorf("the page does not reach the end of its request: %v", err)
	}
	return time.Since(began)
}

func showsNoResult(t *testing.T, r *drive.Request) {
	t.Helper()
	for _, m := range r.Page.Seen() {
		if m.ResultCode != "" {
			t.Error("the page was told although its node heard nothing")
		}
	}
}

// The database forgets what happened while a node was away. Its pages are looked
// after when it is back, and from then on it hears what happens.
func TestPagesSurviveLostHistory(t *testing.T) {
	t.Parallel()
	l := newListener(t, mongosim.Options{OplogSize: 50}, true)
	r, scan := l.claimed(t, "away")
	l.muffler.shut(t)
	before, looks := len(l.breaks.all()), l.looks.Load()
	l.approve(t, r, scan)
	for i := range 100 {
		check(t, l.app.Bind(t.Context(), l.system.App, fmt.Sprint("filler-", i), uscc, l.agent.Person()))
	}
	showsNoResult(t, r)
	l.muffler.open()
	t.Logf("the page is told %s after its node is back", reachesEnd(t, r))
	if broke := l.breaks.all()[before:]; len(broke) == 0 || !errors.Is(broke[0], engine.ErrHistoryLost) || l.looks.Load() == looks {
		t.Errorf("no history was lost, or nobody looked after it: %v", broke)
	}
	next, scan := l.claimed(t, "back")
	l.approve(t, next, scan)
	reachesEnd(t, next)
}

// The database refuses a node for a moment. What happened meanwhile is heard from
// where the node was: it need not look at all of its pages.
func TestFollowingGoesOnFromWhereItWas(t *testing.T) {
	t.Parallel()
	l := newListener(t, mongosim.Options{}, true)
	r, scan := l.claimed(t, "refused")
	l.muffler.shut(t)
	l.approve(t, r, scan)
	looks := l.looks.Load()
	refuseOnce(t, l.set, "getMore")
	l.muffler.open()
	t.Logf("the page is told %s after the refusal", reachesEnd(t, r))
	if broke := l.breaks.all(); len(broke) != 1 || errors.Is(broke[0], engine.ErrHistoryLost) || l.looks.Load() != looks {
		t.Errorf("it was not the refusal, or all pages were looked at: %v", broke)
	}
}

// refuseOnce makes the next command of a name fail on the primary, in a way that
// the driver does not mend by itself.
func refuseOnce(t *testing.T, set *mongotest.Set, command string) {
	t.Helper()
	c, err := driver.Connect(options.Client().ApplyURI(set.URI))
	check(t, err)
	defer func() { _ = c.Disconnect(context.WithoutCancel(t.Context())) }()
	check(t, c.Database("admin").RunCommand(t.Context(), bson.D{
		{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: bson.D{{Key: "times", Value: 1}}},
		{Key: "data", Value: bson.D{{Key: "failCommands", Value: bson.A{command}}, {Key: "errorCode", Value: 8}}},
	}).Err())
}

// A node that hears nothing at all looks at its pages every few seconds: they come
// to the end of their requests, later.
func TestPagesOfADeafNodeConverge(t *testing.T) {
	t.Parallel()
	l := newListener(t, mongosim.Options{}, false)
	l.muffler.shut(t)
	asked := l.muffler.count()
	r, scan := l.claimed(t, "deaf")
	l.approve(t, r, scan)
	t.Logf("the page is told %s after the stamp", reachesEnd(t, r))
	if l.muffler.count() != asked || len(l.breaks.all()) > 0 {
		t.Error("the node heard something")
	}
}
