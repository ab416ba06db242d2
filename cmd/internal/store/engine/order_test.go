package engine_test

import (
	"bytes"
	"cmp"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine"
)

// key is the key of a value as a query has it, and as a document has it: they
// must be one.
func key(t *testing.T, value any) []byte {
	t.Helper()
	asked, err := engine.AppendValue(nil, value)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := bson.Marshal(bson.D{{Key: "v", Value: value}})
	if err != nil {
		t.Fatal(err)
	}
	stored, in, err := layout(t, "v").Key(nil, doc)
	if err != nil || !in || !bytes.Equal(asked, stored) {
		t.Fatalf("%v: a query asks for %x and the row is at %x (%v)", value, asked, stored, err)
	}
	return asked
}

func layout(t testing.TB, field string) *engine.Layout {
	t.Helper()
	l, err := engine.NewLayout(engine.Index{Fields: []string{field}})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func FuzzKeysAreInTheOrderOfTheirValues(f *testing.F) {
	f.Add("a", "a\x00", int64(-1), int64(1))
	f.Add("", "\x00\xff", int64(1<<62), int64(-1<<63))
	f.Add("文", "文书", int64(0), int64(1<<31))
	f.Fuzz(func(t *testing.T, a, b string, n, m int64) {
		pairs := [][3]any{
			{a, b, cmp.Compare(a, b)},
			{n, m, cmp.Compare(n, m)},
			{[]byte(a), []byte(b), cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))},
			{n > 0, m > 0, cmp.Compare(number(n > 0), number(m > 0))},
			{time.UnixMilli(n / 2), time.UnixMilli(m / 2), cmp.Compare(n/2, m/2)},
			{nil, a, -1}, {n, a, -1}, {a, []byte(a), -1}, {[]byte(a), true, -1}, {true, time.UnixMilli(m / 2), -1},
		}
		for _, p := range pairs {
			x, y := key(t, p[0]), key(t, p[1])
			if got := bytes.Compare(x, y); got != p[2] {
				t.Errorf("%v and %v: order %d, want %d", p[0], p[1], got, p[2])
			}
			if p[2] != 0 && (bytes.HasPrefix(x, y) || bytes.HasPrefix(y, x)) {
				t.Errorf("the key of %v is the beginning of that of %v", p[0], p[1])
			}
			if bytes.Compare(append(x, y...), engine.Behind(x)) >= 0 {
				t.Errorf("a key that goes on behind %v is not before the end", p[0])
			}
		}
	})
}

func number(v bool) int {
	if v {
		return 1
	}
	return 0
}

// Documents come back from a disk that others may have written to.
func FuzzDocument(f *testing.F) {
	good, err := bson.Marshal(bson.D{
		{Key: "_id", Value: "a"}, {Key: "ver", Value: int64(1)}, {Key: "v", Value: "text"}, {Key: "in", Value: bson.D{{Key: "v", Value: 1}}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(good))
	f.Add([]byte(good[:20]))
	f.Add([]byte{5, 0, 0, 0, 0})
	layouts := []*engine.Layout{layout(f, "v"), layout(f, "in.v"), layout(f, "in.v.w")}
	some, err := engine.NewLayout(engine.Index{Fields: []string{"v"}}.Only("in.v", 1))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		id, ver, err := engine.Head(doc)
		if (err == nil) != (id != "" && ver > 0) {
			t.Errorf("id %q, version %d, %v", id, ver, err)
		}
		for _, l := range append(layouts, some) {
			if key, in, err := l.Key(nil, doc); err != nil && (key != nil || in) {
				t.Errorf("a key beside an error: %x %v", key, in)
			}
		}
	})
}
