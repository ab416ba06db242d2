package embedded_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// row is about what a delegation weighs: 480 bytes and two indexes.
func row(id string, ver int64, n int) bson.Raw {
	return marshal(bson.D{
		{Key: "_id", Value: id}, {Key: "ver", Value: ver},
		{Key: "code", Value: "code-" + id}, {Key: "org", Value: "org-" + strconv.Itoa(n%100)},
		{Key: "at", Value: time.UnixMilli(int64(n))}, {Key: "body", Value: make([]byte, 360)},
	})
}

func marshal(d bson.D) bson.Raw {
	b, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return b
}

func benchStore(b *testing.B) *embedded.Store {
	b.Helper()
	s, err := embedded.Open(b.TempDir(), embedded.Options{Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	err = s.Declare(b.Context(), engine.Collection{Name: "rows", Indexes: []engine.Index{
		{Fields: []string{"code"}, Unique: true}, {Fields: []string{"org", "at"}},
	}})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func fill(b *testing.B, s *embedded.Store, count int) {
	b.Helper()
	for from := 0; from < count; from += 1000 {
		err := s.Update(b.Context(), func(tx engine.Tx) error {
			for i := from; i < from+1000; i++ {
				if err := tx.Insert("rows", row(fmt.Sprintf("r%07d", i), 1, i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	for _, callers := range []int{1, 8, 64} {
		b.Run(strconv.Itoa(callers), func(b *testing.B) {
			s := benchStore(b)
			fill(b, s, 10_000)
			var n atomic.Int64
			if callers == 1 {
				for b.Loop() {
					insertOne(b, s, int(n.Add(1)))
				}
				return
			}
			b.SetParallelism((callers + runtime.GOMAXPROCS(0) - 1) / runtime.GOMAXPROCS(0))
			b.ResetTimer() // of what filling the store took
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					insertOne(b, s, int(n.Add(1)))
				}
			})
		})
	}
}

func insertOne(b *testing.B, s *embedded.Store, n int) {
	doc := row("n"+strconv.Itoa(n), 1, n)
	if err := s.Update(context.Background(), func(tx engine.Tx) error { return tx.Insert("rows", doc) }); err != nil {
		b.Error(err)
	}
}

func BenchmarkReplace(b *testing.B) {
	s := benchStore(b)
	fill(b, s, 10_000)
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprintf("r%07d", n%10_000)
		err := s.Update(b.Context(), func(tx engine.Tx) error {
			old, err := tx.Get("rows", id)
			if err != nil {
				return err
			}
			_, ver, _ := engine.Head(old)
			return tx.Replace("rows", row(id, ver+1, n%10_000))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGet(b *testing.B) {
	s := benchStore(b)
	fill(b, s, 10_000)
	n := 0
	for b.Loop() {
		n++
		id := fmt.Sprintf("r%07d", n%10_000)
		err := s.View(b.Context(), func(tx engine.Tx) error { _, err := tx.Get("rows", id); return err })
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFindPage(b *testing.B) {
	s := benchStore(b)
	fill(b, s, 10_000)
	n := 0
	for b.Loop() {
		n++
		q := unit.Query{Index: "org+at", Key: []any{"org-" + strconv.Itoa(n%100)}, Limit: 20}
		err := s.View(b.Context(), func(tx engine.Tx) error {
			found, err := tx.Find("rows", q)
			if len(found) != 20 {
				b.Fatal(len(found))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
