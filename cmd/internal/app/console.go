package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/web/console"
	"yunzhang.dev/web/httpx"
)

// Version is what status and the command line say of the program.
const Version = "0.1.0"

// SocketPath is where operators' commands reach the server.
func (a *App) SocketPath() string {
	if a.cfg.AdminSocket != "" {
		return a.cfg.AdminSocket
	}
	return filepath.Join(a.cfg.DataDir, "admin.sock")
}

// serveConsole answers operators on the unix socket until ctx ends. The socket
// is for the server's own user, and every request is signed all the same.
func (a *App) serveConsole(ctx context.Context) error {
	ln, err := a.listenSocket()
	if err != nil {
		return err
	}
	server := httpx.NewServer(httpx.Deps{Log: a.log, Now: a.opts.Now, Bodies: a.bodies()})
	if err := errors.Join(a.mountConsole(server), a.mountPhone(server)); err != nil {
		return errors.Join(err, ln.Close())
	}
	gate := httpx.NewGate()
	return httpx.Serve(ctx, server, ln, httpx.Stop{Grace: a.cfg.ShutdownGrace.D(), Gate: gate})
}

// listenSocket makes the socket, over one that a killed server left behind. Of a
// node that lives, which has a data folder of its own, it is not taken.
func (a *App) listenSocket() (net.Listener, error) {
	path := a.SocketPath()
	if c, err := net.Dial("unix", path); err == nil { // nodes on MongoDB have no lock
		return nil, errors.Join(fmt.Errorf("admin socket: another node answers on %s", path), c.Close())
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

func (a *App) mountConsole(site *fiber.App) error {
	d := &a.domains
	c, err := console.New(console.Deps{
		Authz: d.authz, Work: a.main.Work, Applications: d.seals, Systems: d.binding, Trail: d.audit,
		Idempotency: answers{a.main.Work, a.main.Answers}, Version: Version,
	})
	if err != nil {
		return err
	}
	c.Mount(site)
	return nil
}
