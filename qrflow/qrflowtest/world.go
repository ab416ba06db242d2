package qrflowtest

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/qrflow"
)

// Store is what a suite runs over.
type Store struct {
	Work      unit.Work
	Tickets   unit.Table[qrflow.Ticket]
	Events    unit.Table[qrflow.Event]
	Approvals unit.Table[qrflow.Approval]
	Records   unit.Table[audit.Record]
	Standings qrflow.Standings // nil: of Tickets
}

// Opener makes an empty store whose time is now; it cleans up with t.
type Opener func(t testing.TB, now func() time.Time) Store

// Clock is a clock that moves when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

// Now gives the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Step moves the clock on.
func (c *Clock) Step(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Names in a world.
const (
	App      = "app_1"
	Origin   = "https://declare.example"
	QRBase   = "https://s.example.gov.cn/q"
	Account  = "zhang-at-declare"
	Org      = "or_1"
	Verifier = "verifier-of-the-browser-session!"
)

// World is a service on a store, with the purposes, phones and pages to play a
// ticket through.
type World struct {
	Store
	*Clock
	Service *qrflow.Service
	Desk    *Desk
	Log     *audit.Log
	Deps    qrflow.Deps // to make a second node on the same store
}

// NewWorld makes a world; change may adapt what the service is made of.
func NewWorld(t testing.TB, open Opener, change ...func(*qrflow.Deps)) *World {
	t.Helper()
	clock := &Clock{now: time.Date(2026, 11, 22, 2, 10, 0, 0, time.UTC)}
	w := &World{Store: open(t, clock.Now), Clock: clock, Desk: &Desk{ended: map[string]qrflow.State{}}}
	w.Log = audit.New(audit.Deps{Work: w.Work, Records: w.Records})
	w.Deps = qrflow.Deps{
		Work: w.Work, Tickets: w.Tickets, Standings: w.Standings, Events: w.Events, Approvals: w.Approvals, Audit: w.Log,
		Secrets: []qrflow.Secret{{ID: "k1", Key: bytes.Repeat([]byte{0x5a}, 32)}},
		QRBase:  QRBase, Now: clock.Now,
		Limits: qrflow.Limits{Claims: qrflow.Rate{Events: 1e6, Per: time.Minute}, Tickets: qrflow.Rate{Events: 1e6, Per: time.Second}},
	}
	for _, c := range change {
		c(&w.Deps)
	}
	w.Service = w.Node(t)
	return w
}

// Node makes one more service on the same store, as another process would.
func (w *World) Node(t testing.TB) *qrflow.Service {
	t.Helper()
	s, err := qrflow.New(w.Deps)
	if err != nil {
		t.Fatal(err)
	}
	for _, purpose := range []string{statement.Login, statement.Bind, statement.Stamp} {
		if err := s.Register(purpose, w.Desk); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Phone is an enrolled device with its key.
type Phone struct {
	qrflow.Claimant
	key *gm.PrivateKey
}

var (
	phonesMu sync.Mutex
	phones   = map[string]*gm.PrivateKey{} // guarded by phonesMu: keys are dear to make and may be shared
)

// NewPhone gives the device of a person; the same names give the same key.
func NewPhone(t testing.TB, person, device string) *Phone {
	t.Helper()
	phonesMu.Lock()
	defer phonesMu.Unlock()
	key := phones[device]
	if key == nil {
		var err error
		if key, err = gm.GenerateKey(); err != nil {
			t.Fatal(err)
		}
		phones[device] = key
	}
	return &Phone{qrflow.Claimant{Person: person, Device: device, Name: "张三", PhoneTail: "34", Key: key.Public()}, key}
}

// Approval signs a claim with the digits.
func (p *Phone) Approval(t testing.TB, c qrflow.Claim, match string) qrflow.ApproveRequest {
	t.Helper()
	sig, err := p.key.Sign(statement.Complete(c.Head, match))
	if err != nil {
		t.Fatal(err)
	}
	return qrflow.ApproveRequest{Claim: c.ID, HeadHash: c.HeadHash, Match: match, Sig: sig}
}

// Request asks for a ticket of this purpose.
func Request(purpose string) qrflow.Request {
	r := qrflow.Request{
		App: App, Tenant: App, Purpose: purpose, Origins: []string{Origin},
		Subject:      qrflow.Subject{Account: Account, Principal: Org, Person: "us_1"},
		VerifierHash: qrflow.VerifierHash([]byte(Verifier)), Payload: []byte("payload"),
	}
	if purpose == statement.Stamp {
		r.Documents = 1
	}
	return r
}

// Open makes a ticket.
func (w *World) Open(t testing.TB, purpose string) qrflow.Opened {
	t.Helper()
	o, err := w.Service.Open(t.Context(), Request(purpose))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return o
}

// Attach lets the page in and gives its view.
func (w *World) Attach(t testing.TB, o qrflow.Opened) qrflow.View {
	t.Helper()
	v, err := w.Service.Attach(t.Context(), o.PageToken, false, Origin)
	if err != nil {
		t.Fatalf("attach: %v", err)
	}
	return v
}

// Scan reads the code that the page shows now.
func (w *World) Scan(t testing.TB, ticket string) qrflow.Scan {
	t.Helper()
	text, _, _, err := w.Service.Frame(t.Context(), ticket)
	if err != nil {
		t.Fatalf("frame: %v", err)
	}
	scan, err := qrflow.ParseQR(QRBase, text)
	if err != nil {
		t.Fatalf("frame %q: %v", text, err)
	}
	return scan
}

// Match gives the number on the page.
func (w *World) Match(t testing.TB, ticket string) string {
	t.Helper()
	v, err := w.Service.Snapshot(t.Context(), ticket)
	if err != nil || len(v.Current.Match) != statement.MatchDigits {
		t.Fatalf("no number on the page: %+v, %v", v, err)
	}
	return v.Current.Match
}

// Code gives the result code on the page.
func (w *World) Code(t testing.TB, ticket string) string {
	t.Helper()
	v, err := w.Service.Snapshot(t.Context(), ticket)
	if err != nil || v.Current.ResultCode == "" {
		t.Fatalf("no result code on the page: %+v, %v", v, err)
	}
	return v.Current.ResultCode
}

// Other gives a number that is not the one on the page.
func Other(match string) string {
	if match == "000" {
		return "001"
	}
	return "000"
}

// Row reads a ticket as stored.
func (w *World) Row(t testing.TB, ticket string) qrflow.Ticket {
	t.Helper()
	var row *qrflow.Ticket
	err := w.Work.View(t.Context(), func(tx unit.Tx) (err error) {
		row, err = w.Tickets.Get(tx, ticket)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return *row
}

// Rows reads the events of a ticket as stored.
func (w *World) Rows(t testing.TB, ticket string) (events []*qrflow.Event) {
	t.Helper()
	err := w.Work.View(t.Context(), func(tx unit.Tx) (err error) {
		events, err = w.Events.Find(tx, unit.Query{Index: "ticket+seq", Key: []any{ticket}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// Approved gives the approvals of a ticket: none or one.
func (w *World) Approved(t testing.TB, ticket string) (found []*qrflow.Approval) {
	t.Helper()
	row := w.Row(t, ticket)
	err := w.Work.View(t.Context(), func(tx unit.Tx) (err error) {
		found, err = w.Approvals.Find(tx, unit.Query{Index: "nonce", Key: []any{row.Nonce}})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Records counts audit records about an object by action; with chained it
// chains them first.
func (w *World) Audited(t testing.TB, object string) map[string]int {
	t.Helper()
	if _, err := w.Log.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	err := w.Work.View(t.Context(), func(tx unit.Tx) error {
		all, err := w.Records.Find(tx, unit.Query{Index: "chain+seq", Key: []any{"main"}, Limit: 10_000})
		for _, r := range all {
			if r.Object == object {
				count[r.Action]++
				count[r.Decision]++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

// Advance reports progress in a unit of its own.
func (w *World) Advance(t testing.TB, ticket string, p qrflow.Progress) error {
	t.Helper()
	return w.Work.Update(t.Context(), func(tx unit.Tx) error { return w.Service.Advance(tx, ticket, p) })
}

// Held asks for a device's ticket again.
func (w *World) Held(t testing.TB, c qrflow.Claimant, claim string) (held *qrflow.Ticket, err error) {
	t.Helper()
	err = w.Work.View(t.Context(), func(tx unit.Tx) error {
		held, err = w.Service.Held(tx, c, claim)
		return err
	})
	return held, err
}

func (w *World) String() string { return fmt.Sprintf("world at %s", w.Now()) }
