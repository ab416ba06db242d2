//go:build !race

package app_test

import (
	"reflect"
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cmd/internal/store"
)

// untied leaves a fact out of the transactions that stand on it: a seal that is
// relied on is read and not written.
type untied struct{ unit.Table[cloudseal.Seal] }

func (u untied) Replace(tx unit.Tx, s *cloudseal.Seal) error {
	stored, err := u.Get(tx, s.ID)
	if err != nil || reflect.DeepEqual(stored, s) {
		return err
	}
	return u.Table.Replace(tx, s)
}

// The rounds find an approval that does not tie itself to its seal, by seeds in
// which the seal is frozen while commits meet trouble, and so last.
func TestRoundsFindWhatIsLeftOut(t *testing.T) {
	k := newArena(t, arenaOptions{seed: 1, spoil: func(m *store.Main) { m.Seals.Seals = untied{m.Seals.Seals} }})
	ran, seeds := 0, uint64(fromEnv(t, "YUNZHANG_TEST_SEEDS", 3000))
	for seed := uint64(1); seed <= seeds; seed++ {
		p := newPlan(seed)
		if p.end != byFreeze || p.blow.kind != commitBroken && p.blow.kind != foulWeather {
			continue
		}
		ran++
		if err := k.rounds(t, seed, 1); err != nil {
			t.Logf("found by the %d. round: %v", ran, err)
			return
		}
	}
	t.Errorf("%d rounds found nothing", ran)
}
