package embedded

import "math/rand/v2"

// rehearsal makes units unlucky, for tests. The owner of the turn owns it.
type rehearsal struct{ dice *rand.Rand }

// luck says when one run of a unit loses a race that nobody ran against it.
type luck struct {
	doomed bool
	after  int // replacements that still go well
}

func newRehearsal(seed uint64) *rehearsal {
	return &rehearsal{rand.New(rand.NewPCG(seed, 0x79756e7a68616e67))}
}

// first is for the run whose effects are undone: half of them meet a conflict.
func (r *rehearsal) first() *luck { return r.oneIn(2) }

// second is for the run that counts: now and then it has to be run again.
func (r *rehearsal) second() *luck {
	if r == nil {
		return &luck{}
	}
	return r.oneIn(6)
}

func (r *rehearsal) oneIn(n int) *luck {
	return &luck{doomed: r.dice.IntN(n) == 0, after: r.dice.IntN(3)}
}

// replacing reports that this replacement meets a conflict.
func (l *luck) replacing() bool {
	l.after--
	return l.doomed && l.after < 0
}

// committing reports that the commit does, if nothing did before.
func (l *luck) committing() bool { return l.doomed }
