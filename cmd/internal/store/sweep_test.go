package store_test

import (
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

func TestSweep(t *testing.T) {
	t.Parallel()
	w := newWorld(t, embedded.Options{})
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for i := range 450 { // more than two batches
		v := named(fmt.Sprintf("n%03d", i))
		v.At = day.Add(time.Duration(i) * time.Minute)
		if i%100 == 7 {
			v.At = time.Time{} // never
		}
		w.insert(v)
	}
	for _, step := range []struct {
		index  string
		before time.Duration
		gone   int
	}{{"at", 0, 0}, {"at", 10 * time.Minute, 9}, {"at+state", 10 * time.Minute, 0}, {"at+state", 445 * time.Minute, 431}, {"at", 1000 * time.Minute, 5}} {
		n, err := w.db.Sweep(t.Context(), "notes", step.index, day.Add(step.before))
		if err != nil || n != step.gone {
			t.Errorf("before %v by %s: %d gone, %v; want %d", step.before, step.index, n, err, step.gone)
		}
	}
	left, err := w.find(unit.Query{Index: engine.IDIndex})
	if err != nil || fmt.Sprint(left) != "[n007 n107 n207 n307 n407]" {
		t.Errorf("left %v %v", left, err)
	}
	if err := w.e.Check(t.Context()); err != nil {
		t.Error(err)
	}
	for _, bad := range [][2]string{{"nothing", "at"}, {"notes", "state+n"}, {"notes", "colour"}} {
		if _, err := w.db.Sweep(t.Context(), bad[0], bad[1], day); err == nil {
			t.Errorf("swept %v", bad)
		}
	}
}
