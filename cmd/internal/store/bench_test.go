package store_test

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// approvalNote is about what the busiest rows are: a statement and its signature,
// sealed, beside a dozen plain fields.
func approvalNote(i int) *note {
	v := named(fmt.Sprintf("n%08d", i))
	v.State, v.At, v.Part.Name = "active", time.UnixMilli(int64(i)), "some organization"
	v.Name, v.Empty = "张三", make([]byte, 1200)
	return v
}

func BenchmarkTypedInsertReplace(b *testing.B) {
	w := newWorld(b, embedded.Options{})
	i := 0
	for b.Loop() {
		i++
		v := approvalNote(i)
		w.insert(v)
		err := w.work.Update(b.Context(), func(tx unit.Tx) error {
			v, err := w.note.Get(tx, v.ID)
			if err != nil {
				return err
			}
			return w.note.Replace(tx, v)
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTypedGet is a view of one row with six sealed fields.
func BenchmarkTypedGet(b *testing.B) {
	w := newWorld(b, embedded.Options{})
	w.insert(approvalNote(1))
	for b.Loop() {
		if _, err := w.get("n00000001"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkTypedFindPage(b *testing.B) {
	w := newWorld(b, embedded.Options{})
	for i := range 100 {
		w.insert(approvalNote(i))
	}
	for b.Loop() {
		if _, err := w.find(unit.Query{Index: "state+n", Key: []any{"active"}, Limit: 20}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBlobs(b *testing.B) {
	blobs := openBlobs(b, b.TempDir())
	data := make([]byte, 100<<10)
	var n uint64
	digest := func() gm.Digest {
		var d gm.Digest
		binary.BigEndian.PutUint64(d[:], n)
		d[31] = 1
		return d
	}
	b.Run("put", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			n++
			if err := blobs.Put(b.Context(), "app_1", digest(), data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("get", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		for b.Loop() {
			if _, err := blobs.Get(b.Context(), "app_1", digest()); err != nil {
				b.Fatal(err)
			}
		}
	})
}
