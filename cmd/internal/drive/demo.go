package drive

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
)

//go:embed sample.pdf
var samplePDF []byte

// Demo is the demonstration: a node with a sandbox world, and the main job done
// once over its public interfaces.
type Demo struct {
	Dir  string // everything is kept here; it can be used again
	PDF  string // file to stamp; "" for the sample
	Addr string // where to listen; a port of 0 takes a free one
	LAN  bool   // listen for others, with a self-signed certificate
	Out  io.Writer
	// Store is where everything is kept; the zero value: in Dir.
	Store config.Store
	// Unlimited lifts the rates, for load (app.Options).
	Unlimited bool

	node  Node
	app   *app.App
	state *state
	step  int
}

// steps is how many numbered lines the demonstration prints.
const steps = 9

// Start makes or opens the world and listens. stop ends the node and waits for
// it.
func (d *Demo) Start(ctx context.Context) (stop func() error, err error) {
	ln, err := net.Listen("tcp", d.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	cfg, err := d.config(ln.Addr().String())
	if err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	if d.state, err = loadState(d.Dir); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	log := slog.New(slog.NewTextHandler(d.logFile(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	if d.app, err = app.New(cfg, app.Options{World: World(), Log: log, Unlimited: d.Unlimited}); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	d.node = Node{Net: Net{Addr: ln.Addr().String(), TLS: d.LAN}, Config: cfg, Code: d.app.LastCode, Dir: filepath.Join(d.Dir, "phones")}
	run, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.app.Run(run, ln) }()
	return func() error {
		cancel()
		return errors.Join(<-ended, d.app.Close())
	}, nil
}

// logFile keeps the node's log out of the numbered lines.
func (d *Demo) logFile() io.Writer {
	f, err := os.OpenFile(filepath.Join(d.Dir, "yunzhang.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return io.Discard
	}
	return f
}

// config is the demonstration's configuration; keys are made on first use.
func (d *Demo) config(addr string) (config.Config, error) {
	c := config.Default()
	c.Listen, c.DataDir, c.KeysDir = addr, filepath.Join(d.Dir, "data"), filepath.Join(d.Dir, "keys")
	c.Sandbox.Enabled, c.Sandbox.LAN = true, d.LAN
	if d.Store.Engine != "" {
		c.Store = d.Store
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return c, err
	}
	scheme := "http://"
	if d.LAN {
		scheme = "https://"
	}
	origin := func(name string) string { return scheme + name + ".localhost:" + port }
	c.Sites = config.Sites{
		Issuer: "seal.localhost", App: origin("app"), Portal: origin("portal"), Demo: origin("ds"), Verify: origin("verify"), Sockets: origin("ws"),
	}
	if err := os.MkdirAll(d.Dir, 0o700); err != nil {
		return c, err
	}
	if !app.HasSecrets(c.KeysDir) {
		operator := app.Operator{Name: "云章演示运营中心", USCC: "12100000000018032A"}
		if err := app.NewSecrets(c.KeysDir, operator, time.Now()); err != nil {
			return c, err
		}
	}
	if d.LAN {
		if c.TLS.Cert, c.TLS.Key, err = selfSigned(c.KeysDir); err != nil {
			return c, err
		}
	}
	return c, c.Validate()
}

// say prints a numbered line with the time the step took.
func (d *Demo) say(began time.Time, format string, args ...any) {
	d.step++
	line := fmt.Sprintf(format, args...)
	fmt.Fprintf(d.Out, "[%d/%d] %s  (%d ms)\n", d.step, steps, line, time.Since(began).Milliseconds())
}
