package app_test

import (
	"bytes"
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
	inner http.RoundTripper
	part  string
}

// RoundTrip implements http.RoundTripper.
func (m *metered) RoundTrip(r *http.Request) (*http.Response, error) {
	m.mark(others)
	defer func() { m.mark(m.part) }()
	answer, err := m.inner.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(answer.Body)
	if closing := answer.Body.Close(); err == nil {
		err = closing
	}
	answer.Body = io.NopCloser(bytes.NewReader(b))
	return answer, err
}

// demand is one thing the protocol asks for: how often, and what one costs.
type demand struct {
	name  string
	times int
	each  spent
}

func (d demand) all() spent {
	return spent{d.each.cpu * time.Duration(d.times), d.each.clock * time.Duration(d.times)}
}

func sum(list []demand) (total spent) {
	for _, d := range list {
		total.cpu += d.all().cpu
		total.clock += d.all().clock
	}
	return total
}

// parts gives what was counted, per operation, without what others did and
// without the named parts.
func (w *watch) parts(n int, without ...string) (list []demand) {
	for _, part := range w.order {
		if part != others && !slices.Contains(without, part) {
			list = append(list, demand{part, 1, w.spent[part].per(n)})
		}
	}
	return list
}

func write(out io.Writer, title string, list []demand) spent {
	fmt.Fprintf(out, "\n%s\n", title)
	for _, d := range list {
		a := d.all()
		times := ""
		if d.times != 1 {
			times = fmt.Sprintf("%d × ", d.times)
		}
		fmt.Fprintf(out, "  %8.3f ms cpu %8.3f ms  %s%s\n", ms(a.cpu), ms(a.clock), times, d.name)
	}
	total := sum(list)
	fmt.Fprintf(out, "  %8.3f ms cpu %8.3f ms  = in all\n", ms(total.cpu), ms(total.clock))
	return total
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// named gives these parts only.
func (w *watch) named(n int, parts ...string) (list []demand) {
	for _, part := range parts {
		list = append(list, demand{part, 1, w.spent[part].per(n)})
	}
	return list
}
