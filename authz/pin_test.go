package authz_test

import (
	"slices"
	"sync"
	"testing"

	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
)

func TestPIN(t *testing.T) {
	t.Parallel()
	w, legal, _ := company(t)
	share, err := w.Service.Unlock(t.Context(), legal.Caller, authztest.PIN)
	if err != nil || !slices.Equal(share, legal.Share) {
		t.Fatalf("the right PIN: %v", err)
	}
	for i := range 4 {
		_, err := w.Service.Unlock(t.Context(), legal.Caller, "wrong1234")
		if f := fault.From(err); f.Code != "pin-wrong" || f.Fields["tries_left"] != 4-i {
			t.Fatalf("wrong PIN %d: %v %v", i+1, err, f.Fields)
		}
	}
	if _, err := w.Service.Unlock(t.Context(), legal.Caller, authztest.PIN); err != nil {
		t.Fatalf("the right PIN clears the count: %v", err)
	}
	for range 4 {
		_, err = w.Service.Unlock(t.Context(), legal.Caller, "wrong1234")
	}
	want(t, err, fault.PINWrong)
	_, err = w.Service.Unlock(t.Context(), legal.Caller, "wrong1234")
	want(t, err, fault.PINLocked)
	_, err = w.Service.Unlock(t.Context(), legal.Caller, authztest.PIN)
	want(t, err, fault.PINLocked)

	begun, err := w.Service.BeginRealPerson(t.Context(), legal.Caller, "unlock", "")
	if err != nil {
		t.Fatal(err)
	}
	want(t, w.Service.ResetPIN(t.Context(), legal.Caller, begun.ID, "short1"), fault.PINWeak)
	begun, _ = w.Service.BeginRealPerson(t.Context(), legal.Caller, "unlock", "")
	if err := w.Service.ResetPIN(t.Context(), legal.Caller, begun.ID, "an0therpin"); err != nil {
		t.Fatal(err)
	}
	if again, err := w.Service.Unlock(t.Context(), legal.Caller, "an0therpin"); err != nil || !slices.Equal(again, share) {
		t.Errorf("the share after a reset: %v", err)
	}
}

func TestParallelPINGuessesAreCounted(t *testing.T) {
	t.Parallel()
	w, legal, _ := company(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	for range 40 {
		wg.Go(func() {
			_, err := w.Service.Unlock(t.Context(), legal.Caller, "wrong1234")
			mu.Lock()
			defer mu.Unlock()
			codes[fault.CodeOf(err)]++
		})
	}
	wg.Wait()
	if codes["pin-wrong"] != 4 || codes["pin-locked"] != 36 {
		t.Errorf("%v", codes)
	}
}
