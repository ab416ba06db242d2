package pagebench

import (
	"fmt"
	"io"
	"runtime"
	"time"
)

// The aims.
const (
	aimEach  = 12 << 10 // bytes a page, all in
	aimDelay = 50 * time.Millisecond
	aimRatio = 2.0 // times the bare connection's memory
)

// Figures are what a run found.
type Figures struct {
	Pages, Descriptors    int
	There                 int // pages with a socket at the end: what is divided by
	Attach, For           time.Duration
	Ours, Bare            Cost
	Frames, Renewed, Lost int64
	Delays                []delay
	Load                  string
}

// Ratio is our memory in bare connections.
func (f Figures) Ratio() float64 { return float64(f.Ours.Each) / float64(max(f.Bare.Each, 1)) }

// Delay is a percentile from the answered approval to its page.
func (f Figures) Delay(p int) time.Duration {
	return percentile(f.Delays, p, func(d delay) time.Duration { return d.answered })
}

func (f Figures) whole(p int) time.Duration {
	return percentile(f.Delays, p, func(d delay) time.Duration { return d.sent })
}

// write prints the table.
func (f Figures) write(w io.Writer) error {
	kib := func(bytes int64) float64 { return float64(bytes) / 1024 }
	cores := float64(runtime.NumCPU())
	p := printer{w: w}
	p.line("%d pages in one process, %d descriptors allowed, %d cores, load before the run %s", f.Pages, f.Descriptors, runtime.NumCPU(), f.Load)
	p.line("attached in %s, then measured for %s: %.0f frames/s, %d tickets renewed, %d sockets or openings failed",
		f.Attach.Round(time.Second), f.For.Round(time.Second), float64(f.Frames)/f.For.Seconds(), f.Renewed, f.Lost)
	p.line("%d of the pages had a socket at the end, the others waited for a new ticket", f.There)
	whole := 100*f.There >= 95*f.Pages
	if !whole {
		p.line("THE NODE DID NOT KEEP UP: these are not the figures of %d pages, and no aim counts as met", f.Pages)
	}
	p.line("")
	p.line("%-34s %12s %12s  %s", "", "measured", "aim", "")
	p.line("%-34s %8.1f KiB %8d KiB  %s", "memory a page, all in", kib(f.Ours.Each), aimEach>>10, met(whole && f.Ours.Each <= aimEach))
	p.line("%-34s %8.1f KiB, %.1f KiB", "  of it in use: heap, stacks", kib(f.Ours.Heap), kib(f.Ours.Stack))
	p.line("%-34s %8.1f KiB", "bare connection", kib(f.Bare.Each))
	p.line("%-34s %8.1f KiB, %.1f KiB", "  of it in use: heap, stacks", kib(f.Bare.Heap), kib(f.Bare.Stack))
	p.line("%-34s %8.2f ×   %8.0f ×    %s", "memory to a bare connection's", f.Ratio(), aimRatio, met(whole && f.Ratio() <= aimRatio))
	p.line("%-34s %12.2f", "goroutines a page", f.Ours.Goroutines)
	p.line("%-34s %10.0f %%", "processor, of all cores", 100*f.Ours.CPU/cores)
	p.line("%-34s %10.0f %%", "  bare server's", 100*f.Bare.CPU/cores)
	p.line("%-34s %12d", "approvals", len(f.Delays))
	p.line("%-34s %9.1f ms", "approval → page, p50", ms(f.Delay(50)))
	p.line("%-34s %9.1f ms %9d ms  %s", "approval → page, p99", ms(f.Delay(99)), aimDelay.Milliseconds(), met(whole && len(f.Delays) > 0 && f.Delay(99) < aimDelay))
	p.line("%-34s %9.1f ms, %.1f ms", "  with its checks, p50 and p99", ms(f.whole(50)), ms(f.whole(99)))
	p.line("")
	f.extrapolate(&p)
	return p.err
}

// extrapolate says what other sizes take. The processor's share is of this
// machine's cores, which the pages' own side shared.
func (f Figures) extrapolate(p *printer) {
	each, cpu := float64(max(f.Ours.Each, 1)), max(f.Ours.CPU, 1e-6)
	p.line("At this rate a GiB holds %.0f pages and a core serves %.0f; 100 000 pages take %.1f GiB and %.1f such cores",
		(1<<30)/each, float64(f.There)/cpu, each*100_000/(1<<30), cpu*100_000/float64(max(f.There, 1)))
	p.line("(more nodes, or a higher descriptor limit: each page is one descriptor in its node).")
}

func met(ok bool) string {
	if ok {
		return "met"
	}
	return "missed"
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}
