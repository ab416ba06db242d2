package unittest_test

import (
	"fmt"
	"testing"

	"yunzhang.dev/authz/unit"
)

// All finds what one page cannot hold, each row once and in order.
func TestAllFindsMoreThanAPage(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, unit.DefaultLimit - 1, unit.DefaultLimit, unit.DefaultLimit + 1, 2*unit.DefaultLimit + 1} {
		db, seals := newSeals(t)
		err := db.Update(t.Context(), func(tx unit.Tx) error {
			for i := range n {
				s := row(fmt.Sprintf("s%05d", i), fmt.Sprint(i))
				s.Owner.Org, s.N = "or_1", i/7
				if err := seals.Insert(tx, &s); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.View(t.Context(), func(tx unit.Tx) error {
			q := unit.Query{Index: "owner.org+n", Key: []any{"or_1"}}
			all, err := unit.All(tx, seals, q, func(s *seal) []any { return []any{s.N, s.ID} })
			if len(all) != n {
				t.Errorf("%d of %d", len(all), n)
			}
			for i, s := range all {
				if want := fmt.Sprintf("s%05d", i); s.ID != want {
					t.Fatalf("%d: %s, want %s", i, s.ID, want)
				}
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}
