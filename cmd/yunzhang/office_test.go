package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
)

// office is a server that was set up by init and runs by serve, and the people
// around it, who have nothing but the command line.
type office struct {
	t    *testing.T
	dir  string
	addr string
	cfg  config.Config
}

const testPIN = "yunzhang2026"

func newOffice(t *testing.T) *office {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &office{t: t, dir: t.TempDir(), addr: ln.Addr().String()}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	o.write("pin", testPIN)
	return o
}

func (o *office) path(name string) string { return filepath.Join(o.dir, name) }

func (o *office) write(name, text string) {
	o.t.Helper()
	if err := os.WriteFile(o.path(name), []byte(text), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// try runs a command with the office's configuration.
func (o *office) try(args ...string) (out, errs string, status int) {
	var stdout, stderr bytes.Buffer
	environ := []string{"HOME=" + o.dir, "LANG=C", "YUNZHANG_CONFIG=" + o.path("yunzhang.toml")}
	status = run(args, strings.NewReader(""), &stdout, &stderr, environ)
	return stdout.String(), stderr.String(), status
}

// do wants success.
func (o *office) do(args ...string) string {
	o.t.Helper()
	out, errs, status := o.try(args...)
	if status != 0 {
		o.t.Fatalf("yunzhang %s: status %d\n%s%s", strings.Join(args, " "), status, out, errs)
	}
	return out
}

// refused wants a refusal with this code, and status 1.
func (o *office) refused(want *fault.Error, args ...string) {
	o.t.Helper()
	out, errs, status := o.try(args...)
	if status != exitFailed || !strings.Contains(errs, "["+want.Code+"]") {
		o.t.Errorf("yunzhang %s: status %d, want %s\n%s%s", strings.Join(args, " "), status, want.Code, out, errs)
	}
}

// serve runs the server until the test ends.
func (o *office) serve() {
	o.t.Helper()
	var err error
	if o.cfg, err = config.Load(o.path("yunzhang.toml"), nil); err != nil {
		o.t.Fatal(err)
	}
	e := newEnv("en", strings.NewReader(""), o.t.Output(), o.t.Output(), nil)
	ctx, stop := context.WithCancel(context.Background())
	e.ctx = ctx
	done := make(chan error, 1)
	go func() { done <- serveCmd{configFlag{Config: o.path("yunzhang.toml")}}.Run(e) }()
	o.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			o.t.Errorf("serve: %v", err)
		}
	})
	o.await("tcp", o.addr)
	o.await("unix", socketOf(o.cfg))
}

// await tries until somebody listens; the pause is the dialler's.
func (o *office) await(network, addr string) {
	o.t.Helper()
	deadline, stop := context.WithTimeout(o.t.Context(), 20*time.Second)
	defer stop()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		if c, err := net.Dial(network, addr); err == nil {
			tick.Stop()
			_ = c.Close()
			return
		}
		select {
		case <-tick.C:
		case <-deadline.Done():
			o.t.Fatalf("nobody listens on %s", addr)
		}
	}
}

// phone and admin are commands of one person.
func (o *office) phone(who string, args ...string) []string {
	return append([]string{"phone", "--dir", o.path(who), "--pin-file", o.path("pin"), "--server", o.cfg.Sites.App}, args...)
}

func (o *office) admin(who string, args ...string) []string {
	return append([]string{"admin", "--dir", o.path(who), "--pin-file", o.path("pin")}, args...)
}

// person gives the flags by which somebody enrols.
func (o *office) person(p app.Person) []string {
	return []string{"--name", p.Name, "--id", p.IDNumber, "--mobile", p.Phone, "--outbox", filepath.Join(o.cfg.DataDir, "outbox.jsonl")}
}

// desks enrols the operators of the sandbox world, the first with the code that
// init printed.
func (o *office) desks(printed string) {
	o.t.Helper()
	b, err := os.ReadFile(o.path("sandbox-world.json"))
	if err != nil {
		o.t.Fatal(err)
	}
	var w app.World
	if err := json.Unmarshal(b, &w); err != nil {
		o.t.Fatal(err)
	}
	people := w.People[len(w.People)-4:]
	code := find(o.t, printed, `admin enrol ([a-z2-7]{32})`)
	for i, desk := range []string{"business", "clerk", "reviewer", "auditor"} {
		if i > 0 {
			code = strings.TrimSpace(o.do(o.admin("business", "invite", desk)...))
		}
		o.do(o.admin(desk, append([]string{"enrol", code}, o.person(people[i])...)...)...)
	}
}

func find(t *testing.T, text, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("no %s in %q", pattern, text)
	}
	return m[1]
}

func (o *office) on(t *testing.T) *office {
	c := *o
	c.t = t
	return &c
}
