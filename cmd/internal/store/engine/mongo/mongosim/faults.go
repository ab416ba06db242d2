package mongosim

import "time"

// Faults are injected by seed: whether and how the n-th command of a name
// fails depends on the seed, the name and n alone, so that a test that drives
// its actors one operation at a time meets the same faults again. Commands of
// monitoring and of tests (hello, ping, configureFailPoint, endSessions …) meet
// none.
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
	if f.Rate <= 0 {
		return NoFault
	}
	f.seen[x.name]++
	h := mix(f.Seed*0x9E3779B97F4A7C15 ^ hashString(x.name) + f.seen[x.name])
	if float64(h>>11)/(1<<53) >= f.Rate {
		return NoFault
	}
	h = mix(h + 1)
	f.choose = mix(h + 2)
	kind := f.Only[h%uint64(len(f.Only))]
	if kind == Conflict && (!has(x.body, "autocommit") || x.name == "abortTransaction") {
		kind = DropBefore
	}
	return x.counted(kind)
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
		s.later(s.faults.Lasts, func() { m.restart(); s.settle() })
		return errGone
	case PauseMember:
		m.paused = true
		s.settle()
		s.later(s.faults.Lasts, func() { m.paused = false; s.settle() })
		return x.c.hold()
	case CutOff:
		m.cut()
		s.settle()
		s.later(s.faults.Lasts, func() { m.heal(); s.settle() })
	case Stale:
		s.makeStale()
	case Labelled:
		codes := []int32{codePrimarySteppedDown, codeNotWritablePrimary, codeInterruptedAtShutdown, codeStateChange, 91}
		return &failure{code: codes[s.faults.choose%uint64(len(codes))], msg: "injected", before: true}
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
			s.later(s.faults.Lasts, func() { m.held = false; s.settle() })
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
		s.later(s.faults.Lasts, func() { m.restart(); s.settle() })
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
