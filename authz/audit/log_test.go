package audit_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/cloudseal/gm"
)

type world struct {
	db      *unittest.DB
	records unit.Table[audit.Record]
	log     *audit.Log
	millis  atomic.Int64
}

func newWorld() *world {
	w := &world{}
	w.db = unittest.New(func() time.Time { return time.UnixMilli(1795312205000 + w.millis.Add(1)) })
	w.records = unittest.Table[audit.Record](w.db, "audit",
		unittest.Unique("chain", "seq").Only("chained", true), unittest.Plain("chained", "at"))
	w.log = audit.New(audit.Deps{Work: w.db, Records: w.records})
	return w
}

func (w *world) write(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		err := w.db.Update(t.Context(), func(tx unit.Tx) error {
			return w.log.Write(tx, audit.Record{
				Actor: "us_1", Role: "agent", Action: "ticket.approved", Object: fmt.Sprintf("tk_%d", i),
				Org: "or_1", Decision: audit.Allowed, Evidence: gm.SM3([]byte("e")), Detail: "n=1",
			})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) sequence(t *testing.T) int {
	t.Helper()
	n, err := w.log.Sequence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// chain gives the chained records in order.
func (w *world) chain(t *testing.T) (records []*audit.Record) {
	t.Helper()
	err := w.db.View(t.Context(), func(tx unit.Tx) (err error) {
		records, err = w.records.Find(tx, unit.Query{Index: "chain+seq", Key: []any{"main"}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records
}

func TestChain(t *testing.T) {
	t.Parallel()
	w := newWorld()
	if head, err := w.log.Verify(t.Context()); err != nil || head.Seq != 0 || !head.Hash.IsZero() {
		t.Fatalf("an empty chain: %+v, %v", head, err)
	}
	w.write(t, 450) // more than two batches
	if n := w.sequence(t); n != 450 {
		t.Errorf("chained %d", n)
	}
	first, err := w.log.Verify(t.Context())
	if err != nil || first.Seq != 450 {
		t.Fatalf("%+v, %v", first, err)
	}
	w.write(t, 1)
	if n := w.sequence(t); n != 1 {
		t.Errorf("chained %d", n)
	}
	if n := w.sequence(t); n != 0 {
		t.Errorf("chained %d again", n)
	}
	head, err := w.log.Verify(t.Context())
	if err != nil || head.Seq != 451 {
		t.Fatalf("%+v, %v", head, err)
	}
	if chain := w.chain(t); chain[450].Prev != first.Hash || chain[450].Hash != head.Hash || chain[0].Object != "tk_0" {
		t.Error("the chain does not follow the order of writing")
	}
}

// The bytes under the hash are fixed for as long as records are kept.
func TestCanonicalBytes(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.write(t, 1)
	w.sequence(t)
	r := w.chain(t)[0]
	want := fmt.Sprintf("cseal-audit/1\nchain: 4 main\nseq: 1 1\nid: 29 %s\nat: 24 %s\nactor: 4 us_1\nrole: 5 agent\n"+
		"action: 15 ticket.approved\nobject: 4 tk_0\norg: 4 or_1\ndecision: 7 allowed\nevidence: 64 %s\ndetail: 3 n=1\n",
		r.ID, r.At.Format("2006-01-02T15:04:05.000Z"), gm.SM3([]byte("e")))
	if got := gm.SM3(make([]byte, 32), []byte(want)); got != r.Hash {
		t.Errorf("hash %s, want that of\n%s", r.Hash, want)
	}
}

func TestTamperingShows(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*audit.Record)
		reason string
	}{
		"other actor":      {func(r *audit.Record) { r.Actor = "us_2" }, "content"},
		"other time":       {func(r *audit.Record) { r.At = r.At.Add(time.Millisecond) }, "content"},
		"other evidence":   {func(r *audit.Record) { r.Evidence[0] ^= 1 }, "content"},
		"text moved":       {func(r *audit.Record) { r.Actor, r.Role = r.Actor+r.Role, "" }, "content"},
		"hash made anew":   {func(r *audit.Record) { r.Hash = gm.SM3([]byte("x")) }, "content"},
		"link made anew":   {func(r *audit.Record) { r.Prev = gm.SM3([]byte("x")) }, "link"},
		"taken away":       {func(r *audit.Record) { r.Chain = "elsewhere" }, "missing"},
		"back to unlinked": {func(r *audit.Record) { r.Chained = false }, "missing"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.write(t, 5)
			w.sequence(t)
			victim := w.chain(t)[2]
			c.change(victim)
			if err := w.db.Update(t.Context(), func(tx unit.Tx) error { return w.records.Replace(tx, victim) }); err != nil {
				t.Fatal(err)
			}
			var broken *audit.Broken
			head, err := w.log.Verify(t.Context())
			if !errors.As(err, &broken) || broken.Seq != 3 || broken.Reason != c.reason || head.Seq != 2 {
				t.Errorf("head %+v, error %v", head, err)
			}
		})
	}
}

// Several sequencers and writers at once: every record exactly once, no hole.
func TestConcurrentSequencers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() { w.write(t, 25) })
		group.Go(func() {
			if _, err := w.log.Sequence(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	w.sequence(t)
	if head, err := w.log.Verify(t.Context()); err != nil || head.Seq != 100 {
		t.Errorf("%+v, %v", head, err)
	}
}

// No act without its record, no record without its act.
func TestWriteIsPartOfTheAct(t *testing.T) {
	t.Parallel()
	w := newWorld()
	refused := errors.New("refused")
	err := w.db.Update(t.Context(), func(tx unit.Tx) error {
		if err := w.log.Write(tx, audit.Record{Action: "x"}); err != nil {
			return err
		}
		return refused
	})
	if !errors.Is(err, refused) || w.sequence(t) != 0 {
		t.Errorf("a record was kept of an act that was not: %v", err)
	}
}

// Hostile texts can neither stop a record nor forge its chain fields.
func TestWriteCleans(t *testing.T) {
	t.Parallel()
	w := newWorld()
	err := w.db.Update(t.Context(), func(tx unit.Tx) error {
		return w.log.Write(tx, audit.Record{
			Row: unit.Row{ID: "au_chosen"}, Detail: strings.Repeat("章", 1000), Object: "a\xffb",
			Chained: true, Chain: "main", Seq: 9, Hash: gm.SM3(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	w.sequence(t)
	r := w.chain(t)[0]
	if r.ID == "au_chosen" || r.Seq != 1 || r.Object != "a\ufffdb" {
		t.Errorf("%+v", r)
	}
	if len(r.Detail) > audit.MaxField || len(r.Detail) < audit.MaxField-3 || !utf8.ValidString(r.Detail) {
		t.Errorf("detail of %d bytes", len(r.Detail))
	}
	if _, err := w.log.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}
