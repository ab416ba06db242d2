package app_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// BenchmarkFlowsOnNodes is whole stamps a second by eight people at once, on 1,
// 2 and 3 nodes over one replica set. Where all of them share one machine's
// cores (and the simulated set too), more nodes show what they cost each other,
// not what they bring.
func BenchmarkFlowsOnNodes(b *testing.B) {
	for _, n := range []int{1, 2, 3} {
		b.Run(fmt.Sprint(n, " nodes"), func(b *testing.B) {
			k := newCluster(b, mongotest.Start(b, mongotest.Options{}), n, 1_000_000)
			for i := range n {
				k.startProcess(b, i)
			}
			k.spread(b)
			l := newLoad(b, k, benchPDF(100<<10))
			unlocked, err := l.agent.Unlock(b.Context(), drive.PIN)
			check(b, err)
			defer unlocked.Close()
			b.ResetTimer()
			work := make(chan struct{}, b.N)
			for range b.N {
				work <- struct{}{}
			}
			close(work)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range work {
						l.note(b, l.flow(b.Context(), unlocked))
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(len(l.ends))/b.Elapsed().Seconds(), "flows/s")
		})
	}
}

// BenchmarkApprovalToOtherPage is the time from the phone's approval on one node
// to the page on another: to "approved", and to the result.
func BenchmarkApprovalToOtherPage(b *testing.B) {
	k := newCluster(b, mongotest.Start(b, mongotest.Options{}), 2, 1_000_000)
	for i := range 2 {
		k.startInner(b, i, app.Options{})
	}
	k.at(b, drive.Net{Addr: k.configs[1].Listen})
	system := k.system // its pages hang on the second node
	k.at(b, drive.Net{Addr: k.configs[0].Listen})
	unlocked, err := k.agent.Unlock(b.Context(), drive.PIN)
	check(b, err)
	defer unlocked.Close()
	k.bindAtOnce(b, system, "far")
	var approved, done []time.Duration
	file := benchPDF(20 << 10)
	for b.Loop() {
		d, err := system.Upload(b.Context(), "表.pdf", file)
		check(b, err)
		r, err := system.Ask(b.Context(), drive.StampAsk("far", uscc, d.ID, 1, 130, 220))
		check(b, err)
		scan, err := drive.Claim(b.Context(), k.agent, r)
		check(b, err)
		err = k.agent.Look(b.Context(), scan)
		check(b, err)
		number, err := r.Page.Number(b.Context())
		check(b, err)
		began := time.Now()
		_, err = unlocked.Approve(b.Context(), scan, number)
		check(b, err)
		_, err = r.Page.Wait(b.Context(), func(m drive.Message) bool { return m.Type == "approved" })
		check(b, err)
		approved = append(approved, time.Since(began))
		_, err = r.Page.Result(b.Context())
		check(b, err)
		done = append(done, time.Since(began))
		r.Page.Close()
	}
	for name, list := range map[string][]time.Duration{"approved": approved, "done": done} {
		slices.Sort(list)
		b.ReportMetric(ms(list[len(list)/2]), "ms-"+name+"-p50")
		b.ReportMetric(ms(list[len(list)*99/100]), "ms-"+name+"-p99")
	}
}
