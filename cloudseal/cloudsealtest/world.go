package cloudsealtest

import (
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/verify"
)

// Tenant is the declaration system that owns the documents.
const Tenant = "app_declare"

// World is a cloudseal service with everything around it, over stores in
// memory: an organization with a filed impression, its legal representative,
// an agent, a clerk and a reviewer.
type World struct {
	T     testing.TB
	Clock *Clock
	PKI   *PKI

	DB          *unittest.DB // nil when the world stands on another store
	Work        unit.Work
	Tables      cloudseal.Tables
	Acts        Acts
	Audit       *audit.Log
	AuditRows   unit.Table[audit.Record]
	Outcome     *Outcome
	Blobs       *Blobs
	Holders     *Holders
	Filings     *Filings
	SignerStore *SignerStore
	Signer      *Signer
	Service     *cloudseal.Service

	Limits cloudseal.Limits // of the next Restart; zero: the defaults

	Node                          string // of the service that Restart makes
	Legal, Agent, Clerk, Reviewer Device
	Checkpoint                    func(name string) // called by signer and service when set
}

// Store is what a world keeps its rows and bytes in.
type Store struct {
	Work    unit.Work
	Tables  cloudseal.Tables
	Audit   unit.Table[audit.Record]
	Acts    unit.Table[Act]    // no index
	Endings unit.Table[Ending] // no index
	Blobs   cloudseal.Blobs

	SignerWork   unit.Work
	SignerTables keys.Tables
}

// NewWorld makes a world without a seal over stores in memory.
func NewWorld(t testing.TB) *World {
	t.Helper()
	clock := NewClock()
	db, signer := unittest.New(clock.Now), NewSignerStore(clock)
	s := inMemory(db)
	s.SignerWork, s.SignerTables = signer.DB, signer.Tables
	w := newWorld(t, clock, s)
	w.DB, w.SignerStore.DB = db, signer.DB
	return w
}

// NewWorldOn makes a world without a seal over another store, whose time must
// come from the clock.
func NewWorldOn(t testing.TB, clock *Clock, s Store) *World {
	t.Helper()
	return newWorld(t, clock, s)
}

func newWorld(t testing.TB, clock *Clock, s Store) *World {
	t.Helper()
	w := &World{
		T: t, Clock: clock, PKI: NewPKI(t), Work: s.Work, Tables: s.Tables, Acts: Acts{Table: s.Acts},
		AuditRows: s.Audit, Audit: audit.New(audit.Deps{Work: s.Work, Records: s.Audit}),
		Outcome: &Outcome{Table: s.Endings}, Blobs: &Blobs{Blobs: s.Blobs, Weather: Fair},
		Holders: &Holders{}, Filings: &Filings{},
		SignerStore: &SignerStore{Work: s.SignerWork, Tables: s.SignerTables, KEK: gm.Random(gm.SealKeySize), MACKey: gm.Random(32)},
	}
	w.people()
	w.Restart()
	return w
}

// inMemory makes the tables with their indexes.
func inMemory(db *unittest.DB) Store {
	unique, plain := unittest.Unique, unittest.Plain
	return Store{Work: db, Blobs: NewMemory(), Tables: cloudseal.Tables{
		Seals:        unittest.Table[cloudseal.Seal](db, "seals", unique("owned"), plain("org", "kind"), plain("marked"), plain("told")),
		Applications: unittest.Table[cloudseal.Application](db, "applications", unique("open"), plain("org"), plain("state")),
		Certificates: unittest.Table[cloudseal.Certificate](db, "certs", plain("seal")),
		Events:       unittest.Table[cloudseal.Event](db, "sealEvents", unique("seal", "n")),
		Documents:    unittest.Table[cloudseal.Document](db, "documents", plain("tenant")),
		Preparations: unittest.Table[cloudseal.Preparation](db, "preparations", unique("hold", "index")),
		Increments:   unittest.Table[cloudseal.Increment](db, "increments"),
		Intents:      unittest.Table[cloudseal.Intent](db, "intents", plain("ticket", "index"), plain("state", "index"), plain("org", "createdAt")),
		Evidence:     unittest.Table[cloudseal.Evidence](db, "evidence", unique("ticket")),
		Counters:     unittest.Table[cloudseal.Counter](db, "counters"),
	},
		Audit:   unittest.Table[audit.Record](db, "audit", unique("chain", "seq").Only("chained", true), plain("chained", "at")),
		Acts:    unittest.Table[Act](db, "acts"),
		Endings: unittest.Table[Ending](db, "endings"),
	}
}

func (w *World) people() {
	w.Legal = w.PKI.Enrol(w.T, statement.Person{ID: "us_legal", Name: "张三"})
	w.Agent = w.PKI.Enrol(w.T, statement.Person{ID: "us_agent", Name: "李四"})
	w.Clerk = w.PKI.Enrol(w.T, statement.Person{ID: "us_clerk", Name: "王五"})
	w.Reviewer = w.PKI.Enrol(w.T, statement.Person{ID: "us_reviewer", Name: "赵六"})
	w.Holders.Put(cloudseal.Holder{USCC: Org.USCC, Name: Org.Name, Region: "330100", Active: true, Agreement: true, Legal: w.Legal.Person})
	p := Impression(w.T)
	w.Filings.Put(Org.USCC, registry.Filed{
		Kind: string(impression.Statutory), Name: Org.Name, Code: "3301001234567", PNG: p.PNG, SVG: p.SVG, Width: p.Width, Height: p.Height, At: Start,
	})
}

// Restart opens signer and service anew on their stores, as a process does
// after a crash.
func (w *World) Restart() {
	w.T.Helper()
	checkpoint := func(name string) {
		if w.Checkpoint != nil {
			w.Checkpoint(name)
		}
	}
	w.Signer = &Signer{Weather: Fair, Signer: w.SignerStore.Signer(w.T, w.PKI, w.Clock, func(d *keys.Deps) { d.Checkpoint = checkpoint })}
	service, err := cloudseal.New(cloudseal.Deps{
		Work: w.Work, Tables: w.Tables, Holders: w.Holders, Acts: w.Acts, Filings: w.Filings, Blobs: w.Blobs,
		Signer: w.Signer, Stops: w.Signer, Outcome: w.Outcome, Audit: w.Audit,
		Issuer: w.PKI.Issuing, Maker: w.PKI.MakerKey, MakerCertificate: w.PKI.MakerCertificate, StatusKey: w.PKI.StatusKey,
		Roots: [][]byte{w.PKI.Root.Certificate()}, Intermediates: [][]byte{w.PKI.Issuing.Certificate()},
		Authorities: []gm.PublicKey{w.PKI.AuthorityKey.Public()}, Host: Host, Node: w.Node, Limits: w.Limits,
		Now: w.Clock.Now, Checkpoint: checkpoint,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Service = service
}

// Act has a device sign a review statement about the organization and keeps it
// for Take. office is what its signer holds.
func (w *World) Act(by Device, act, office string, subject statement.Ref, edit ...func(*statement.Review)) string {
	w.T.Helper()
	r := statement.Review{
		Nonce: Nonce(), Issuer: Host, Act: act, Subject: subject, Opinion: statement.Approve, Org: Org,
		Person: by.Person, Device: by.Hash(), IssuedAt: w.Clock.Now().Truncate(time.Second),
	}
	for _, f := range edit {
		f(&r)
	}
	row := &Act{Row: unit.Row{ID: unit.NewID("ac")}, Office: office, Signed: by.Sign(w.T, Bytes(w.T, r))}
	w.Update(func(tx unit.Tx) error { return w.Acts.Table.Insert(tx, row) })
	return row.ID
}

// Claim has the legal representative claim a statutory seal.
func (w *World) Claim(picture []byte) (*cloudseal.Application, error) {
	w.T.Helper()
	subject := statement.Ref{ID: string(impression.Statutory)}
	if len(picture) > 0 {
		subject.Hash = gm.SM3(picture)
	}
	act := w.Act(w.Legal, cloudseal.ActClaim, "", subject)
	return w.Service.Claim(w.T.Context(), cloudseal.Claim{Act: act, Org: Org.USCC, Kind: impression.Statutory, Picture: picture})
}

// Seal claims a statutory seal and gives it.
func (w *World) Seal() *cloudseal.Seal {
	w.T.Helper()
	app, err := w.Claim(nil)
	if err != nil {
		w.T.Fatal(err)
	}
	seal, err := w.Service.Seal(w.T.Context(), app.Code)
	if err != nil {
		w.T.Fatalf("application is %s: %v", app.State, err)
	}
	return seal
}

// Update runs a transaction on the main store.
func (w *World) Update(f func(tx unit.Tx) error) {
	w.T.Helper()
	if err := w.Work.Update(w.T.Context(), f); err != nil {
		w.T.Fatal(err)
	}
}

// Request is a stamp request up to its approval.
type Request struct {
	Ticket     string
	Batch      *cloudseal.Batch
	Evidence   keys.Evidence
	Slots      []int
	Delegation statement.Signed
}

// Upload takes a file in.
func (w *World) Upload(file []byte) *cloudseal.Document {
	w.T.Helper()
	d, err := w.Service.Upload(w.T.Context(), Tenant, "申报表.pdf", file, gm.SM3(file), unit.Kept[*cloudseal.Document]{})
	if err != nil {
		w.T.Fatal(err)
	}
	return d
}

// Prepare prepares documents with a seal at one place, for an hour.
func (w *World) Prepare(ticket string, seal *cloudseal.Seal, docs ...*cloudseal.Document) *cloudseal.Batch {
	w.T.Helper()
	var ps []cloudseal.Placement
	for _, d := range docs {
		ps = append(ps, cloudseal.Placement{Document: d.ID, Seal: seal.ID, Page: 1, X: 120, Y: 200})
	}
	b, err := w.TryPrepare(Tenant, ticket, w.Clock.Now().Add(time.Hour), ps)
	if err != nil {
		w.T.Fatal(err)
	}
	return b
}

// TryPrepare prepares a request and holds its documents, or is refused.
func (w *World) TryPrepare(tenant, hold string, until time.Time, ps []cloudseal.Placement) (*cloudseal.Batch, error) {
	b, err := w.Place(tenant, ps)
	if err != nil {
		return nil, err
	}
	return b, w.DB.Update(w.T.Context(), func(tx unit.Tx) error { return w.Service.Hold(tx, b, hold, until) })
}

// Place prepares a request and stores nothing.
func (w *World) Place(tenant string, ps []cloudseal.Placement) (*cloudseal.Batch, error) {
	var draft *cloudseal.Draft
	err := w.DB.View(w.T.Context(), func(tx unit.Tx) (err error) {
		draft, err = w.Service.Draft(tx, tenant, ps)
		return err
	})
	if err != nil {
		return nil, err
	}
	return w.Service.Prepare(w.T.Context(), draft)
}

// CheckDocuments holds what is stored for a request against the lines of its
// statement.
func (w *World) CheckDocuments(hold string, docs []statement.Doc) error {
	var frozen *cloudseal.Frozen
	err := w.DB.View(w.T.Context(), func(tx unit.Tx) error {
		b, err := w.Service.BatchOf(tx, hold)
		if err == nil {
			frozen, err = w.Service.Frozen(tx, b, docs)
		}
		return err
	})
	if err != nil {
		return err
	}
	return w.Service.CheckDocuments(w.T.Context(), Tenant, frozen)
}

// Ask prepares documents and has the agent approve them under a fresh
// delegation, with slots from 1.
func (w *World) Ask(ticket string, seal *cloudseal.Seal, docs ...*cloudseal.Document) *Request {
	w.T.Helper()
	w.Prepare(ticket, seal, docs...)
	return w.approved(ticket, seal, len(docs))
}

// approved has the agent approve what was prepared for a ticket.
func (w *World) approved(ticket string, seal *cloudseal.Seal, n int) *Request {
	w.T.Helper()
	r := &Request{Ticket: ticket}
	w.Update(func(tx unit.Tx) (err error) { r.Batch, err = w.Service.BatchOf(tx, ticket); return err })
	r.Delegation = Delegate(w.T, w.Legal, w.Agent.Person, []statement.Ref{seal.Ref()}, func(d *statement.Delegation) { d.ID, d.Max = "dg_"+ticket, max(d.Max, n) })
	ref := statement.Ref{ID: "dg_" + ticket, Hash: r.Delegation.Hash()}
	a := Approval(w.Agent, ticket, w.Clock.Now(), ref, r.Batch.Seals, r.Batch.Docs)
	r.Evidence = keys.Evidence{
		Kind: keys.KindScan, ApprovedAt: w.Clock.Now(), Approval: w.Agent.SignApproval(w.T, a), Manifest: Manifest(w.T, a),
		Enrolment: w.Agent.Enrolment, Representation: w.PKI.Represent(w.T, Org, w.Legal.Person),
		Delegation: r.Delegation, GrantorEnrolment: w.Legal.Enrolment,
	}
	for i := range n {
		r.Slots = append(r.Slots, i+1)
	}
	return r
}

// Order is what approving the request hands to BeginStamp.
func (r *Request) Order() cloudseal.Order {
	return cloudseal.Order{Tenant: Tenant, Ticket: r.Ticket, Hold: r.Ticket, Org: Org.USCC, Evidence: r.Evidence, Slots: r.Slots}
}

// Begin is the approving transaction.
func (w *World) Begin(r *Request) {
	w.T.Helper()
	w.Update(func(tx unit.Tx) error { return w.Service.BeginStamp(tx, r.Order()) })
}

// Stamped stamps a file with a new seal and gives the result.
func (w *World) Stamped(file []byte) []byte {
	w.T.Helper()
	d := w.Upload(file)
	w.Begin(w.Ask("tk_"+d.ID, w.Seal(), d))
	if err := w.Service.Stamp(w.T.Context(), "tk_"+d.ID); err != nil {
		w.T.Fatal(err)
	}
	return w.Result(d.ID)
}

// Result gives the bytes of a stamped document.
func (w *World) Result(id string) []byte {
	w.T.Helper()
	d, err := w.Service.Document(w.T.Context(), Tenant, id)
	if err != nil {
		w.T.Fatal(err)
	}
	b, err := w.Service.Result(w.T.Context(), d)
	if err != nil {
		w.T.Fatal(err)
	}
	return b
}

// Ending gives what the Outcome was told of a ticket.
func (w *World) Ending(ticket string) (e Ending) {
	w.T.Helper()
	err := w.Work.View(w.T.Context(), func(tx unit.Tx) error {
		row, err := w.Outcome.Table.Get(tx, ticket)
		if err == nil {
			e = *row
		}
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return e
}

// Verify verifies a file with the world's own trust.
func (w *World) Verify(file []byte) verify.Report {
	return verify.Document(file, w.Service.Trust(w.T.Context()))
}
