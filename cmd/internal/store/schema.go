package store

import (
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/onetime"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/qrflow"
)

// Answer is a remembered answer of an idempotent request; its id names client,
// route and key.
type Answer struct {
	unit.Row    `bson:",inline"`
	Fingerprint gm.Digest `bson:"fingerprint"`
	Status      int       `bson:"status"` // 0 while the first is running
	Type        string    `bson:"type"`
	Body        []byte    `bson:"body" enc:"statement"`
	// Until is when a claim without an answer is given up: whoever made it died.
	Until   time.Time `bson:"until"`
	Expires time.Time `bson:"expires"`
}

// Spent is a used nonce of a server-to-server signature.
type Spent struct {
	unit.Row `bson:",inline"`
	Expires  time.Time `bson:"expires"`
}

// Window counts events of a kind by one key, such as wrong numbers of a device,
// for all nodes together. Its id is the key.
type Window struct {
	unit.Row `bson:",inline"`
	Until    time.Time `bson:"until"`
	Events   int       `bson:"events"`
}

// Main is the main database: every collection of every domain, declared.
type Main struct {
	*DB
	Work      *Work
	Authz     authz.Tables
	Codes     unit.Table[onetime.Code]
	Tallies   unit.Table[onetime.Tally]
	Audit     unit.Table[audit.Record]
	Seals     cloudseal.Tables
	Tickets   unit.Table[qrflow.Ticket]
	Standings qrflow.Standings
	Events    unit.Table[qrflow.Event]
	Approvals unit.Table[qrflow.Approval]
	Binding   binding.Tables
	Answers   unit.Table[Answer]
	Spent     unit.Table[Spent]
	Windows   unit.Table[Window]
	leases    unit.Table[Lease]
	marks     unit.Table[Mark]
}

// NewMain declares the main database.
func NewMain(db *DB) *Main {
	m := &Main{
		DB: db, Work: NewWork(db.engine), Authz: declareAuthz(db), Seals: declareSeals(db),
		Codes:   Declare[onetime.Code](db, "codes", Index("expires")),
		Tallies: Declare[onetime.Tally](db, "tallies", Index("since")),
		Audit: Declare[audit.Record](db, "audit", Index("chained", "at").Only("chained", false),
			Unique("chain", "seq").Only("chained", true), Index("actor", "at"), Index("decision", "at").Only("decision", audit.Alarm)),
		Tickets: Declare[qrflow.Ticket](db, "tickets", Unique("handleHash"), Unique("slot"),
			Index("due", "deadline"), Index("app", "live")),
		Events:    DeclareOutbox[qrflow.Event](db, "events", Unique("ticket", "seq")),
		Approvals: Declare[qrflow.Approval](db, "approvals", Unique("statementHash"), Unique("nonce")),
		Binding: binding.Tables{
			Apps:    Declare[binding.App](db, "apps", Index("state", "name"), Index("untold")),
			AppKeys: Declare[binding.AppKey](db, "appKeys", Index("app")),
			Bindings: Declare[binding.Binding](db, "bindings", Unique("app", "live").WhenPresent("live"),
				Index("ticket"), Index("app", "agent", "state")),
			Seconds: Declare[binding.Second](db, "seconds", Index("org", "state")),
			Pages:   Declare[binding.Page](db, "pages", Index("expires")),
			Notices: Declare[binding.Notice](db, "notices", Index("sent", "due"), Index("expires")),
		},
		Answers: Declare[Answer](db, "idempotency", Index("expires")),
		Spent:   Declare[Spent](db, "spent", Index("expires")),
		Windows: Declare[Window](db, "windows", Index("until")),
		leases:  Declare[Lease](db, "leases"),
		marks:   Declare[Mark](db, "marks"),
	}
	m.Standings = Glance[qrflow.Standing](db, "tickets")
	return m
}

func declareAuthz(db *DB) authz.Tables {
	return authz.Tables{
		People:        Declare[authz.Person](db, "people", Unique("idHash"), Index("phoneHash")),
		Organizations: Declare[authz.Organization](db, "orgs", Unique("uscc")),
		Memberships:   Declare[authz.Membership](db, "memberships", Index("org"), Index("person")),
		Devices:       Declare[authz.Device](db, "devices", Unique("keyHash"), Index("person")),
		Delegations: Declare[authz.Delegation](db, "delegations",
			Index("agent", "org", "app", "notAfter"), Index("org")),
		Slots:       Declare[authz.Slot](db, "slots", Unique("delegation", "n")),
		Operators:   Declare[authz.Operator](db, "operators", Index("state")),
		Enrolments:  Declare[authz.Enrolment](db, "enrolments", Index("expires")),
		Acts:        Declare[authz.Act](db, "acts"),
		Nonces:      Declare[authz.Nonce](db, "nonces", Index("expires")),
		Invitations: Declare[authz.Invitation](db, "invitations", Index("expires")),
		Presences:   Declare[authz.Presence](db, "presences", Index("expires")),
		Tells:       Declare[authz.Tell](db, "tells", Index("done", "at")),
	}
}

func declareSeals(db *DB) cloudseal.Tables {
	return cloudseal.Tables{
		Seals:        Declare[cloudseal.Seal](db, "seals", Unique("owned"), Index("org", "kind"), Index("marked"), Index("told")),
		Applications: Declare[cloudseal.Application](db, "applications", Unique("open"), Index("org"), Index("state")),
		Certificates: Declare[cloudseal.Certificate](db, "certs", Index("seal")),
		Events:       Declare[cloudseal.Event](db, "sealEvents", Unique("seal", "n")),
		Documents:    Declare[cloudseal.Document](db, "documents", Index("tenant")),
		Preparations: Declare[cloudseal.Preparation](db, "preparations", Unique("hold", "index")),
		Increments:   Declare[cloudseal.Increment](db, "increments"),
		Intents:      Declare[cloudseal.Intent](db, "intents", Index("ticket", "index"), Index("state", "index"), Index("org", "createdAt")),
		Evidence:     Declare[cloudseal.Evidence](db, "evidence", Unique("ticket")),
		Counters:     Declare[cloudseal.Counter](db, "counters"),
	}
}

// Journal is the signer's own database.
type Journal struct {
	*DB
	Work  *Work
	Keys  keys.Tables
	marks unit.Table[Mark]
}

// NewJournal declares the signer's database.
func NewJournal(db *DB) *Journal {
	return &Journal{DB: db, Work: NewWork(db.engine), Keys: keys.Tables{
		Keys:      Declare[keys.Key](db, "keys", Unique("seal", "version")),
		Journal:   Declare[keys.Entry](db, "journal", Unique("use"), Index("ticket", "index"), Index("state", "ticket")),
		Texts:     Declare[keys.Text](db, "texts"),
		Approvals: Declare[keys.Approval](db, "approvals", Unique("nonce"), Unique("approval")),
		Stops:     Declare[keys.Stop](db, "stops"),
	}, marks: Declare[Mark](db, "marks")}
}
