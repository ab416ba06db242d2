package enginetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// history is what happened: the units as their callers saw them, and the
// order of commits as the outbox told it.
type history struct {
	mu    sync.Mutex // guards what follows
	ticks int64
	units []*record
	order []string // names of units, as followed
}

// tick reads the counter that orders begins and ends.
func (h *history) tick() int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ticks++
	return h.ticks
}

func (h *history) add(r *record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.units = append(h.units, r)
}

func (h *history) heard(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.order = append(h.order, name)
}

// explain looks for one order of commits under which everything that was seen
// and told is right, and gives the state behind it. The order itself is known
// from the outbox; what remains is to check that
//
//   - a unit is in it exactly when its caller may believe so;
//   - each commit was possible behind the one before: versions and unique
//     values hold;
//   - each unit saw one state, its own writes over it, which lies between the
//     last commit acknowledged before it began and its own;
//   - a value that was refused as taken was taken then.
func (h *history) explain() (state, int, error) {
	if err := h.places(); err != nil {
		return nil, 0, err
	}
	s := state{}
	byPlace := make([]*record, len(h.order)+1)
	for _, r := range h.units {
		if r.place > 0 {
			byPlace[r.place] = r
		}
	}
	for place, r := range byPlace {
		if place == 0 {
			continue
		}
		for _, w := range r.writes {
			if err := s.apply(place, w); err != nil {
				return nil, 0, fmt.Errorf("commit %d (%s): %w", place, r.name, err)
			}
		}
	}
	window := newWindow(byPlace)
	for _, r := range h.units {
		if err := s.judge(r, window); err != nil {
			return nil, 0, fmt.Errorf("unit %s: %w", r.name, err)
		}
	}
	return s, len(h.order), nil
}

// places gives each unit its place in the order of commits.
func (h *history) places() error {
	at := map[string]int{}
	for i, name := range h.order {
		if at[name] != 0 {
			return fmt.Errorf("the event of %s came twice", name)
		}
		at[name] = i + 1
	}
	for _, r := range h.units {
		r.place = at[r.name]
		delete(at, r.name)
		switch {
		case r.outcome == unexpected:
			return fmt.Errorf("unit %s: %w", r.name, r.err)
		case r.outcome == committed && len(r.writes) > 0 && r.place == 0:
			return fmt.Errorf("unit %s was acknowledged and has no event", r.name)
		case r.outcome != committed && r.outcome != unknown && r.place != 0:
			return fmt.Errorf("unit %s failed and has an event", r.name)
		}
	}
	for name := range at {
		return fmt.Errorf("an event of %s, which no actor made", name)
	}
	return nil
}

// window tells which states a unit may have seen.
type window struct {
	acknowledged []mark // by end: commits their callers knew of
	begun        []mark // by begin
}

// mark is a moment and the highest place up to it.
type mark struct {
	tick  int64
	place int
}

func newWindow(byPlace []*record) window {
	var w window
	for place, r := range byPlace {
		if place == 0 {
			continue
		}
		if r.outcome == committed {
			w.acknowledged = append(w.acknowledged, mark{r.end, place})
		}
		w.begun = append(w.begun, mark{r.begin, place})
	}
	return window{highest(w.acknowledged), highest(w.begun)}
}

func highest(marks []mark) []mark {
	slices.SortFunc(marks, func(a, b mark) int { return int(a.tick - b.tick) })
	for i := 1; i < len(marks); i++ {
		marks[i].place = max(marks[i].place, marks[i-1].place)
	}
	return marks
}

// upTo gives the highest place with a mark before tick.
func upTo(marks []mark, tick int64) int {
	i, _ := slices.BinarySearchFunc(marks, tick, func(m mark, t int64) int { return int(m.tick - t) })
	if i == 0 {
		return 0
	}
	return marks[i-1].place
}

// judge checks what one unit saw and was told.
func (s state) judge(r *record, w window) error {
	if r.place == 0 && (r.outcome == unknown || r.undone) {
		return nil
	}
	from, to := upTo(w.acknowledged, r.begin), upTo(w.begun, r.end)
	if r.place > 0 {
		to = r.place - 1
	}
	if r.outcome == refused && !s.wasTaken(r, from, to) {
		return fmt.Errorf("%s %+v was refused and nothing stood against it", r.refused.Thing.ID, r.refused.Thing)
	}
	var wrong error
	for place := to; place >= from; place-- {
		if wrong = s.saw(r, place); wrong == nil {
			return nil
		}
	}
	if wrong == nil {
		return errors.New("it came before a commit that was acknowledged when it began")
	}
	return fmt.Errorf("no state between commits %d and %d is what it saw: %w", from, to, wrong)
}

func (s state) saw(r *record, place int) error {
	for _, l := range r.looks {
		if want := s.sees(place, l, r.writes); !slices.Equal(l.saw, want) {
			return fmt.Errorf("at %d, %s%+v: saw %s, not %s", place, l.id, l.query, show(l.saw), show(want))
		}
	}
	return nil
}

func (s state) wasTaken(r *record, from, to int) bool {
	for place := from; place <= to; place++ {
		for _, v := range s.rows(place, r.writes) {
			if v.ID == r.refused.Thing.ID && r.refused.Thing.Ver == 1 || r.refused.Thing.clash(v) != "" {
				return true
			}
		}
	}
	return false
}
