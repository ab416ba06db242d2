package status

import (
	"slices"
	"time"
)

// State is what a seal may be. A seal that is past its validity is expired in
// any state; that is a matter of its dates, not of its history.
type State string

// The states (domain.md; status service of LD/T 01.1). Cancelled and Revoked
// are final.
const (
	Usable    State = "usable"    // 正常
	Frozen    State = "frozen"    // 冻结
	Lost      State = "lost"      // 挂失
	Cancelled State = "cancelled" // 注销: by its owner
	Revoked   State = "revoked"   // 吊销: by the authority
)

// next lists what may follow a state. The first state of a seal is Usable.
func next(s State) []State {
	switch s {
	case Usable:
		return []State{Frozen, Lost, Cancelled, Revoked}
	case Frozen:
		return []State{Usable, Lost, Cancelled, Revoked}
	case Lost:
		return []State{Usable, Cancelled, Revoked}
	}
	return nil
}

// CanBecome reports whether a seal in state s may become to.
func (s State) CanBecome(to State) bool { return slices.Contains(next(s), to) }

// Known reports whether s is one of the states.
func (s State) Known() bool {
	return slices.Contains([]State{Usable, Frozen, Lost, Cancelled, Revoked}, s)
}

// Final reports whether nothing can follow s.
func (s State) Final() bool { return s.Known() && len(next(s)) == 0 }

// Name gives the state's name for people.
func (s State) Name() (zh, en string) {
	switch s {
	case Usable:
		return "正常", "usable"
	case Frozen:
		return "已冻结", "frozen"
	case Lost:
		return "已挂失", "reported lost"
	case Cancelled:
		return "已注销", "cancelled"
	case Revoked:
		return "已吊销", "revoked"
	}
	return "未知", "unknown"
}

// Event says that a seal is in a state from a time on.
type Event struct {
	State State
	From  time.Time
}

// effective is From as stamps see it (package doc, Seconds).
func (e Event) effective() time.Time {
	cut := e.From.UTC().Truncate(time.Second)
	if e.State == Usable || cut.Equal(e.From) {
		return cut
	}
	return cut.Add(time.Second)
}

// History is the events of one seal in the order in which they happened.
type History []Event

// At gives the state at a time: that of the latest event in force then, and
// false before the first.
func (h History) At(t time.Time) (State, bool) {
	for _, e := range slices.Backward(h) {
		if !e.effective().After(t) {
			return e.State, true
		}
	}
	return "", false
}

// Valid reports whether the events can follow each other.
func (h History) Valid() bool {
	for i, e := range h {
		if i == 0 && e.State != Usable || i > 0 && !h[i-1].State.CanBecome(e.State) {
			return false
		}
	}
	return len(h) > 0
}

// spotless reports a history that needs no entry in a list.
func (h History) spotless() bool { return len(h) == 1 && h[0].State == Usable }
