package app_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// lifeline holds every connection of a node, to the database and from people.
// When it is cut all of them break at once and none is made any more: what the
// world sees of a process that gets SIGKILL.
type lifeline struct {
	mu   sync.Mutex
	held map[net.Conn]bool // guarded by mu; nil: it is cut
}

var errDead = errors.New("this node is dead")

func (l *lifeline) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return l.hold(c)
}

func (l *lifeline) hold(c net.Conn) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held == nil {
		return nil, errors.Join(errDead, c.Close())
	}
	h := &heldConn{Conn: c, line: l}
	l.held[h] = true
	return h, nil
}

func (l *lifeline) cut() {
	l.mu.Lock()
	held := l.held
	l.held = nil
	l.mu.Unlock()
	for c := range held {
		_ = c.Close()
	}
}

type heldConn struct {
	net.Conn
	line *lifeline
}

func (c *heldConn) Close() error {
	c.line.mu.Lock()
	delete(c.line.held, c)
	c.line.mu.Unlock()
	return c.Conn.Close()
}

type heldListener struct {
	net.Listener
	line *lifeline
}

func (l heldListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.line.hold(c)
}

// mortal is a node in this process that dies as by SIGKILL.
type mortal struct {
	app  *app.App
	line *lifeline
	ln   net.Listener
	stop context.CancelFunc
	gone chan struct{} // closed when nothing of it is left
}

// startMortal starts the i-th node, in its next life if it had one. A start that
// fails, since the database is not what it was yet, is tried again as a supervisor
// would, for a minute.
func (k *arena) startMortal(t testing.TB, i int) {
	t.Helper()
	m, err := k.bear(t, i)
	for until := time.Now().Add(time.Minute); err != nil && time.Now().Before(until); m, err = k.bear(t, i) {
		t.Logf("node %d does not start yet: %v", i+1, err)
		pauseFor(t.Context(), 50*time.Millisecond)
	}
	check(t, err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	m.stop = stop
	go func() {
		defer close(m.gone)
		_ = m.app.Run(ctx, heldListener{m.ln, m.line}) // how it ends does not matter: it is dead or the test is over
		_ = m.app.Close()
	}()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mortals[i] = m
	k.inner[i] = m.stop
}

// bear makes a node that does not run yet. Where it listened before somebody else
// may be by now.
func (k *arena) bear(t testing.TB, i int) (*mortal, error) {
	k.lives++
	k.mu.Lock()
	k.configs[i].Listen = freeAddress(t)
	c := k.configs[i]
	k.mu.Unlock()
	c.DataDir = filepath.Join(c.DataDir, fmt.Sprint("life", k.lives))
	m := &mortal{line: &lifeline{held: map[net.Conn]bool{}}, gone: make(chan struct{})}
	o := k.options.spoiled(app.Options{World: drive.World(), Unlimited: true, Drawer: draws, Dial: m.line.dial, Log: k.log(t)})
	var err error
	if m.app, err = app.New(c, o); err != nil {
		return nil, err
	}
	if m.ln, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, errors.Join(err, m.app.Close())
	}
	return m, nil
}

// slay ends the i-th node. Its remains find neither the database nor anybody to
// answer, and are waited for at the end of the test only.
func (k *arena) slay(i int) {
	k.mu.Lock()
	m := k.mortals[i]
	k.mortals[i] = nil
	delete(k.inner, i)
	k.mu.Unlock()
	if m == nil {
		return
	}
	m.line.cut()
	_ = m.ln.Close()
	m.stop()
	k.dead = append(k.dead, m)
}

// alive lists the nodes that are up.
func (k *arena) alive() (apps []*app.App) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.mortals {
		if m != nil {
			apps = append(apps, m.app)
		}
	}
	return apps
}

// log is silent unless one seed is looked at.
func (k *arena) log(t testing.TB) *slog.Logger {
	if !k.options.loud {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}
