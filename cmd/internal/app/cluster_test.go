package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// cluster is a party whose system is several nodes on one replica set; every
// request of everybody goes to any of them.
type cluster struct {
	party
	set     *mongotest.Set
	configs []config.Config
	files   []string

	mu    sync.Mutex
	nodes []*child // nil: it is down; guarded by mu
	inner map[int]func()
}

// newCluster makes the party on one node in this process, which ends, and
// configurations for n nodes.
func newCluster(t testing.TB, set *mongotest.Set, n, uses int) *cluster {
	t.Helper()
	k, dir := &cluster{set: set, nodes: make([]*child, n), inner: map[int]func(){}}, t.TempDir()
	base := storetest.On(t, set)
	p, stop := newStoppableParty(t, dir, base, uses)
	k.party = *p
	stop()
	k.Code, k.app = nil, k.observer(t)
	for i := range n {
		c := k.Config
		c.Node, c.Listen = fmt.Sprint("node", i+1), freeAddress(t)
		c.Sandbox.Outbox = filepath.Join(dir, "outbox.jsonl")
		c.DataDir = filepath.Join(dir, c.Node)
		file := filepath.Join(dir, c.Node+".json")
		b, err := json.Marshal(c)
		check(t, err)
		check(t, os.WriteFile(file, b, 0o600))
		k.configs, k.files = append(k.configs, c), append(k.files, file)
	}
	return k
}

// newStoppableParty is newParty on a given store, with a node that can be ended
// before the test does.
func newStoppableParty(t testing.TB, dir string, s config.Store, uses int) (*party, func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	c := settings(t, dir, ln.Addr().String())
	c.Store, c.Lifetimes.Start, c.Lifetimes.Open = s, config.Duration(5*time.Minute), config.Duration(5*time.Minute)
	a, err := app.New(c, app.Options{World: drive.World(), Unlimited: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("stop: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(stop)
	return gatherAlone(t, dir, uses, "http://"+ln.Addr().String(), c, a), stop
}

func freeAddress(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	defer ln.Close()
	return ln.Addr().String()
}

// anyNode gives the address of a node that is up, at random.
func (k *cluster) anyNode() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var up []string
	for i := range k.configs {
		if k.nodes[i] != nil || k.inner[i] != nil {
			up = append(up, k.configs[i].Listen)
		}
	}
	if len(up) == 0 {
		return k.configs[0].Listen
	}
	return up[rand.IntN(len(up))]
}

// spread lets everybody go to any node from now on.
func (k *cluster) spread(t testing.TB) {
	t.Helper()
	k.Net = drive.Net{Pick: k.anyNode}
	k.at(t, k.Net)
}

// at lets everybody reach the system by n.
func (k *cluster) at(t testing.TB, n drive.Net) {
	t.Helper()
	var err error
	node := k.Node
	node.Net = n
	k.legal, err = node.Phone("legal")
	check(t, err)
	k.agent, err = node.Phone("agent")
	check(t, err)
	k.system = node.NewSystem(k.system.App, k.system.KeyID, k.system.Key)
}

// startProcess starts a node in a process of its own.
func (k *cluster) startProcess(t testing.TB, i int) {
	t.Helper()
	c := startChild(t, k.files[i], "none")
	k.mu.Lock()
	defer k.mu.Unlock()
	k.nodes[i] = c
}

// kill ends a node's process by SIGKILL.
func (k *cluster) kill(i int) {
	k.mu.Lock()
	c := k.nodes[i]
	k.nodes[i] = nil
	k.mu.Unlock()
	if c != nil {
		c.stop()
	}
}

// startInner starts a node in this process.
func (k *cluster) startInner(t testing.TB, i int, o app.Options) *app.App {
	t.Helper()
	o.World, o.Unlimited = drive.World(), true
	a, stop := runNode(t, k.configs[i], o)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.inner[i] = stop
	return a
}

// runNode runs a node in this process until the test ends or it is stopped.
func runNode(t testing.TB, c config.Config, o app.Options) (a *app.App, stop func()) {
	t.Helper()
	o.Drawer = draws
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	a, err := app.New(c, o)
	check(t, err)
	ln, err := net.Listen("tcp", c.Listen)
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("node %s stops: %v", c.Node, err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("node %s closes: %v", c.Node, err)
		}
	})
	t.Cleanup(stop)
	return a, stop
}

// restartInner ends a node in this process in good order and starts it again.
func (k *cluster) restartInner(t testing.TB, i int, o app.Options) {
	t.Helper()
	k.mu.Lock()
	stop := k.inner[i]
	delete(k.inner, i)
	k.mu.Unlock()
	stop()
	k.startInner(t, i, o)
}

// observer opens the stores once more, without serving, to look at them.
func (k *cluster) observer(t testing.TB) *app.App {
	t.Helper()
	c := k.Config
	c.Node, c.DataDir = "observer", t.TempDir()
	a, err := app.New(c, app.Options{World: drive.World(), Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	_, leave := a.Staying(t.Context())
	t.Cleanup(func() { leave(); _ = a.Close() })
	return a
}

// waiting is a page that comes back, on any node, when its socket ends.
type waiting struct {
	net    drive.Net
	origin string
	url    string
	token  string // the newest resume token

	mu   sync.Mutex
	page *drive.Page
	seen []drive.Message // of earlier sockets
}

// wait gives the newest message that want accepts.
func (w *waiting) wait(ctx context.Context, want func(drive.Message) bool) (drive.Message, error) {
	for {
		m, err := w.page.Wait(ctx, want)
		if err == nil || ctx.Err() != nil {
			return m, err
		}
		if err := w.again(ctx); err != nil {
			return m, err
		}
	}
}

// again resumes.
func (w *waiting) again(ctx context.Context) error {
	w.keep()
	for {
		page, err := drive.OpenPage(ctx, w.net, w.url, w.origin, w.token, true)
		if err == nil {
			w.mu.Lock()
			w.page = page
			w.mu.Unlock()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("resume: %w", err)
		}
		pauseFor(ctx, 50*time.Millisecond)
	}
}

// keep notes what the socket brought.
func (w *waiting) keep() {
	for _, m := range w.page.Seen() {
		if m.Resume != "" {
			w.token = m.Resume
		}
		w.seen = append(w.seen, m)
	}
	w.page.Close()
}
