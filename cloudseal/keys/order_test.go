package keys_test

import (
	"errors"
	"math"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/keys"
)

// told is one thing that the signer hears of a power.
type told struct {
	version int64
	stop    bool
	want    error
}

func stopped(version int64) told { return told{version: version, stop: true} }
func lifted(version int64) told  { return told{version: version} }
func late(version int64) told    { return told{version, true, fault.StateConflict} }

// Stops and lifts arrive in any order: the highest version holds, and of the
// same version the stop. No stop is acknowledged that does not hold.
func TestTheNewestOfWhatIsToldHolds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		heard []told
		stops bool
	}{
		"a lift after its stop":                 {[]told{stopped(1), lifted(2)}, false},
		"a lift behind a newer stop":            {[]told{stopped(3), lifted(2)}, true},
		"a lift behind an equal stop":           {[]told{stopped(2), lifted(2)}, true},
		"a stop behind an equal lift":           {[]told{lifted(2), stopped(2)}, true},
		"a stop behind a newer lift":            {[]told{lifted(3), late(2)}, false},
		"a stop behind the lift of it":          {[]told{stopped(2), lifted(3), late(2)}, false},
		"a stop behind a newer stop":            {[]told{stopped(3), stopped(2)}, true},
		"an old stop does not lower the mark":   {[]told{stopped(4), stopped(2), lifted(3)}, true},
		"a repeated stop raises the mark":       {[]told{stopped(1), stopped(3), lifted(2)}, true},
		"a repeated lift raises the mark":       {[]told{lifted(1), lifted(3), late(2)}, false},
		"an old lift does not lower the mark":   {[]told{stopped(4), lifted(2), lifted(3)}, true},
		"stop, lift, stop, and each once more":  {[]told{stopped(1), lifted(2), stopped(3), lifted(2), stopped(1), lifted(2)}, true},
		"nothing is newer than an end for good": {[]told{stopped(math.MaxInt64), lifted(math.MaxInt64), lifted(7)}, true},
	} {
		for _, relied := range []bool{false, true} { // whether a signature made the row before
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				jobs := s.jobs(2)
				if relied {
					s.sign(s.evidence("tk_0", jobs[:1]), jobs[:1])
				}
				s.hear(c.heard)
				ev := s.evidence("tk_1", jobs[1:])
				if c.stops {
					s.refused(ev, jobs[1:], "seal-frozen")
				} else {
					s.sign(ev, jobs[1:])
				}
			})
		}
	}
}

func (s *stage) hear(all []told) {
	s.t.Helper()
	for i, h := range all {
		tell := s.signer.Lift
		if h.stop {
			tell = s.signer.Stop
		}
		if err := tell(s.t.Context(), keys.StopSeal, code, h.version); !errors.Is(err, h.want) {
			s.t.Errorf("told %d, %+v: %v", i, h, err)
		}
	}
}

// Versions of one power say nothing about another.
func TestEachPowerHasVersionsOfItsOwn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	if err := s.signer.Lift(t.Context(), keys.StopSeal, "33010600000002", 9); err != nil {
		t.Fatal(err)
	}
	s.stop(keys.StopSeal, code)
	jobs := s.jobs(1)
	s.refused(s.evidence("tk_1", jobs), jobs, "seal-frozen")
}
