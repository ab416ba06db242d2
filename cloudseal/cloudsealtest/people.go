package cloudsealtest

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// The organization and application of the worlds.
var (
	Org = statement.Org{USCC: "91330100799655058B", Name: "杭州示例科技有限公司"}
	App = statement.App{ID: "app_declare", Name: "社会保险网上申报系统"}
)

// Device is an enrolled device and its owner.
type Device struct {
	Person    statement.Person
	Key       *gm.PrivateKey
	Enrolment statement.Signed
}

// Hash names the device as statements do.
func (d Device) Hash() gm.Digest { return d.Key.Public().Hash() }

// Sign signs a statement with the device.
func (d Device) Sign(t testing.TB, b []byte) statement.Signed { return sign(t, d.Key, b) }

func sign(t testing.TB, key *gm.PrivateKey, b []byte) statement.Signed {
	t.Helper()
	sig, err := key.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	return statement.Signed{Bytes: b, Sig: sig}
}

// Bytes gives what a statement's Bytes gives, or ends the test.
func Bytes(t testing.TB, s interface{ Bytes() ([]byte, error) }) []byte {
	t.Helper()
	b, err := s.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Nonce makes a statement's nonce.
func Nonce() string { return base64.RawURLEncoding.EncodeToString(gm.Random(32)) }

// Enrol enrols a device for a person. edit, if any, changes the statement
// before the authority signs it.
func (p *PKI) Enrol(t testing.TB, who statement.Person, edit ...func(*statement.Enrolment)) Device {
	t.Helper()
	key := Key(t)
	e := statement.Enrolment{
		ID: "es_" + who.ID, Issuer: Host, Person: who, IDHash: gm.SM3([]byte(who.ID)), Tier: "S",
		Key: key.Public().SPKI(), RequestKey: Key(t).Public().SPKI(), Evidence: "sandbox 1", IssuedAt: Start.Add(-time.Hour),
	}
	for _, f := range edit {
		f(&e)
	}
	return Device{Person: who, Key: key, Enrolment: sign(t, p.AuthorityKey, Bytes(t, e))}
}

// Represent is the authority's word that a person represents an organization.
func (p *PKI) Represent(t testing.TB, org statement.Org, who statement.Person) statement.Signed {
	t.Helper()
	return sign(t, p.AuthorityKey, Bytes(t, statement.Representation{
		ID: "rp_" + who.ID, Issuer: Host, Org: org, Person: who, Source: "sandbox", CheckedAt: Start.Add(-time.Hour),
	}))
}

// Delegate is a delegation by grantor to agent for a year, ten uses. edit, if
// any, changes the statement before it is signed.
func Delegate(t testing.TB, grantor Device, agent statement.Person, seals []statement.Ref, edit ...func(*statement.Delegation)) statement.Signed {
	t.Helper()
	d := statement.Delegation{
		ID: "dg_" + agent.ID, Nonce: Nonce(), Issuer: Host, Org: Org, Grantor: grantor.Person, Device: grantor.Hash(), Agent: agent, App: App,
		Actions: []string{statement.Bind, statement.Login, statement.Stamp}, Seals: slices.Clone(seals),
		NotBefore: Start.Add(-time.Minute), NotAfter: Start.Add(365 * 24 * time.Hour), Max: 10, IssuedAt: Start.Add(-time.Minute),
	}
	for _, f := range edit {
		f(&d)
	}
	return grantor.Sign(t, Bytes(t, d))
}

// Approval is an approval to stamp by a device, open for five minutes from now.
// A zero delegation is the owner's own.
func Approval(by Device, ticket string, now time.Time, delegation statement.Ref, seals []statement.Ref, docs []statement.Doc) statement.Approval {
	issued := now.UTC().Truncate(time.Second)
	a := statement.Approval{
		Purpose: statement.Stamp, Decision: statement.Approve, Issuer: Host, Ticket: ticket, Nonce: Nonce(), App: App,
		Origin: "https://declare.example.cn", Principal: Org, Agent: by.Person, Device: by.Hash(), Delegation: delegation,
		Seals: seals, Docs: docs, DocsRoot: statement.DocsRoot(docs), Context: "203.0.113.0/24 Chrome",
		Display: gm.SM3([]byte("display")), IssuedAt: issued, ExpiresAt: issued.Add(5 * time.Minute),
	}
	if delegation != (statement.Ref{}) {
		a.Limits = &statement.Limits{UsesAfter: 9, Expires: Start.Add(365 * 24 * time.Hour).UTC()}
	}
	return a
}

// Manifest gives the manifest of an approval, nil when its lines stand in it.
func Manifest(t testing.TB, a statement.Approval) []byte {
	t.Helper()
	if !a.Listed() {
		return nil
	}
	b, err := a.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// SignApproval completes an approval with the number 417 and signs it.
func (d Device) SignApproval(t testing.TB, a statement.Approval) statement.Signed {
	t.Helper()
	head, err := a.Head()
	if err != nil {
		t.Fatal(err)
	}
	return d.Sign(t, statement.Complete(head, "417"))
}
