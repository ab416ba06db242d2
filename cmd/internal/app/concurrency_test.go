package app_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

func TestAT021TwoHundredApprovals(t *testing.T) {
	t.Parallel()
	p := newParty(t, 10, app.Options{Unlimited: true})
	r, doc := p.ask(t, p.system, "j1")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	var unlocked []*client.Unlocked
	for _, n := range p.nodes() {
		u, err := p.phoneAt(t, n, "agent").Unlock(t.Context(), drive.PIN)
		check(t, err)
		unlocked = append(unlocked, u)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	answers := map[string]int{}
	for i := range 200 {
		wg.Go(func() {
			state, err := unlocked[i%len(unlocked)].Approve(t.Context(), scan, number) // a new signature each time
			mu.Lock()
			defer mu.Unlock()
			answers[state+drive.Code(err)]++
		})
	}
	wg.Wait()
	// Each learns that it is approved, by him or by another of his requests, or
	// that the request is no longer what it was.
	for answer := range answers {
		switch answer {
		case "approved", "signing", "done", "wrong-state":
		default:
			t.Errorf("%d answers %q", answers[answer], answer)
		}
	}
	if t.Logf("answers: %v", answers); answers["approved"] == 0 {
		t.Error("nobody approved")
	}
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	stamped, err := p.system.Stamped(t.Context(), doc)
	check(t, err)
	uses, _, err := p.legal.Register(t.Context(), place(t, p).OrganizationID, "", 100)
	check(t, err)
	report := verify.Document(stamped, verify.Trust{})
	if len(uses) != 1 || len(report.Stamps) != 1 {
		t.Errorf("%d uses, %d stamps; answers %v", len(uses), len(report.Stamps), answers)
	}
	given, err := p.legal.DelegationsOf(t.Context(), place(t, p).OrganizationID)
	check(t, err)
	if given[0].Left != 9 {
		t.Errorf("%d uses left", given[0].Left)
	}
}

func TestAT037TenOfAHundred(t *testing.T) {
	t.Parallel()
	p := newParty(t, 10, app.Options{Unlimited: true})
	var wg sync.WaitGroup
	var mu sync.Mutex
	codes := map[string]int{}
	nodes := p.nodes()
	for i := range 100 {
		p.bindAtOnce(t, p.system, fmt.Sprintf("k%d", i))
		wg.Go(func() {
			d, err := p.system.Upload(t.Context(), "表.pdf", samplePDF(t, "ff.pdf"))
			if err == nil {
				var r *drive.Request
				if r, err = p.system.Ask(t.Context(), drive.StampAsk(fmt.Sprintf("k%d", i), uscc, d.ID, 1, 130, 200)); err == nil {
					defer r.Page.Close()
					if err = drive.Confirm(t.Context(), p.phoneAt(t, nodes[i%len(nodes)], "agent"), r); err == nil {
						_, err = p.systemAt(nodes[(i+1)%len(nodes)], p.system).Fetch(t.Context(), r)
					}
				}
			}
			mu.Lock()
			defer mu.Unlock()
			codes[drive.Code(err)]++
			if err != nil && drive.Code(err) != "delegation-limit" {
				t.Errorf("%d: %v", i, err)
			}
		})
	}
	wg.Wait()
	uses, _, err := p.legal.Register(t.Context(), place(t, p).OrganizationID, "", 200)
	check(t, err)
	var slots []int
	for _, u := range uses {
		if u.Stamped.IsZero() {
			t.Errorf("no stamp: %+v", u)
		}
		slots = append(slots, u.Slot)
	}
	slices.Sort(slots)
	if !slices.Equal(slots, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) || codes[""] != 10 {
		t.Errorf("slots %v, answers %v", slots, codes)
	}
}
