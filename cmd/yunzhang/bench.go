package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"yunzhang.dev/cmd/internal/pagebench"
)

type benchCmd struct {
	Pages benchPagesCmd `cmd:"" help:"等待页面：每页内存、处理器、确认到页面的延迟。· Waiting pages: memory, processor, approval → page."`
	Part  benchPartCmd  `cmd:"" hidden:""`
}

type benchPagesCmd struct {
	Pages     int           `help:"页面数，0 为本机描述符上限所容（至多 18000）。· How many; 0: what the descriptor limit allows, at most 18,000." default:"0" placeholder:"N"`
	Over      time.Duration `help:"页面在多长时间内陆续打开，缺省为二维码的有效期，使续开也均匀。· Time over which the pages come, by default that for which a ticket waits, so that they are renewed as evenly." default:"120s" placeholder:"TIME"`
	Duration  time.Duration `help:"全部页面接入后测量多久。· How long to measure once all have attached." default:"120s" placeholder:"TIME"`
	Approvals int           `help:"其间确认多少次。· Requests approved meanwhile, for the latency." default:"300" placeholder:"N"`
	Heap      string        `help:"把节点的堆剖析写到文件。· Write a profile of the node's heap." type:"path" placeholder:"FILE"`
}

// Help teaches.
func (benchPagesCmd) Help() string {
	return `Starts a sandbox node as a process of its own, opens waiting pages against it (signed
API, page tokens, sockets from several loopback addresses) with codes that roll every
three seconds and tickets that are opened anew when they end, and has the agent's phone
approve some. Then the same number of connections to a bare websocket server. The table
names the aims and which were met; the status is 0 either way. A full run takes a few
minutes and keeps two cores busy; quit what else is running.

    yunzhang bench pages
    yunzhang bench pages --pages 1000 --over 10s --duration 20s --approvals 50
    ulimit -n 120000 && yunzhang bench pages --pages 18000 --heap heap.pprof

Every page takes a descriptor in the node and one here, each process under its own limit.`
}

var errBench = errors.New("--pages, --duration and --approvals are positive, --over is not negative, and the descriptor limit (ulimit -n) must allow the pages")

// Run measures.
func (c benchPagesCmd) Run(e *env) (err error) {
	if c.Pages == 0 {
		c.Pages = pagebench.MostPages()
	}
	if c.Pages < 1 || c.Over < 0 || c.Duration <= 0 || c.Approvals < 1 || c.Pages >= pagebench.Descriptors() {
		return errBench
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "yunzhang-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &pagebench.Bench{
		Pages: c.Pages, Over: c.Over, Approvals: c.Approvals, For: c.Duration, Dir: dir, Heap: c.Heap, Out: e.out,
		Note: func(format string, args ...any) { fmt.Fprintf(e.err, format+"\n", args...) },
		Command: func(ctx context.Context, part, dir string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, self, "bench", "part", part, dir)
			cmd.Stderr = os.Stderr
			return cmd
		},
	}
	_, err = b.Run(e.ctx)
	return err
}

// benchPartCmd is how the benchmark starts its processes.
type benchPartCmd struct {
	Part string `arg:""`
	Dir  string `arg:"" type:"path"`
}

// Run plays the part.
func (c benchPartCmd) Run(e *env) error { return pagebench.Play(e.ctx, c.Part, c.Dir, e.in, e.out) }
