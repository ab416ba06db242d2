package app_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// BenchmarkBatch has one approval stamp 500 documents of 200 KB over HTTP and
// says what each step takes, and how far the heap grows while they are stamped:
// 100 MB of documents, of which the node holds one at a time.
func BenchmarkBatch(b *testing.B) {
	const n, size = 500, 200 << 10
	var heap atomic.Uint64
	look := func(string) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap.Store(max(heap.Load(), m.HeapAlloc))
	}
	seen := 0
	p := newParty(b, 1_000, app.Options{Unlimited: true, Checkpoint: func(name string) {
		if seen++; seen%50 == 0 {
			look(name)
		}
	}})
	for b.Loop() {
		b.StopTimer()
		account := fmt.Sprintf("batch-%d", b.N)
		p.bindAtOnce(b, p.system, account)
		ask := ds.Ask{Purpose: "stamp", Subject: ds.Subject{Account: account, USCC: uscc}}
		for i := range n {
			d, err := p.system.Upload(b.Context(), fmt.Sprintf("登记表-%03d.pdf", i+1), cloudsealtest.PDF(1, size+16*i))
			check(b, err)
			ask.Documents = append(ask.Documents, ds.Stamp{Document: d.ID, Seal: "statutory", Page: 1, X: 130, Y: 200})
		}
		runtime.GC()
		heap.Store(0)
		look("before")
		before := heap.Load()
		b.StartTimer()
		at := time.Now()
		lap := func(what string) {
			b.ReportMetric(time.Since(at).Seconds(), what+"-s")
			at = time.Now()
		}
		r, err := p.system.Ask(b.Context(), ask)
		check(b, err)
		lap("ask")
		scan, err := drive.Claim(b.Context(), p.agent, r)
		check(b, err)
		lap("scan")
		check(b, p.agent.Look(b.Context(), scan))
		lap("look")
		check(b, drive.FreshFor(b.Context(), p.agent, scan))
		number, err := r.Page.Number(b.Context())
		check(b, err)
		u, err := p.agent.Unlock(b.Context(), drive.PIN)
		check(b, err)
		_, err = u.Approve(b.Context(), scan, number)
		check(b, err)
		u.Close()
		lap("approve")
		_, err = p.system.Fetch(b.Context(), r)
		check(b, err)
		lap("stamp")
		r.Page.Close()
		b.ReportMetric(float64(heap.Load()-min(before, heap.Load()))/(1<<20), "MiB-more")
	}
}
