package app_test

import (
	"testing"
	"time"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// AT-044: an account opens its fourth request, a declaration system exceeds its
// rate, and the kill switch ends everything it has open.
func TestAT044FourthTicketIsRefused(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	p.bindAtOnce(t, p.system, "busy")
	login := ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "busy"}}
	var last *drive.Request
	for range 3 {
		r, err := p.system.Ask(t.Context(), login)
		check(t, err)
		defer r.Page.Close()
		last = r
	}
	_, err := p.system.Ask(t.Context(), login)
	wantCode(t, err, "open-tickets")
	check(t, p.system.Cancel(t.Context(), last.Ticket)) // one that ended makes room
	r, err := p.system.Ask(t.Context(), login)
	check(t, err)
	r.Page.Close()
}

func TestAT044RateOfAnApplication(t *testing.T) {
	t.Parallel()
	clock := &still{now: time.Now()}                       // all within one second, however slow the machine
	p := newLonelyParty(t, 5, app.Options{Now: clock.Now}) // each node counts for itself
	other := p.register(t, "另一申报系统")
	other.Now, p.system.Now = clock.Now, clock.Now
	refused := 0
	for range 25 {
		_, hash := ds.Verifier()
		_, err := other.Open(t.Context(), ds.Ask{Purpose: "login", VerifierHash: hash.Hex(), Origin: other.Origin, Context: "127.0.0.0/24 test"})
		if drive.Code(err) == "slow-down" {
			refused++
		} else {
			check(t, err)
		}
	}
	if refused != 5 {
		t.Errorf("%d of 25 were refused, want 5: the rate is 20 a second", refused)
	}
	_, hash := ds.Verifier()
	if _, err := p.system.Open(t.Context(), ds.Ask{Purpose: "login", VerifierHash: hash.Hex(), Origin: other.Origin, Context: "127.0.0.0/24 test"}); err != nil {
		t.Errorf("another application: %v", err)
	}
}

// still is a clock that stands still.
type still struct{ now time.Time }

func (s *still) Now() time.Time { return s.now }

func TestAT044KillSwitchEndsEverythingOpen(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	other := p.register(t, "另一申报系统")
	p.bindAtOnce(t, other, "theirs")
	mine, doc := p.ask(t, p.system, "k1")
	scanned, _ := p.ask(t, p.system, "k2")
	theirs, err := other.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "theirs"}})
	check(t, err)
	defer theirs.Page.Close()
	scan, err := drive.Claim(t.Context(), p.agent, scanned)
	check(t, err)

	check(t, p.app.StopApp(t.Context(), p.system.App))
	for _, r := range []*drive.Request{mine, scanned} {
		m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "ended" })
		check(t, err)
		if m.State != "cancelled" || m.Reason != "application-stopped" {
			t.Errorf("the page was told %+v", m)
		}
	}
	_, err = p.system.Me(t.Context())
	wantCode(t, err, "auth") // it is not let in
	wantCode(t, drive.Approve(t.Context(), p.agent, scanned, scan), "wrong-state")
	if _, err := drive.Claim(t.Context(), p.agent, mine); drive.Code(err) != "ticket-unavailable" {
		t.Errorf("the scan of an ended request: %v", err)
	}
	if st, err := other.Status(t.Context(), theirs.Ticket); err != nil || st.State != "open" {
		t.Errorf("another application's request: %+v, %v", st, err)
	}
	if list, err := p.app.Recorded(t.Context(), "stop-app"); err != nil || len(list) != 1 || list[0].Actor != "us_operator" || list[0].Detail != "test" {
		t.Errorf("on record: %+v, %v", list, err)
	}

	check(t, p.app.RestoreApp(t.Context(), p.system.App))
	p.untouched(t, p.system, doc, 5)
	if d, err := p.system.Document(t.Context(), doc); err != nil || d.State != "ready" {
		t.Errorf("the document is still taken: %+v, %v", d, err)
	}
	r, _ := p.ask(t, p.system, "k1")
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// What was approved before and is not signed yet is refused, by the service at
// first and by the signer himself after it.
func TestAT044KillSwitchBeatsTheApproval(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"intent", "evidence"} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			stop := stopAt(point)
			p := newParty(t, 5, app.Options{Checkpoint: stop.checkpoint})
			t.Cleanup(stop.release)
			r, doc := p.ask(t, p.system, "k3")
			check(t, drive.Confirm(t.Context(), p.agent, r))
			stop.wait(t)
			check(t, p.app.StopApp(t.Context(), p.system.App))
			stop.release()
			m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "ended" })
			check(t, err)
			if m.State != "failed" || m.Reason != "app" {
				t.Errorf("it ended as %+v", m)
			}
			check(t, p.app.RestoreApp(t.Context(), p.system.App))
			p.untouched(t, p.system, doc, 5)
		})
	}
}
