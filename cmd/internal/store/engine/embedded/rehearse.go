package embedded

import "math/rand/v2"

// rehearsal makes units unlucky, for tests. The owner of the turn owns it.
type rehearsal struct{ dice *rand.Rand }

// chance decides when a unit loses a race that nobody ran against it; nil
// never does.
type chance struct {
	dice *rand.Rand
	in   int // one in so many
}

func newRehearsal(seed uint64) *rehearsal {
	return &rehearsal{rand.New(rand.NewPCG(seed, 0x79756e7a68616e67))}
}

// first is for the run whose effects are undone: it often meets a conflict.
func (r *rehearsal) first() *chance { return &chance{r.dice, 4} }

// second is for the run that counts: now and then it has to be run again.
func (r *rehearsal) second() *chance {
	if r == nil {
		return nil
	}
	return &chance{r.dice, 8}
}

func (c *chance) strikes() bool { return c != nil && c.dice.IntN(c.in) == 0 }
