package cloudseal

import (
	"context"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
)

// Tables is where the entities live. Indexes they ask for:
//
//	Seals         owned unique; org+kind; marked; told
//	Applications  open unique; org; state
//	Certificates  seal
//	Events        seal+n unique
//	Documents     tenant
//	Preparations  hold+index unique
//	Increments    none
//	Intents       ticket+index; state+index; org+createdAt
//	Evidence      ticket unique
//	Counters      none
type Tables struct {
	Seals        unit.Table[Seal]
	Applications unit.Table[Application]
	Certificates unit.Table[Certificate]
	Events       unit.Table[Event]
	Documents    unit.Table[Document]
	Preparations unit.Table[Preparation]
	Increments   unit.Table[Increment]
	Intents      unit.Table[Intent]
	Evidence     unit.Table[Evidence]
	Counters     unit.Table[Counter]
}

// complete reports that no table was forgotten.
func (t Tables) complete() bool {
	return t.Seals != nil && t.Applications != nil && t.Certificates != nil && t.Events != nil && t.Documents != nil &&
		t.Preparations != nil && t.Increments != nil && t.Intents != nil && t.Evidence != nil && t.Counters != nil
}

// Holder is what is known of an organization that may hold seals.
type Holder struct {
	USCC, Name string
	Region     string           // GB/T 2260 division, six digits
	Active     bool             // neither ended nor frozen
	Agreement  bool             // its legal representative accepted the service agreement
	Legal      statement.Person // its legal representative; zero when none is known
}

// Holders answers about organizations, over authz. An organization that does
// not exist is fault.Absent.
type Holders interface {
	Holder(tx unit.Tx, uscc string) (Holder, error)
}

// Offices of the issuing body that an act may need.
const (
	OfficeClerk    = "clerk"    // 受理员
	OfficeReviewer = "reviewer" // (制发)审核员
)

// Acts hands over what people signed. Take gives the signed review statement
// with this id, whose signature was verified when it was made, and marks it as
// performed on object in the same transaction: an act is taken once, and a
// second time is fault.WrongState. office, when not empty, is one its signer
// must hold, else fault.RoleMissing.
type Acts interface {
	Take(tx unit.Tx, act, office, object string) (SignedAct, error)
}

// SignedAct is a review statement in both its forms.
type SignedAct struct {
	statement.Review
	Signed statement.Signed
}

// Filings is the seal filing: what impression of this kind the police approved
// for an organization. None is registry.ErrNotFiled; any other error is a
// filing that cannot be asked now.
type Filings interface {
	Impression(ctx context.Context, uscc, kind string) (registry.Filed, error)
}

// Similar says how well an uploaded picture shows the filed impression; from
// impression.Agreement on it counts as the same. An unusable picture is
// fault.ImpressionBad.
type Similar func(filed, uploaded []byte) (float64, error)

// Blobs keeps bytes that never change, under tenant and SM3. Put returns when
// they are durable; putting the same again is no error. Get gives exactly what
// was put, or unit.ErrAbsent when it is not there or no longer what was put.
// The caller gives the digest so that no byte is hashed twice.
type Blobs interface {
	Put(ctx context.Context, tenant string, digest gm.Digest, b []byte) error
	Get(ctx context.Context, tenant string, digest gm.Digest) ([]byte, error)
}

// Signer is keys.Signer as the issue and the stamp need it.
type Signer interface {
	Create(ctx context.Context, seal string, version int, org string) (gm.PublicKey, error)
	Certify(ctx context.Context, seal string, version int, certificate, sealDER []byte) error
	Sign(ctx context.Context, ev keys.Evidence, jobs []keys.Job) ([]keys.Signed, error)
	Refuse(ctx context.Context, ticket, reason string, documents ...string) (committed bool, err error)
}

// Stops is keys.Signer as the life of a seal needs it. When Stop returns nil,
// nothing more is signed with the seal. What is told with an older version than
// the signer knows has no effect: a Lift is nil all the same, a Stop behind a
// newer Lift fault.StateConflict.
type Stops interface {
	Stop(ctx context.Context, kind, id string, version int64) error
	Lift(ctx context.Context, kind, id string, version int64) error
}

// Key is one of the system's own keys: the maker's, the status key.
// *gm.PrivateKey is one.
type Key interface {
	Sign(message []byte) ([]byte, error)
	Public() gm.PublicKey
}

// Issuer gives a seal key its certificate; *ca.Issuer is one.
type Issuer interface {
	IssueSealCertificate(s ca.SealSubject, key gm.PublicKey, p ca.Period) ([]byte, error)
}

// Outcome is told how a stamp goes. The end is told in the transaction that
// records it, so that ticket, slots and whoever waits agree with the documents.
type Outcome interface {
	// Begin: the signer is asked now, so the ticket must not end by itself any
	// more. It is told in the transaction that takes the lease, and repeating
	// it is no error. A fault refuses the stamp: the ticket ended before.
	Begin(tx unit.Tx, ticket string) error
	// Done: every document of the ticket is stamped and stored.
	Done(tx unit.Tx, ticket string, stamped []Stamped) error
	// Failed: the ticket was refused for good under this fault code, and the
	// signer has a tombstone for it: no signature exists or can ever be made,
	// so its slots are free.
	Failed(tx unit.Tx, ticket, code string) error
}

// Trail writes audit records in the transaction of the act.
type Trail interface {
	Write(tx unit.Tx, r audit.Record) error
}
