package app_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// others is what a part is called that is not the server's: the work of phone
// and declaration system, which run in the same process.
const others = "(phone and declaration system)"

// watch attributes the processor time of the process to parts: every mark ends
// one. It is used by one goroutine at a time, but not always the same.
type watch struct {
	mu    sync.Mutex
	last  time.Duration
	clock time.Time
	order []string
	spent map[string]spent
}

// spent is time of the processor and by the clock.
type spent struct{ cpu, clock time.Duration }

func (s spent) per(n int) spent { return spent{s.cpu / time.Duration(n), s.clock / time.Duration(n)} }

func newWatch() *watch {
	return &watch{last: cpuTime(), clock: time.Now(), spent: map[string]spent{}}
}

func (w *watch) mark(part string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	cpu, clock := cpuTime(), time.Now()
	s, seen := w.spent[part]
	if !seen {
		w.order = append(w.order, part)
	}
	w.spent[part] = spent{s.cpu + cpu - w.last, s.clock + clock.Sub(w.clock)}
	w.last, w.clock = cpu, clock
}

// forget drops what was counted so far, as after warming up.
func (w *watch) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.order, w.spent, w.last, w.clock = nil, map[string]spent{}, cpuTime(), time.Now()
}

// metered counts what happens between the sending of a request and the end of
// its answer to the part that is named in the watch: signing before and
// checking after are the client's.
type metered struct {
	*watch
	line
	part string
}

// RoundTrip implements http.RoundTripper.
func (m *metered) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mark(others)
	defer m.mark(m.part)
	return m.line.RoundTrip(r)
}

// demand is a part of a stamp, or of its floor: how often it is done for one
// stamp, and what that cost in all the stamps.
type demand struct {
	name  string
	times int
	call  func() error // of the floor: does it once
	spent spent
}

// parts gives what was counted, without what others did and without the named
// parts.
func (w *watch) parts(without ...string) (list []*demand) {
	for _, part := range w.order {
		if part != others && !slices.Contains(without, part) {
			list = append(list, &demand{name: part, times: 1, spent: w.spent[part]})
		}
	}
	return list
}

// write prints a list for one of n stamps, and gives its sum.
func write(out io.Writer, title string, n int, list []*demand) (total spent) {
	fmt.Fprintf(out, "\n%s\n", title)
	for _, d := range list {
		one, times := d.spent.per(n), ""
		if d.times != 1 {
			times = fmt.Sprintf("%d × ", d.times)
		}
		fmt.Fprintf(out, "  %8.3f ms cpu %8.3f ms  %s%s\n", ms(one.cpu), ms(one.clock), times, d.name)
		total = spent{total.cpu + one.cpu, total.clock + one.clock}
	}
	fmt.Fprintf(out, "  %8.3f ms cpu %8.3f ms  = in all\n", ms(total.cpu), ms(total.clock))
	return total
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// named gives these parts only.
func (w *watch) named(parts ...string) (list []*demand) {
	for _, part := range parts {
		list = append(list, &demand{name: part, times: 1, spent: w.spent[part]})
	}
	return list
}
