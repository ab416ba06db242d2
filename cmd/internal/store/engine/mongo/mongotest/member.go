package mongotest

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// member is one process of a set that was started here.
type member struct {
	program string
	dir     string
	addr    string
	args    []string

	cmd   *exec.Cmd     // nil: it was killed
	ended chan struct{} // closed when the process is gone
	leash *leash
}

func newMember(program string) (*member, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "yunzhang-mongod-")
	if err != nil {
		return nil, err
	}
	return &member{program: program, dir: dir, addr: net.JoinHostPort("127.0.0.1", port), args: []string{
		"--replSet", "yz", "--bind_ip", "127.0.0.1", "--port", port, "--nounixsocket", "--dbpath", dir, "--oplogSize", "128",
		"--logpath", filepath.Join(dir, "log"), "--logappend", "--wiredTigerCacheSizeGB", "0.25",
		"--setParameter", fmt.Sprintf("transactionLifetimeLimitSeconds=%d", int(TxnLifetime/time.Second)),
	}}, nil
}

// freePort finds a port below those that systems give to connections: a member
// that is down for a moment gets its own again.
func freePort() (string, error) {
	for range 100 {
		port := strconv.Itoa(10_000 + rand.IntN(20_000))
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port)); err == nil {
			return port, l.Close()
		}
	}
	return "", errors.New("no port is free between 10000 and 30000")
}

func (m *member) start() error {
	cmd := exec.Command(m.program, m.args...)
	if err := cmd.Start(); err != nil {
		return err
	}
	m.cmd, m.ended = cmd, make(chan struct{})
	leash, err := tie(cmd.Process.Pid, m.dir)
	m.leash = leash
	go func(ended chan struct{}) {
		defer close(ended)
		_ = cmd.Wait()
	}(m.ended)
	return err
}

// kill ends the process at once.
func (m *member) kill() {
	if m.cmd == nil {
		return
	}
	if m.leash != nil {
		m.leash.untie() // first: the number may soon be another's
	}
	_ = m.cmd.Process.Kill()
	<-m.ended
	m.cmd, m.leash = nil, nil
}

func (m *member) end() {
	m.kill()
	_ = os.RemoveAll(m.dir)
}

// lastWords are the last lines of the log.
func (m *member) lastWords() string {
	b, err := os.ReadFile(filepath.Join(m.dir, "log"))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-5):], "\n")
}

// leash ends a process, and removes its folder, when this one ends without having
// done so, however it ends: a shell waits for its input, which only we hold open,
// to be closed.
type leash struct {
	shell *exec.Cmd
	in    io.WriteCloser
}

func tie(pid int, dir string) (*leash, error) {
	shell := exec.Command("sh", "-c", `trap "" INT TERM; read -r untied || { kill -9 "$1"; rm -rf "$2"; }`, "sh", strconv.Itoa(pid), dir)
	in, err := shell.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &leash{shell, in}, shell.Start()
}

func (l *leash) untie() {
	_, _ = io.WriteString(l.in, "untied\n")
	_ = l.in.Close()
	_ = l.shell.Wait()
}
