package qrflowtest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/qrflow"
)

// testOpenTickets: an account has three live tickets; one that ends, or whose
// deadline passes unwritten, makes room (AT-044).
func testOpenTickets(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	try := func(account string) error {
		r := Request(statement.Login)
		r.Subject.Account = account
		_, err := w.Service.Open(t.Context(), r)
		return err
	}
	first := w.Open(t, statement.Login)
	for range 2 {
		if err := try(Account); err != nil {
			t.Fatal(err)
		}
	}
	if err := try(Account); !errors.Is(err, fault.OpenTickets) {
		t.Errorf("the fourth: %v", err)
	}
	if err := try("somebody else"); err != nil {
		t.Errorf("another account: %v", err)
	}
	for range 5 {
		if err := try(""); err != nil {
			t.Errorf("log-in without an account: %v", err)
		}
	}
	if err := w.Service.Cancel(t.Context(), first.Ticket); err != nil {
		t.Fatal(err)
	}
	if err := try(Account); err != nil {
		t.Errorf("after one was cancelled: %v", err)
	}
	w.Step(120 * time.Second)
	for range 3 {
		if err := try(Account); err != nil {
			t.Errorf("after all have expired, unwritten: %v", err)
		}
	}
	if err := try(Account); !errors.Is(err, fault.OpenTickets) {
		t.Errorf("the fourth again: %v", err)
	}
}

// testRates: tickets of an application and scans of a device are limited over
// time (AT-044).
func testRates(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits = qrflow.Limits{OpenTickets: 1000} })
	for range 20 {
		w.Open(t, statement.Login)
	}
	_, err := w.Service.Open(t.Context(), Request(statement.Login))
	if !errors.Is(err, fault.SlowDown) || fault.From(err).RetryAfter <= 0 {
		t.Errorf("the 21st ticket in a second: %v", err)
	}
	w.Step(time.Second)
	c := w.Play(t, statement.Login, qrflow.Claimed)
	for range 9 {
		if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); !errors.Is(err, fault.SlowDown) {
		t.Errorf("the 11th scan in a minute: %v", err)
	}
}

// testBlockingDevice: a device whose wrong numbers blocked three tickets in a day
// scans no more that day.
func testBlockingDevice(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	for range 3 {
		c := w.Play(t, statement.Login, qrflow.Claimed)
		for range 2 {
			r := c.Request
			r.Match = Other(c.Match)
			_, _ = w.Service.Approve(t.Context(), c.Phone.Claimant, r)
		}
	}
	c := w.Play(t, statement.Login, qrflow.Open)
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); !errors.Is(err, fault.SlowDown) {
		t.Errorf("after three blocked tickets: %v", err)
	}
	if _, err := w.Service.Claim(t.Context(), NewPhone(t, "us_1", "dv_2").Claimant, c.Scan); err != nil {
		t.Errorf("another device: %v", err)
	}
}

// testBadRequests: what every ticket must have.
func testBadRequests(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	for name, change := range map[string]func(*qrflow.Request){
		"no application":    func(r *qrflow.Request) { r.App = "" },
		"unknown purpose":   func(r *qrflow.Request) { r.Purpose = "grant" },
		"no origin":         func(r *qrflow.Request) { r.Origins = nil },
		"empty origin":      func(r *qrflow.Request) { r.Origins = []string{""} },
		"no verifier":       func(r *qrflow.Request) { r.VerifierHash = gm.Digest{} },
		"no account":        func(r *qrflow.Request) { r.Subject.Account = "" },
		"no principal":      func(r *qrflow.Request) { r.Subject.Principal = "" },
		"no documents":      func(r *qrflow.Request) { r.Documents = 0 },
		"less than nothing": func(r *qrflow.Request) { r.Documents = -1 },
		"bind of documents": func(r *qrflow.Request) { r.Purpose = statement.Bind },
	} {
		r := Request(statement.Stamp)
		change(&r)
		if _, err := w.Service.Open(t.Context(), r); !errors.Is(err, fault.BadRequest) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// testOpenIn: a ticket opened in a caller's transaction exists with it or not
// at all.
func testOpenIn(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	var o qrflow.Opened
	failed := errors.New("the caller failed")
	for _, end := range []error{failed, nil} {
		err := w.Work.Update(t.Context(), func(tx unit.Tx) (err error) {
			if o, err = w.Service.OpenIn(tx, Request(statement.Stamp)); err != nil {
				return err
			}
			return end
		})
		if !errors.Is(err, end) {
			t.Fatal(err)
		}
		if _, err := w.Service.Status(t.Context(), App, o.Ticket); (err == nil) != (end == nil) {
			t.Errorf("the caller ended with %v, the ticket's status with %v", end, err)
		}
	}
}

// testKillSwitch: all tickets of an application that are not approved end at
// once; those of others stay (AT-044).
func testKillSwitch(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.OpenTickets = 1000 })
	states := map[qrflow.State]qrflow.State{
		qrflow.Issued: qrflow.Cancelled, qrflow.Open: qrflow.Cancelled, qrflow.Claimed: qrflow.Cancelled,
		qrflow.Approved: qrflow.Approved, qrflow.Signing: qrflow.Signing, qrflow.Done: qrflow.Done,
	}
	cases := map[qrflow.State]*Case{}
	for state := range states {
		cases[state] = w.Play(t, statement.Stamp, state)
	}
	r := Request(statement.Stamp)
	for i := range 120 { // more than a page of them
		r.Subject.Account = fmt.Sprint("account ", i)
		if _, err := w.Service.Open(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	r.App = "app_2"
	other, err := w.Service.Open(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := w.Service.WithdrawAll(t.Context(), App, "op_1"); n != 123 || err != nil {
		t.Errorf("%d tickets ended, %v", n, err)
	}
	for state, want := range states {
		if got := w.Row(t, cases[state].Ticket).State; got != want {
			t.Errorf("%s became %s", state, got)
		}
	}
	if got := w.Row(t, other.Ticket).State; got != qrflow.Issued {
		t.Errorf("the other application's ticket became %s", got)
	}
}

// testSecretRotation: tickets of the secret before still work; without it they
// are an internal error and nothing else.
func testSecretRotation(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Login, qrflow.Claimed)
	old := w.Deps.Secrets[0]
	w.Deps.Secrets = []qrflow.Secret{{ID: "k2", Key: make([]byte, 32)}, old}
	w.Service = w.Node(t)
	if match := w.Match(t, c.Ticket); match != c.Match {
		t.Errorf("the number is %s now, not %s", match, c.Match)
	}
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); err != nil {
		t.Errorf("with the old secret known: %v", err)
	}
	if kid := w.Row(t, w.Open(t, statement.Login).Ticket).Kid; kid != "k2" {
		t.Errorf("a new ticket uses %q", kid)
	}
	w.Deps.Secrets = w.Deps.Secrets[:1]
	w.Service = w.Node(t)
	if _, err := w.Service.Snapshot(t.Context(), c.Ticket); fault.CodeOf(err) != fault.InternalError.Code {
		t.Errorf("without the secret: %v", err)
	}
}
