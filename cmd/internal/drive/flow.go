package drive

import (
	"context"
	"fmt"
	"time"

	"yunzhang.dev/authz/fault"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi/client"
)

// System is a declaration system.
type System struct {
	*ds.Client
	Net    Net
	Origin string
	App    string
}

// NewSystem makes a declaration system with its registered key.
func (n Node) NewSystem(app, kid string, key *gm.PrivateKey) *System {
	return &System{
		Client: &ds.Client{Base: n.Config.Sites.Portal, KeyID: kid, Key: key, HTTP: n.Net.Client(), Now: time.Now},
		Net:    n.Net, Origin: n.Config.Sites.Demo, App: app,
	}
}

// Request is an open request with its page and the verifier of its session.
type Request struct {
	Ticket   string
	Page     *Page
	Verifier []byte
	Opened   *ds.Opened
}

// Ask opens a request and shows it on a page.
func (s *System) Ask(ctx context.Context, a ds.Ask) (*Request, error) {
	verifier, hash := ds.Verifier()
	a.VerifierHash, a.Origin = hash.Hex(), s.Origin
	if a.Context == "" {
		a.Context = "127.0.0.0/24 demo"
	}
	opened, err := s.Open(ctx, a)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	page, err := OpenPage(ctx, s.Net, opened.SocketURL, s.Origin, opened.PageToken, false)
	if err != nil {
		return nil, err
	}
	return &Request{Ticket: opened.Ticket, Page: page, Verifier: verifier, Opened: opened}, nil
}

// StampAsk asks for one stamp on an uploaded document.
func StampAsk(account, uscc, document string, page int, x, y float64) ds.Ask {
	return ds.Ask{
		Purpose: "stamp", Subject: ds.Subject{Account: account, USCC: uscc}, Case: "演示-2026-0001",
		Documents: []ds.Stamp{{Document: document, Seal: "statutory", Page: page, X: x, Y: y}},
	}
}

// rescans is how often a person scans again when the code has rolled on.
const rescans = 10

// Claim scans what a page shows, and again when the code has rolled on before
// the server saw it.
func Claim(ctx context.Context, p *client.Phone, r *Request) (*client.Scan, error) {
	for n := 1; ; n++ {
		frame, err := r.Page.Frame(ctx)
		if err != nil {
			return nil, err
		}
		scan, err := p.Scan(ctx, frame)
		if n == rescans || Code(err) != "frame-stale" {
			return scan, err
		}
	}
}

// Approve looks at everything, copies the number from the page, unlocks the
// phone and confirms, showing the face where that is asked for.
func Approve(ctx context.Context, p *client.Phone, r *Request, scan *client.Scan) error {
	if err := p.Look(ctx, scan); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	number, err := r.Page.Number(ctx)
	if err != nil {
		return fmt.Errorf("number: %w", err)
	}
	u, err := p.Unlock(ctx, PIN)
	if err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	defer u.Close()
	_, err = u.Approve(ctx, scan, number)
	if Code(err) == fault.StepUpNeeded.Code {
		if err := FreshFor(ctx, p, scan); err != nil {
			return fmt.Errorf("step-up: %w", err)
		}
		_, err = u.Approve(ctx, scan, number)
	}
	return err
}

// Confirm is scan and approval in one.
func Confirm(ctx context.Context, p *client.Phone, r *Request) error {
	scan, err := Claim(ctx, p, r)
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	return Approve(ctx, p, r, scan)
}

// Bind binds an account of the system: request, scan, approval, result, saved.
// An account that is bound stays as it is.
func (s *System) Bind(ctx context.Context, p *client.Phone, account, uscc string) error {
	if _, err := s.Binding(ctx, account); ds.CodeOf(err) != fault.BindingMissing.Code {
		return err
	}
	r, err := s.Ask(ctx, ds.Ask{Purpose: "bind", Subject: ds.Subject{Account: account, USCC: uscc}})
	if err != nil {
		return err
	}
	defer r.Page.Close()
	if err := Confirm(ctx, p, r); err != nil {
		return err
	}
	if _, err := s.Fetch(ctx, r); err != nil {
		return err
	}
	_, err = s.Save(ctx, r.Ticket)
	return err
}

// Fetch waits for the result on the page and redeems it.
func (s *System) Fetch(ctx context.Context, r *Request) (*ds.Result, error) {
	code, err := r.Page.Result(ctx)
	if err != nil {
		return nil, err
	}
	return s.Redeem(ctx, r.Ticket, code, r.Verifier)
}

// Stamp is a whole stamp: upload, request, scan, approval, result. It gives the
// stamped file. The account is bound.
func (s *System) Stamp(ctx context.Context, p *client.Phone, account, uscc, title string, pdf []byte) ([]byte, error) {
	d, err := s.Upload(ctx, title, pdf)
	if err != nil {
		return nil, err
	}
	r, err := s.Ask(ctx, StampAsk(account, uscc, d.ID, 1, 130, 220))
	if err != nil {
		return nil, err
	}
	defer r.Page.Close()
	if err := Confirm(ctx, p, r); err != nil {
		return nil, err
	}
	if _, err := s.Fetch(ctx, r); err != nil {
		return nil, err
	}
	return s.Stamped(ctx, d.ID)
}
