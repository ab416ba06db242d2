package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/storetest"
	"yunzhang.dev/mobileapi/client"
)

// Variables that make this test binary a node which kills itself.
const (
	childConfig = "YUNZHANG_TEST_NODE"
	childPoint  = "YUNZHANG_TEST_KILL_AT"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childConfig); path != "" {
		runChild(path, os.Getenv(childPoint))
	}
	os.Exit(m.Run())
}

// runChild is a node that dies by SIGKILL at a named point: nothing is flushed,
// nothing is said.
func runChild(path, point string) {
	var c config.Config
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err == nil {
		err = serveChild(c, point)
	}
	fmt.Fprintln(os.Stderr, "child:", err)
	os.Exit(1)
}

func serveChild(c config.Config, point string) error {
	a, err := app.New(c, app.Options{
		World: drive.World(), Unlimited: true, Log: slog.New(slog.DiscardHandler),
		Checkpoint: func(name string) {
			if name == point {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // until the kernel has done it
			}
		},
	})
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	return a.Run(context.Background(), ln)
}

// child is a node in a process of its own.
type child struct {
	cmd  *exec.Cmd
	gone chan error
}

func startChild(t testing.TB, configFile, point string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childConfig+"="+configFile, childPoint+"="+point)
	out, err := cmd.StdoutPipe()
	check(t, err)
	cmd.Stderr = os.Stderr
	check(t, cmd.Start())
	c := &child{cmd: cmd, gone: make(chan error, 1)}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "ready\n" {
		t.Fatalf("the node did not start: %q, %v", line, err)
	}
	go func() { c.gone <- cmd.Wait() }()
	return c
}

// killed waits until the node has died by the signal.
func (c *child) killed(t *testing.T) {
	t.Helper()
	err := <-c.gone
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the node ended otherwise: %v", err)
	}
}

func (c *child) stop() {
	_ = c.cmd.Process.Kill()
	<-c.gone
}

func TestAT023KillAtEveryPoint(t *testing.T) {
	t.Parallel()
	k := newKillWorld(t)
	var tickets []string
	for range 2 {
		for _, point := range app.Checkpoints {
			victim := startChild(t, k.configFile, point)
			ticket := k.approveUntilDeath(t)
			victim.killed(t)
			tickets = append(tickets, ticket)
			heir := startChild(t, k.configFile, "none")
			k.settled(t, ticket, point)
			heir.stop() // by SIGKILL too: nothing may depend on a clean end
		}
	}
	var stamped, refused int
	k.atRest(t, func(a *app.App) (err error) {
		stamped, refused, err = a.Agree(t.Context(), k.delegation, tickets)
		return err
	})
	t.Logf("%d requests killed at %d points: %d stamped once, %d refused", len(tickets), len(app.Checkpoints), stamped, refused)
	if stamped+refused != len(tickets) || stamped == 0 {
		t.Errorf("%d stamped, %d refused of %d", stamped, refused, len(tickets))
	}
}

// A stamp whose power ends while its node is dead is refused by the heir; he is
// killed while he does it, at every point of that, and the power comes back: what
// was refused stays refused, and its slot is free.
func TestAT023KillAtEveryPointOfARefusal(t *testing.T) {
	t.Parallel()
	k := newKillWorld(t)
	var tickets []string
	for _, point := range app.RefusalCheckpoints {
		victim := startChild(t, k.configFile, "intent")
		ticket := k.approveUntilDeath(t)
		victim.killed(t)
		tickets = append(tickets, ticket)
		k.atRest(t, func(a *app.App) error { return a.StopApp(t.Context(), k.system.App) })
		startChild(t, k.configFile, point).killed(t)
		k.atRest(t, func(a *app.App) error { return a.RestoreApp(t.Context(), k.system.App) })
		heir := startChild(t, k.configFile, "none")
		k.settled(t, ticket, point)
		heir.stop()
	}
	k.atRest(t, func(a *app.App) error {
		stamped, refused, err := a.Agree(t.Context(), k.delegation, tickets)
		if stamped != 0 || refused != len(tickets) {
			t.Errorf("%d stamped, %d refused of %d", stamped, refused, len(tickets))
		}
		return err
	})
}

// Every point that the code names is one at which the tests kill.
func TestAT023NamesEveryPoint(t *testing.T) {
	t.Parallel()
	named := map[string]bool{}
	point := regexp.MustCompile(`[cC]heckpoint\("([a-z]+)"\)`)
	for _, dir := range []string{"../../../cloudseal", "../../../cloudseal/keys"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		check(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			b, err := os.ReadFile(file)
			check(t, err)
			for _, m := range point.FindAllSubmatch(b, -1) {
				named[string(m[1])] = true
			}
		}
	}
	killed := map[string]bool{}
	for _, name := range slices.Concat(app.Checkpoints, app.RefusalCheckpoints) {
		killed[name] = true
	}
	if !maps.Equal(named, killed) {
		t.Errorf("the code names %v, the tests kill at %v", named, killed)
	}
}

// atRest does something on the folder while no node runs.
func (k *killWorld) atRest(t *testing.T, do func(*app.App) error) {
	t.Helper()
	a, err := app.New(k.config, app.Options{World: drive.World(), Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	defer func() { check(t, a.Close()) }()
	check(t, do(a))
}

// killAccount is the one account that asks: a killed request has ended before the
// next one.
const killAccount = "kill"

// killWorld is a party whose node was stopped, so that others may run on its
// folder.
type killWorld struct {
	party
	config     config.Config
	configFile string
}

func newKillWorld(t *testing.T) *killWorld {
	t.Helper()
	k, dir, on := &killWorld{}, t.TempDir(), storetest.Choose(t)
	t.Run("prepare", func(t *testing.T) {
		base, c, a := startWith(t, dir, app.Options{Unlimited: true, World: world()}, func(c *config.Config) { c.Store = on })
		p := gatherAlone(t, dir, 100, base, c, a)
		p.bindAtOnce(t, p.system, killAccount)
		k.party, k.config = *p, p.Config
	}) // the node of the sub-test has ended
	if k.app == nil {
		t.FailNow()
	}
	k.Code = func(phone, template string) string { return lastCode(t, k.config, phone, template) }
	k.configFile = filepath.Join(t.TempDir(), "node.json")
	b, err := json.Marshal(k.config)
	check(t, err)
	check(t, os.WriteFile(k.configFile, b, 0o600))
	return k
}

func lastCode(t *testing.T, c config.Config, phone, template string) (code string) {
	f, err := os.Open(filepath.Join(c.DataDir, "outbox.jsonl"))
	check(t, err)
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m notify.Sent
		check(t, json.Unmarshal(lines.Bytes(), &m))
		if m.To == phone && string(m.Template) == template {
			code = m.Params["code"]
		}
	}
	return code
}

// scanned is a request that its agent has before him, the phone unlocked.
type scanned struct {
	*client.Unlocked
	scan             *client.Scan
	ticket, document string
	number           string
}

func (k *killWorld) scanned(t *testing.T) scanned {
	t.Helper()
	r, document := k.ask(t, k.system, killAccount)
	scan, err := drive.Claim(t.Context(), k.agent, r)
	check(t, err)
	err = k.agent.Look(t.Context(), scan)
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := k.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	return scanned{u, scan, r.Ticket, document, number}
}

// approveUntilDeath goes as far as the node lives; the answer to the approval
// may be lost.
func (k *killWorld) approveUntilDeath(t *testing.T) string {
	t.Helper()
	open := k.scanned(t)
	defer open.Close()
	short, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	_, _ = open.Approve(short, open.scan, open.number)
	return open.ticket
}

// settled waits until the heir has brought the ticket to its end. A running MongoDB
// may hold the rows of the dead for a minute and half of one more.
func (k *killWorld) settled(t *testing.T, ticket, point string) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), 150*time.Second)
	defer cancel()
	for {
		st, err := k.system.Status(deadline, ticket)
		if err == nil && (st.State == "done" || st.State == "failed" || st.State == "expired") {
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("killed at %s: still %+v, %v", point, st, err)
		}
		pauseFor(deadline, 50*time.Millisecond)
	}
}

func pauseFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// waitFor asks until it is so, for a minute.
func waitFor(t testing.TB, what string, is func() bool) {
	t.Helper()
	for until := time.Now().Add(time.Minute); !is(); pauseFor(t.Context(), 20*time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
