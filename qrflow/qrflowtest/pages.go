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

// testAT058PageToken: once, within its time, from a registered origin, and nothing
// but itself.
func testAT058PageToken(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	o, other := w.Open(t, statement.Login), w.Open(t, statement.Login)
	attach := func(token string, resume bool, origin string) error {
		_, err := w.Service.Attach(t.Context(), token, resume, origin)
		return err
	}
	swapped := other.Ticket + strings.TrimPrefix(o.PageToken, o.Ticket)
	for name, c := range map[string]struct {
		got, want error
	}{
		"other origin":       {attach(o.PageToken, false, "https://evil.example"), fault.OriginBad},
		"origin by prefix":   {attach(o.PageToken, false, Origin+".evil.example"), fault.OriginBad},
		"origin in capitals": {attach(o.PageToken, false, strings.ToUpper(Origin)), fault.OriginBad},
		"plain http":         {attach(o.PageToken, false, strings.Replace(Origin, "https", "http", 1)), fault.OriginBad},
		"null origin":        {attach(o.PageToken, false, "null"), fault.OriginBad},
		"no origin":          {attach(o.PageToken, false, ""), fault.OriginBad},
		"no token":           {attach("", false, Origin), fault.Unauthorized},
		"other ticket":       {attach(swapped, false, Origin), fault.Unauthorized},
		"unknown ticket":     {attach("tk_none"+strings.TrimPrefix(o.PageToken, o.Ticket), false, Origin), fault.Unauthorized},
		"cut":                {attach(o.PageToken[:len(o.PageToken)-1], false, Origin), fault.Unauthorized},
		"longer":             {attach(o.PageToken+"A", false, Origin), fault.Unauthorized},
		"as resume token":    {attach(o.PageToken, true, Origin), fault.Unauthorized},
		"other version":      {attach(strings.Replace(o.PageToken, ".0.", ".1.", 1), true, Origin), fault.Unauthorized},
		"spelled version":    {attach(strings.Replace(o.PageToken, ".0.", ".00.", 1), false, Origin), fault.Unauthorized},
	} {
		if !errors.Is(c.got, c.want) {
			t.Errorf("%s: %v", name, c.got)
		}
	}
	if err := attach(o.PageToken, false, Origin); err != nil {
		t.Errorf("the page: %v", err)
	}
	if err := attach(o.PageToken, false, Origin); !errors.Is(err, fault.Unauthorized) {
		t.Errorf("the page token again: %v", err)
	}
	w.Step(30 * time.Second)
	if err := attach(other.PageToken, false, Origin); !errors.Is(err, fault.Unauthorized) {
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
// two hands: the ticket ends, unless it is approved (AT-060).
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

// testAT060ParallelResumes: two nodes that are given one token agree on its
// successor.
func testAT060ParallelResumes(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	nodes := []*qrflow.Service{w.Service, w.Node(t)}
	c := w.Play(t, statement.Stamp, qrflow.Open)
	next := make([]string, 8)
	errs := atOnce(len(next), func(i int) error {
		v, err := nodes[i%2].Attach(t.Context(), c.View.Resume, true, Origin)
		next[i] = v.Resume
		return err
	})
	for i := range next {
		if errs[i] != nil || next[i] != next[0] {
			t.Errorf("%d: %v, another successor: %v", i, errs[i], next[i] != next[0])
		}
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
