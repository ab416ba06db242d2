package status

import (
	"strconv"
	"strings"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// reader takes a list apart line by line; the first error stays. What it lets
// through by tolerance, the comparison with the rebuilt bytes refuses.
type reader struct {
	lines []string
	err   error
}

func (r *reader) fail() { r.err = errForm }

func (r *reader) next() string {
	if len(r.lines) == 0 {
		r.fail()
		return ""
	}
	line := r.lines[0]
	r.lines = r.lines[1:]
	return line
}

func (r *reader) value(key string) string {
	v, ok := strings.CutPrefix(r.next(), key+": ")
	if !ok {
		r.fail()
	}
	return v
}

func (r *reader) number(key string) int {
	n, err := strconv.Atoi(r.value(key))
	if err != nil || n < 0 {
		r.fail()
		return 0
	}
	return n
}

func (r *reader) digests(key string) (ds []gm.Digest) {
	for _, word := range strings.SplitN(r.value(key), " ", maxMakers+1) {
		d, err := gm.ParseDigest(word)
		if err != nil {
			r.fail()
			return nil
		}
		ds = append(ds, d)
	}
	return ds
}

func (r *reader) time(key string) time.Time { return r.instant(r.value(key)) }

func (r *reader) instant(s string) time.Time {
	t, err := time.Parse(timeLayout, s)
	if err != nil {
		r.fail()
	}
	return t
}

func (r *reader) entry(key string) Entry {
	words := strings.SplitN(r.value(key), " ", maxEvents+2)
	e := Entry{Seal: words[0]}
	for _, word := range words[1:] {
		state, from, _ := strings.Cut(word, "@")
		e.Events = append(e.Events, Event{State(state), r.instant(from)})
		if r.err != nil {
			return e
		}
	}
	return e
}
