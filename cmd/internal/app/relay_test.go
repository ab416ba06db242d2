package app_test

import (
	"testing"
	"time"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// The relay suite: an attacker program against a running node, over HTTP and
// sockets. Whatever it plays ends without an effect, and the audit says what was
// seen. (The live relay of a log-in with its number is AT-002 and AT-003.)

// login opens a log-in for whoever sits at the page, here the attacker.
func (p *party) login(t *testing.T) *drive.Request {
	t.Helper()
	r, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "login"})
	check(t, err)
	t.Cleanup(r.Page.Close)
	return r
}

// AT-001: a bot copies the frames of its own page, as they come, to a page where
// a victim scans. The number is on the attacker's page only, the victim has none
// to type: the ticket lapses and nobody is logged in.
func TestAT001RelayWithoutTheNumber(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newParty(t, 5, app.Options{Now: clock.Now})
	p.bound(t, "victim")
	bot := &attacker{party: p}
	r := p.login(t)
	frame, err := r.Page.Frame(t.Context())
	check(t, err)
	bot.forward(frame)
	scan, err := bot.scanned(t.Context(), p.agent)
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, "") // he sees no number to copy
	if err == nil {
		t.Error("approved without a number")
	}
	clock.Add(91 * time.Second)
	p.system.Now = clock.Now
	p.state(t, r, "expired")
	if code, err := r.Page.Result(t.Context()); err == nil {
		t.Errorf("the attacker's page has a result: %s", code)
	}
	_, err = p.system.Redeem(t.Context(), r.Ticket, "rc_guess", r.Verifier)
	wantCode(t, err, "ticket-unavailable")
	p.seen(t, r.Ticket, "ticket.claimed allowed ")
	p.seen(t, r.Ticket, "ticket.expired allowed deadline")
}

// A photo of the code in another browser: after nine seconds it is a picture.
func TestRelayPhoto(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	p := newParty(t, 5, app.Options{Now: clock.Now})
	r, doc := p.ask(t, p.system, "photo")
	bot := &attacker{party: p}
	frame, err := r.Page.Frame(t.Context())
	check(t, err)
	bot.forward(frame)
	clock.Add(10 * time.Second)
	_, err = bot.scanned(t.Context(), p.agent)
	wantCode(t, err, "frame-stale")
	p.system.Now = clock.Now
	p.state(t, r, "open")
	p.untouched(t, p.system, doc, 5)
	p.seen(t, r.Ticket, "ticket.claim refused frame-stale")
}

// AT-007: frames forwarded in time. The request is the attacker's own, for his
// account, and names somebody: whoever else scans it, of another company or of
// the same one, cannot claim it, and the page goes on.
func TestAT007OnlyWhoIsMeantClaims(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "mine")
	bot := &attacker{party: p}
	for name, victim := range p.others(t) {
		frame, err := r.Page.Frame(t.Context())
		check(t, err)
		bot.forward(frame)
		_, err = bot.scanned(t.Context(), victim)
		if refusedWith(t, err, "subject", "delegation-none"); err == nil {
			t.Fatalf("%s claimed it", name)
		}
		p.state(t, r, "open")
	}
	p.untouched(t, p.system, doc, 5)
	p.seen(t, r.Ticket, "ticket.wrong_subject refused subject")
	check(t, drive.Confirm(t.Context(), p.agent, r)) // who was meant still can
}

// A second phone scans the very frame that was claimed.
func TestRelaySecondScan(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, _ := p.ask(t, p.system, "second")
	frame, err := r.Page.Frame(t.Context())
	check(t, err)
	scan, err := p.agent.Scan(t.Context(), frame)
	check(t, err)
	for _, other := range p.others(t) {
		_, err = other.Scan(t.Context(), frame)
		wantCode(t, err, "ticket-claimed")
	}
	p.seen(t, r.Ticket, "ticket.claim refused ticket-claimed")
	check(t, drive.Approve(t.Context(), p.agent, r, scan))
}

// The document is exchanged between what the phone shows and what is signed.
func TestRelaySwappedDocument(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	other := p.otherDocument(t)
	var r *drive.Request
	var doc string
	path := p.addedBy(t, func() { r, doc = p.ask(t, p.system, "swap") })
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	p.putBack(t, path, p.sealed(t, other))
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, number)
	wantCode(t, err, "document-changed")
	p.untouched(t, p.system, doc, 5)
	p.seen(t, r.Ticket, "ticket.approve refused document-changed")
}

// A page token is caught: used after the page has used it, it opens nothing; used
// before, from another site, it burns and the page knows.
func TestRelayStolenPageToken(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	bot := &attacker{party: p}
	r, _ := p.ask(t, p.system, "token")
	if status, s := bot.browse(t.Context(), p.Config.Sites.Demo, "tkt."+r.Opened.PageToken); status != 401 {
		t.Errorf("a used page token: %d %v", status, s)
	}
	p.seen(t, r.Ticket, "ticket.attach refused page-token-used")
	p.state(t, r, "open")

	opened := p.opened(t)
	evil := "http://evil.localhost"
	if status, s := bot.browse(t.Context(), evil, "tkt."+opened.PageToken); status != 403 {
		t.Errorf("a page token from another site: %d %v", status, s)
	}
	if status, _ := bot.browse(t.Context(), p.Config.Sites.Demo, "tkt."+opened.PageToken); status != 401 {
		t.Errorf("the burned token: %d", status)
	}
	p.seen(t, opened.Ticket, "ticket.cancelled alarm page-token-stolen")
}

// opened is a log-in whose page is not there yet.
func (p *party) opened(t *testing.T) *ds.Opened {
	t.Helper()
	_, hash := ds.Verifier()
	opened, err := p.system.Open(t.Context(), ds.Ask{
		Purpose: "login", VerifierHash: hash.Hex(), Origin: p.Config.Sites.Demo, Context: "127.0.0.0/24 test",
	})
	check(t, err)
	return opened
}

// A stranger's socket: he knows the ticket, and makes up the rest.
func TestRelayStrangersSocket(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	bot := &attacker{party: p}
	r, _ := p.ask(t, p.system, "socket")
	made := ".AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
	for _, token := range []string{"tkt." + r.Ticket + ".0" + made, "res." + r.Ticket + ".1" + made, "res." + r.Ticket + ".2" + made} {
		if status, s := bot.browse(t.Context(), p.Config.Sites.Demo, token); status != 401 {
			t.Errorf("%s: %d %v", token, status, s)
		}
	}
	p.seen(t, r.Ticket, "ticket.attach refused page-token-forged")
	check(t, drive.Confirm(t.Context(), p.agent, r)) // the page has felt nothing
}

// The result code is caught on its way, and redeemed by somebody who has the
// application's key and not the session's verifier, or another application's.
func TestRelayCaughtResult(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	p.bound(t, "victim")
	for name, redeem := range map[string]func(ticket, code string) error{
		"verifier": func(ticket, code string) error {
			other, _ := ds.Verifier()
			_, err := p.system.Redeem(t.Context(), ticket, code, other)
			return err
		},
		"ticket-unavailable": func(ticket, code string) error {
			_, err := p.register(t, "另一系统").Redeem(t.Context(), ticket, code, []byte("x"))
			return err
		},
	} {
		r := p.login(t)
		check(t, drive.Confirm(t.Context(), p.agent, r))
		code, err := r.Page.Result(t.Context())
		check(t, err)
		wantCode(t, redeem(r.Ticket, code), name)
		_, err = p.system.Redeem(t.Context(), r.Ticket, code, r.Verifier)
		wantCode(t, err, "ticket-unavailable")
		p.state(t, r, "failed")
		p.seen(t, r.Ticket, "ticket.failed alarm result-code-caught")
	}
}
