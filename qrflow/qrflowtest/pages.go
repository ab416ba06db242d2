package qrflowtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// attach presents a token.
func (w *World) attach(t testing.TB, token string, resume bool, origin string) error {
	t.Helper()
	_, err := w.Service.Attach(t.Context(), token, resume, origin)
	return err
}

// testAT055OtherOrigins: a good page token that another site presents burns, and
// its ticket with it; a page that is open loses nothing by it.
func testAT055OtherOrigins(t testing.TB, open Opener) {
	for name, origin := range map[string]string{
		"another application": "https://other.example", "prefix": Origin + ".evil.example", "capitals": strings.ToUpper(Origin),
		"plain http": strings.Replace(Origin, "https", "http", 1), "null": "null", "none": "", "port": Origin + ":444",
	} {
		w := NewWorld(t, open)
		o, waiting := w.Open(t, statement.Login), w.Play(t, statement.Login, qrflow.Open)
		if err := w.attach(t, o.PageToken, false, origin); !errors.Is(err, fault.OriginBad) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.attach(t, o.PageToken, false, Origin); !errors.Is(err, fault.Unauthorized) {
			t.Errorf("%s: the page itself afterwards: %v", name, err)
		}
		records := w.Audited(t, o.Ticket)
		if w.Row(t, o.Ticket).State != qrflow.Cancelled || records[audit.Alarm] != 1 {
			t.Errorf("%s: %s, records %v", name, w.Row(t, o.Ticket).State, records)
		}
		if err := w.attach(t, waiting.View.Resume, true, origin); !errors.Is(err, fault.OriginBad) {
			t.Errorf("%s with a resume token: %v", name, err)
		}
		if err := w.attach(t, waiting.View.Resume, true, Origin); err != nil || w.Audited(t, waiting.Ticket)[audit.Refused] != 1 {
			t.Errorf("%s: the open page: %v, records %v", name, err, w.Audited(t, waiting.Ticket))
		}
	}
}

// testAT058PageToken: once, within its time, and nothing but itself; who tries
// is on record.
func testAT058PageToken(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	o, other := w.Open(t, statement.Login), w.Open(t, statement.Login)
	swapped := other.Ticket + strings.TrimPrefix(o.PageToken, o.Ticket)
	for name, got := range map[string]error{
		"no token":        w.attach(t, "", false, Origin),
		"other ticket":    w.attach(t, swapped, false, Origin),
		"unknown ticket":  w.attach(t, "tk_none"+strings.TrimPrefix(o.PageToken, o.Ticket), false, Origin),
		"cut":             w.attach(t, o.PageToken[:len(o.PageToken)-1], false, Origin),
		"longer":          w.attach(t, o.PageToken+"A", false, Origin),
		"as resume token": w.attach(t, o.PageToken, true, Origin),
		"other version":   w.attach(t, strings.Replace(o.PageToken, ".0.", ".1.", 1), true, Origin),
		"spelled version": w.attach(t, strings.Replace(o.PageToken, ".0.", ".00.", 1), false, Origin),
	} {
		if !errors.Is(got, fault.Unauthorized) {
			t.Errorf("%s: %v", name, got)
		}
	}
	if err := w.attach(t, o.PageToken, false, Origin); err != nil {
		t.Errorf("the page: %v", err)
	}
	for range 20 {
		if err := w.attach(t, o.PageToken, false, Origin); !errors.Is(err, fault.Unauthorized) {
			t.Errorf("the page token again: %v", err)
		}
	}
	if n := w.Audited(t, o.Ticket)["ticket.attach"]; n < 1 || n > 5 {
		t.Errorf("%d records of refused pages, want some and at most 5", n)
	}
	w.Step(30 * time.Second)
	if err := w.attach(t, other.PageToken, false, Origin); !errors.Is(err, fault.Unauthorized) {
		t.Errorf("a page token after 30 s: %v", err)
	}
}

// testAT058Once: ten pages with one token: one gets in.
func testAT058Once(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	o := w.Open(t, statement.Login)
	errs := atOnce(10, func(int) error {
		_, err := w.Service.Attach(t.Context(), o.PageToken, false, Origin)
		return err
	})
	if got := tally(errs); got[""] != 1 || got[fault.Unauthorized.Code] != 9 {
		t.Errorf("%v", got)
	}
}

// testResume: each resume gives the next token; the one before stays good until
// its successor is presented, because an answer can get lost.
func testResume(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	resume := func(token string) string {
		t.Helper()
		v, err := w.Service.Attach(t.Context(), token, true, Origin)
		if err != nil || v.Resume == "" || v.LastSeq != 3 || v.Current.Match != c.Match {
			t.Fatalf("resume: %+v, %v", v, err)
		}
		return v.Resume
	}
	one := c.View.Resume
	two := resume(one)
	if one == two {
		t.Fatal("the token is not rotated")
	}
	if lost := resume(one); lost != two {
		t.Error("after a lost answer there are two successors")
	}
	three := resume(two)
	if lost := resume(two); lost != three {
		t.Error("after a lost answer there are two successors")
	}
	if _, err := w.Service.Attach(t.Context(), three, true, "https://evil.example"); !errors.Is(err, fault.OriginBad) {
		t.Errorf("from another origin: %v", err)
	}
	if _, err := w.Service.Attach(t.Context(), three, false, Origin); !errors.Is(err, fault.Unauthorized) {
		t.Errorf("as page token: %v", err)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed"})
}

// testTheft: a token that comes back after its successor was presented is in
// two hands: the ticket ends, unless it is approved.
func testTheft(t testing.TB, open Opener) {
	for state, want := range map[qrflow.State]qrflow.State{
		qrflow.Open: qrflow.Cancelled, qrflow.Claimed: qrflow.Cancelled, qrflow.Approved: qrflow.Approved,
	} {
		w := NewWorld(t, open)
		c := w.Play(t, statement.Stamp, state)
		two, err := w.Service.Attach(t.Context(), c.View.Resume, true, Origin)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Service.Attach(t.Context(), two.Resume, true, Origin); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Service.Attach(t.Context(), c.View.Resume, true, Origin); !errors.Is(err, fault.Unauthorized) {
			t.Errorf("%s: the stolen token: %v", state, err)
		}
		if got := w.Row(t, c.Ticket).State; got != want {
			t.Errorf("%s: %s after the theft", state, got)
		}
		if n := w.Audited(t, c.Ticket)[audit.Alarm]; n != 1 {
			t.Errorf("%s: %d alarms", state, n)
		}
	}
}

// testAT060ParallelResumes: of eight pages on two nodes that present one token at
// once, each has a number of its own and a look tells which one stays; they agree
// on the token's successor.
func testAT060ParallelResumes(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	nodes := []*qrflow.Service{w.Service, w.Node(t)}
	c := w.Play(t, statement.Stamp, qrflow.Open)
	views := make([]qrflow.View, 8)
	errs := atOnce(len(views), func(i int) (err error) {
		views[i], err = nodes[i%2].Attach(t.Context(), c.View.Resume, true, Origin)
		return err
	})
	last, err := nodes[1].LastSeqs(t.Context(), []string{c.Ticket})
	if err != nil {
		t.Fatal(err)
	}
	numbers, newest := map[int]bool{c.View.Page: true}, 0
	for i, v := range views {
		if errs[i] != nil || v.Resume != views[0].Resume || numbers[v.Page] {
			t.Errorf("%d: page %d, %v, another successor: %v", i, v.Page, errs[i], v.Resume != views[0].Resume)
		}
		numbers[v.Page] = true
		if v.Page >= last[c.Ticket].Page {
			newest++
		}
	}
	if newest != 1 {
		t.Errorf("%d of the pages stay", newest)
	}
}

// testEndedPages: a page that lost its socket still learns how it ended, for a
// while, and with a result code that is still good.
func testEndedPages(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.OpenTickets = 100 })
	for _, state := range qrflow.States() {
		if state.Live() {
			continue
		}
		c := w.Play(t, statement.Stamp, state)
		v, err := w.Service.Attach(t.Context(), c.View.Resume, true, Origin)
		if err != nil || v.State != state || v.Resume != "" || (v.Current.ResultCode != "") != (state == qrflow.Done) {
			t.Errorf("%s: %+v, %v", state, v, err)
		}
		if state == qrflow.Expired && w.Row(t, c.Ticket).State != qrflow.Expired {
			t.Error("the expiry was not written")
		}
		w.Step(10 * time.Minute)
		if _, err := w.Service.Attach(t.Context(), c.View.Resume, true, Origin); !errors.Is(err, fault.TicketUnavailable) {
			t.Errorf("%s, ten minutes later: %v", state, err)
		}
	}
}

// testAT092SecretsStayOut: rows, events and records hold nothing that opens anything
// (AT-092): no handle, token, number or code, in no spelling.
func testAT092SecretsStayOut(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Login, qrflow.Approved)
	secrets := map[string]string{
		"handle": c.Scan.Handle, "mac": c.Scan.MAC, "page token": secretPart(c.PageToken),
		"resume token": secretPart(c.View.Resume), "result code": strings.TrimPrefix(c.Code, "rc_"), "verifier": Verifier,
	}
	stored := w.dump(t, c.Ticket)
	for name, secret := range secrets {
		if len(secret) < 16 {
			t.Fatalf("%s is no secret: %q", name, secret)
		}
		if stored.holds(secret) {
			t.Errorf("the %s is stored", name)
		}
	}
	if strings.Contains(stored.events, "张") || strings.Contains(stored.records, "张") || strings.Contains(stored.records, Account) {
		t.Error("events or records name a person")
	}
}

func secretPart(token string) string { return token[strings.LastIndex(token, ".")+1:] }
