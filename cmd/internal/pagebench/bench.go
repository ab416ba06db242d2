package pagebench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"yunzhang.dev/cmd/internal/drive"
)

// mostDescriptors is where we stop counting.
const mostDescriptors = 1 << 20

// spare descriptors are kept for files, the store and requests of the API.
const spare = 2000

// MostPages is how many pages one process here can have.
func MostPages() int { return max(min(Descriptors()-spare, 18_000), 10) }

// framePeriod is the rolling code's, the default of the configuration.
const framePeriod = 3 * time.Second

// Bench is one run.
type Bench struct {
	Pages     int
	Over      time.Duration // over which they come, one after the other
	Approvals int           // requests to approve, for the delays
	For       time.Duration // of the measured phase, when all pages have attached
	Dir       string        // for the sandbox, empty or not there yet
	Heap      string        // file for a profile of the node's heap; "": none
	Out       io.Writer     // for the figures
	Note      func(format string, args ...any)
	// Command makes the process that plays a part: this program, calling Play.
	Command func(ctx context.Context, part, dir string) *exec.Cmd
}

// Run measures and prints. Aims that are missed are no error; a run that could
// not measure is.
func (b *Bench) Run(ctx context.Context) (Figures, error) {
	f := Figures{Pages: b.Pages, For: b.For, Descriptors: Descriptors(), Load: load()}
	if err := b.node(ctx, &f); err != nil {
		return f, err
	}
	if err := b.bare(ctx, &f); err != nil {
		return f, err
	}
	return f, f.write(b.Out)
}

// node measures the pages.
func (b *Bench) node(ctx context.Context, f *Figures) (err error) {
	began := time.Now()
	c, err := b.start(ctx, PartNode, b.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	system, phone, err := drive.Desk(b.Dir, c.addr)
	if err != nil {
		return err
	}
	b.Note("sandbox ready after %s; %d pages attach", since(began), b.Pages)
	before, err := c.look(question{Fresh: true})
	if err != nil {
		return err
	}
	began = time.Now()
	crowd := newCrowd(ctx, system, b.Pages, b.Over)
	defer crowd.stop()
	if err := crowd.ready(ctx); err != nil {
		return errors.Join(err, crowd.firstFailure())
	}
	f.Attach = time.Since(began)
	b.Note("all attached after %s; measuring for %s", since(began), b.For)
	from, err := c.look(question{})
	if err != nil {
		return err
	}
	frames, renewed, lost, start := crowd.frames.Load(), crowd.renewed.Load(), crowd.lost.Load(), time.Now()
	if f.Delays, err = crowd.approvals(ctx, phone, b.Approvals, b.For); err != nil {
		return err
	}
	pause(ctx, time.Until(start.Add(b.For)))
	took := time.Since(start)
	f.Frames, f.Renewed, f.Lost = crowd.frames.Load()-frames, crowd.renewed.Load()-renewed, crowd.lost.Load()-lost
	f.There = int(crowd.there.Load())
	to, err := c.look(question{Heap: b.Heap})
	if err != nil {
		return err
	}
	f.For = took
	f.Ours = cost(before, from, to, took, max(f.There, 1))
	if f.Lost > 0 {
		b.Note("of the failures the first was: %v", crowd.firstFailure())
	}
	return ctx.Err()
}

// bare measures as many connections of the bare server.
func (b *Bench) bare(ctx context.Context, f *Figures) (err error) {
	c, err := b.start(ctx, PartBare, b.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	before, err := c.look(question{Fresh: true})
	if err != nil {
		return err
	}
	began := time.Now()
	stop, err := bareCrowd(ctx, c.addr, b.Pages, framePeriod)
	if err != nil {
		return err
	}
	defer stop()
	b.Note("bare server: all connected after %s", since(began))
	from, err := c.look(question{})
	if err != nil {
		return err
	}
	start := time.Now()
	pause(ctx, min(b.For, 5*framePeriod)) // it is the same all the time
	took := time.Since(start)
	to, err := c.look(question{})
	f.Bare = cost(before, from, to, took, b.Pages)
	return errors.Join(err, ctx.Err())
}

// Cost is what a process took.
type Cost struct {
	Each       int64   // bytes of memory a page
	Heap       int64   // of them in use by the heap, before the collector's room
	Stack      int64   // and by stacks
	Goroutines float64 // a page
	CPU        float64 // cores in use
}

func cost(before, from, to answer, took time.Duration, n int) Cost {
	each := func(a, b int64) int64 { return (b - a) / int64(n) }
	return Cost{
		Each: each(before.Resident, to.Resident), Heap: each(before.Heap, to.Heap), Stack: each(before.Stack, to.Stack),
		Goroutines: float64(to.Goroutines-before.Goroutines) / float64(n),
		CPU:        float64(to.CPU-from.CPU) / float64(took),
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(100 * time.Millisecond) }

// load is what the machine had to do before the run, as the system says it; ""
// where it does not.
func load() string {
	var one string
	b, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, _ = fmt.Sscan(string(b), &one)
	}
	return one
}
