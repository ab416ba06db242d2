package mongosim

import "time"

// Faults are injected by seed. Under load, whether and how the n-th command of a
// name fails depends on the seed, the name and n; how many commands there are
// depends on what the driver tries again. A test that drives its actors one
// operation at a time says so by Step before each, and then meets the same
// faults again in the same places. Commands of monitoring and of tests (hello,
// configureFailPoint, endSessions …) meet none.
type Faults struct {
	Seed uint64
	Rate float64 // of all commands that meet one; 0 for none
	// Only limits the kinds; none means all.
	Only []Fault
	// Lasts is how long a member is paused, dead, cut off or stale. Default
	// five times Options.Election.
	Lasts time.Duration
}

// Fault is a kind of fault.
type Fault int

// The kinds of faults.
const (
	NoFault       Fault = iota
	DropBefore          // the connection breaks before the command ran
	DropAfter           // the connection breaks after it ran, without an answer
	StepDown            // the primary steps down before the command
	StepDownAfter       // the primary steps down after it, and answers
	KillBefore          // the member dies before the command, and starts again
	KillAfter           // the member dies after it, without an answer
	PauseMember         // the member stops answering for a while
	CutOff              // the primary loses the other members for a while
	Stale               // a secondary takes no entries for a while
	Labelled            // the command is refused with a retryable error
	ConcernError        // the command ran; its write concern is said to have failed
	Conflict            // in a transaction: WriteConflict out of the blue
	faultKinds
)

var faultNames = [...]string{"none", "drop before", "drop after", "step-down", "step-down after", "kill", "kill after", "pause", "cut off", "stale secondary", "labelled error", "write concern error", "conflict"}

// String names the kind.
func (f Fault) String() string { return faultNames[f] }

type faultState struct {
	Faults
	seen   map[string]uint64
	drops  map[string][]Fault // by DropNext
	choose uint64

	stepping bool
	planned  Fault // of this step
	until    int   // commands that it spares
	undo     []func()
}

func newFaultState(o Options) faultState {
	f := faultState{Faults: o.Faults, seen: map[string]uint64{}, drops: map[string][]Fault{}}
	f.Lasts = or(f.Lasts, 5*o.Election)
	if len(f.Only) == 0 {
		for k := DropBefore; k < faultKinds; k++ {
			f.Only = append(f.Only, k)
		}
	}
	return f
}

// SetFaults changes the faults and begins counting commands anew.
func (s *Set) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.opts
	o.Faults = f
	drops := s.faults.drops
	s.faults = newFaultState(o)
	s.faults.drops = drops
}

// DropNext makes the next command of a name meet a fault, on any member;
// called several times, the ones after it as well.
func (s *Set) DropNext(command string, f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.drops[command] = append(s.faults.drops[command], f)
}

// faultFor decides what happens to a command.
func (x *call) faultFor() Fault {
	f := &x.s.faults
	if queue := f.drops[x.name]; len(queue) > 0 {
		f.drops[x.name] = queue[1:]
		return x.counted(queue[0])
	}
	if f.stepping {
		return x.counted(x.possible(f.next(x.name)))
	}
	if f.Rate <= 0 {
		return NoFault
	}
	f.seen[x.name]++
	h := mix(f.Seed*0x9E3779B97F4A7C15 ^ hashString(x.name) + f.seen[x.name])
	if float64(h>>11)/(1<<53) >= f.Rate {
		return NoFault
	}
	return x.counted(x.possible(f.kind(h)))
}

func (f *faultState) kind(h uint64) Fault {
	h = mix(h + 1)
	f.choose = mix(h + 2)
	return f.Only[h%uint64(len(f.Only))]
}

// next gives the fault of the step when its turn has come. Followers and
// cursors run beside the steps: their commands neither count nor fail.
func (f *faultState) next(name string) Fault {
	if f.planned == NoFault || name == "getMore" || name == "killCursors" || name == "ping" {
		return NoFault
	}
	if f.until > 0 {
		f.until--
		return NoFault
	}
	kind := f.planned
	f.planned = NoFault
	return kind
}

// Step begins an operation of a test that drives one at a time: what the last
// one's fault did to a member is undone, and the seed and n decide what happens
// to this one: with the probability Faults.Rate one fault, at its first, second
// or third command.
func (s *Set) Step(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &s.faults
	for _, undo := range f.undo {
		undo()
	}
	s.settle()
	f.stepping, f.undo, f.planned = true, nil, NoFault
	if h := mix(f.Seed*0x9E3779B97F4A7C15 ^ mix(n+1)); float64(h>>11)/(1<<53) < f.Rate {
		f.planned, f.until = f.kind(h), int(mix(h+3)%3)
	}
}

// ending undoes what a fault did, after a while or at the next step.
func (s *Set) ending(undo func()) {
	if s.faults.stepping {
		s.faults.undo = append(s.faults.undo, undo)
		return
	}
	s.later(s.faults.Lasts, func() { undo(); s.settle() })
}

// possible: outside a transaction there are no conflicts out of the blue.
func (x *call) possible(f Fault) Fault {
	if f == Conflict && (!has(x.body, "autocommit") || x.name == "abortTransaction") {
		return DropBefore
	}
	return f
}

func (x *call) counted(f Fault) Fault {
	if f != NoFault {
		x.s.stats.Faults[f.String()]++
	}
	return f
}

// faultBefore does what comes before the command.
func (x *call) faultBefore(f Fault) error {
	m, s := x.m, x.s
	switch f {
	case DropBefore:
		return errGone
	case StepDown:
		m.stepDown()
		s.settle()
	case KillBefore:
		m.kill()
		s.settle()
		s.ending(m.restart)
		return errGone
	case PauseMember:
		m.paused = true
		s.settle()
		s.later(s.faults.Lasts, func() { m.paused = false; s.settle() })
		return x.c.hold()
	case CutOff:
		m.cut()
		s.settle()
		s.ending(m.heal)
	case Stale:
		s.makeStale()
	case Labelled:
		_, x.stream = m.cursors[number(field(x.body, "getMore"))].(*stream)
		codes := []int32{codePrimarySteppedDown, codeNotWritablePrimary, codeInterruptedAtShutdown, codeStateChange, 91}
		return &failure{code: codes[s.faults.choose%uint64(len(codes))], msg: "injected"}
	case Conflict:
		if t := m.txns[x.lsid()]; t != nil {
			t.abort()
		}
		return conflict()
	}
	x.epoch = m.epoch
	return nil
}

// makeStale holds one secondary back, so that a majority remains.
func (s *Set) makeStale() {
	for i := range s.members {
		m := s.members[(i+int(s.faults.choose%uint64(len(s.members))))%len(s.members)]
		if m.held {
			return
		}
		if !m.primary && m.up() {
			m.held = true
			s.ending(func() { m.held = false })
			return
		}
	}
}

func (x *call) lsid() string {
	_, id, _ := field(document0(field(x.body, "lsid")), "id").BinaryOK()
	return string(id)
}

// faultAfter does what comes after the command.
func (x *call) faultAfter(f Fault, reply doc) (doc, error) {
	m, s := x.m, x.s
	switch f {
	case DropAfter:
		return nil, errGone
	case StepDownAfter:
		m.stepDown()
		s.settle()
	case KillAfter:
		m.kill()
		s.settle()
		s.ending(m.restart)
		return nil, errGone
	case ConcernError:
		if x.wrote != nil && truth(field(reply, "ok")) {
			return x.withConcernError(reply, &failPoint{data: build().AppendDocument("writeConcernError",
				build().AppendInt32("code", 91).AppendString("codeName", "ShutdownInProgress").AppendString("errmsg", "injected").Build()).Build()}), nil
		}
	}
	if x.dropAfter {
		return nil, errGone
	}
	return reply, nil
}
