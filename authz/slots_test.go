package authz_test

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

func TestSlots(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 4)
	take := func(ticket string, n int) (slots []int, err error) {
		err = w.DB.Update(t.Context(), func(tx unit.Tx) error {
			d, err := w.Service.Delegation(tx, id)
			if err != nil {
				return err
			}
			slots, err = w.Service.TakeSlots(tx, d, ticket, n)
			return err
		})
		return slots, err
	}
	free := func(ticket string, slots ...int) {
		err := w.DB.Update(t.Context(), func(tx unit.Tx) error { return w.Service.FreeSlots(tx, id, ticket, slots) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, ticket := range []string{"t1", "t2", "t3"} {
		if got, err := take(ticket, 1); err != nil || !slices.Equal(got, []int{i + 1}) {
			t.Fatalf("%s: %v, %v", ticket, got, err)
		}
	}
	free("t2", 2)
	free("t2", 2)    // a repeat changes nothing
	free("other", 1) // not his
	if got, err := take("t4", 2); err != nil || !slices.Equal(got, []int{2, 4}) {
		t.Errorf("lowest first: %v, %v", got, err)
	}
	if _, err := take("t5", 1); !errors.Is(err, fault.DelegationLimit) {
		t.Errorf("used up: %v", err)
	}
}

func TestAT037ParallelSlots(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 10)
	var wg sync.WaitGroup
	var mu sync.Mutex
	taken := map[int]bool{}
	for i := range 60 {
		wg.Go(func() {
			err := w.DB.Update(t.Context(), func(tx unit.Tx) error {
				d, err := w.Service.Delegation(tx, id)
				if err != nil {
					return err
				}
				slots, err := w.Service.TakeSlots(tx, d, unit.NewID("tk"), 1)
				if err == nil {
					mu.Lock()
					defer mu.Unlock()
					taken[slots[0]] = true
				}
				return err
			})
			if err != nil && !errors.Is(err, fault.DelegationLimit) && !errors.Is(err, unit.ErrConflict) {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	err := w.DB.View(t.Context(), func(tx unit.Tx) error {
		d, err := w.Service.Delegation(tx, id)
		if err == nil && (d.Left() != 0 || d.Next != 11) {
			t.Errorf("left %d, next %d", d.Left(), d.Next)
		}
		return err
	})
	if err != nil || len(taken) != 10 {
		t.Errorf("%d slots, %v", len(taken), err)
	}
}
