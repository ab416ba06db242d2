package app_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/mobileapi/client"
	"yunzhang.dev/qrflow"
)

// write changes the main database.
func (p *party) write(t *testing.T, do func(unit.Tx, *store.Main) error) {
	t.Helper()
	check(t, p.app.Write(t.Context(), do))
}

// delegation changes the row of the party's delegation.
func (p *party) delegated(t *testing.T, change func(*authz.Delegation)) {
	t.Helper()
	p.write(t, func(tx unit.Tx, m *store.Main) error {
		d, err := m.Authz.Delegations.Get(tx, p.delegation)
		if err != nil {
			return err
		}
		change(d)
		return m.Authz.Delegations.Replace(tx, d)
	})
}

// askAs opens a request of an account that the database says is bound for this
// person.
func (p *party) askAs(t *testing.T, phone *client.Phone, account string) (*drive.Request, string) {
	t.Helper()
	p.write(t, func(tx unit.Tx, m *store.Main) error {
		b := &binding.Binding{
			Row: unit.Row{ID: unit.NewID("bd")}, App: p.system.App, Account: account, USCC: uscc, Org: place(t, p).OrganizationID,
			Agent: phone.Person(), Seal: p.seal, State: authz.Active, Live: account, Since: tx.Now(),
		}
		return m.Binding.Bindings.Insert(tx, b)
	})
	d, err := p.system.Upload(t.Context(), "表.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	r, err := p.system.Ask(t.Context(), drive.StampAsk(account, uscc, d.ID, 1, 130, 200))
	check(t, err)
	t.Cleanup(r.Page.Close)
	return r, d.ID
}

// AT-094: whoever writes the database, with all of its keys but the signer's,
// gives himself powers. The service believes its rows; the signer believes what
// was signed and what it was told itself, refuses, and the alarm is raised where
// nothing but forgery explains it.
func TestAT094DatabaseGivesNoPower(t *testing.T) {
	t.Parallel()
	for name, forgery := range map[string]struct {
		do   func(t *testing.T, p *party, fellow *client.Phone)
		by   func(p *party, fellow *client.Phone) *client.Phone
		code string
		seen string
	}{
		"a delegation is inserted": {func(t *testing.T, p *party, fellow *client.Phone) {
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				d, err := m.Authz.Delegations.Get(tx, p.delegation)
				if err != nil {
					return err
				}
				made := *d
				made.Row, made.Agent = unit.Row{ID: unit.NewID("dg")}, fellow.Person()
				return m.Authz.Delegations.Insert(tx, &made)
			})
		}, theFellow, "signer-refused", "alarm"},
		"its agent is changed": {func(t *testing.T, p *party, fellow *client.Phone) {
			p.delegated(t, func(d *authz.Delegation) { d.Agent = fellow.Person() })
		}, theFellow, "delegation-scope", "alarm"},
		"its limit is raised": {func(t *testing.T, p *party, _ *client.Phone) {
			r, _ := p.askAs(t, p.agent, "first")
			check(t, drive.Confirm(t.Context(), p.agent, r))
			_, err := p.system.Fetch(t.Context(), r)
			check(t, err)
			p.delegated(t, func(d *authz.Delegation) { d.Max = 1000 })
		}, theAgent, "delegation-limit", "alarm"},
		"it is prolonged": {func(t *testing.T, p *party, _ *client.Phone) {
			p.delegated(t, func(d *authz.Delegation) { d.NotAfter = d.NotAfter.Add(1000 * time.Hour) })
			p.clock.Add(31 * 24 * time.Hour)
			p.system.Now = p.clock.Now
		}, theAgent, "delegation-expired", "refused"},
		"its revocation is taken back": {func(t *testing.T, p *party, _ *client.Phone) {
			p.revoke(t, statement.OfDelegation, p.delegation)
			p.delegated(t, func(d *authz.Delegation) { d.State, d.Revoked = authz.Active, "" })
		}, theAgent, "delegation-revoked", "refused"},
		"a cooling is ended": {func(t *testing.T, p *party, _ *client.Phone) {
			p.agent = p.further(t)
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				d, err := m.Authz.Devices.Get(tx, p.agent.Device())
				if err != nil {
					return err
				}
				d.CoolUntil = time.Time{}
				return m.Authz.Devices.Replace(tx, d)
			})
		}, theAgent, "device-cooling", "alarm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clock := &movable{}
			p := newParty(t, 1, app.Options{Now: clock.Now})
			p.clock = clock
			fellow := p.others(t)["a colleague"]
			forgery.do(t, p, fellow)
			phone := forgery.by(p, fellow)
			r, doc := p.askAs(t, phone, "forger")
			check(t, drive.Confirm(t.Context(), phone, r))
			p.failed(t, r, forgery.code)
			p.neverStamped(t, doc)
			p.seen(t, r.Ticket, "document.refused "+forgery.seen+" "+forgery.code)
		})
	}
}

// further enrols another phone of the agent, which cools.
func (p *party) further(t *testing.T) *client.Phone {
	t.Helper()
	phone, err := p.Phone("further")
	check(t, err)
	who := drive.Agent()
	e, err := phone.BeginEnrol(t.Context(), client.Applicant{
		Kind: "device", Name: who.Name, IDNumber: who.IDNumber, Phone: who.Phone, DeviceName: "新手机",
	})
	check(t, err)
	_, err = e.Finish(t.Context(), client.Codes{Phone: p.Code(who.Phone, string(notify.PhoneCode)), PIN: drive.PIN})
	check(t, err)
	return phone
}

func theFellow(_ *party, fellow *client.Phone) *client.Phone { return fellow }
func theAgent(p *party, _ *client.Phone) *client.Phone       { return p.agent }

// neverStamped: the document has no stamp and none is given out.
func (p *party) neverStamped(t *testing.T, doc string) {
	t.Helper()
	d, err := p.system.Document(t.Context(), doc)
	check(t, err)
	if _, err := p.system.Stamped(t.Context(), doc); err == nil || d.State == "stamped" {
		t.Errorf("the document is %s", d.State)
	}
}

// AT-095: a whole approval is put into the database, with every row that a real
// one leaves, for a request that was shown to the agent and not approved. The
// signer finds no signature of his device; also not when the device's own row
// has the forger's key.
func TestAT095InventedApproval(t *testing.T) {
	t.Parallel()
	for name, forgery := range map[string]struct {
		ownKey bool // the forger puts his key in the place of the device's
		code   string
	}{
		"signed by another key": {false, "signature"}, "with the device's key exchanged": {true, "device-unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newParty(t, 5, app.Options{})
			r, doc := p.ask(t, p.system, "invented")
			scan, err := drive.Claim(t.Context(), p.agent, r)
			check(t, err)
			number, err := r.Page.Number(t.Context())
			check(t, err)
			key, err := gm.GenerateKey()
			check(t, err)
			head := scan.Head()
			if forgery.ownKey {
				a := scan.Statement
				a.Device = key.Public().Hash()
				head, err = a.Head()
				check(t, err)
			}
			signed := statement.Signed{Bytes: statement.Complete(head, number)}
			signed.Sig, err = key.Sign(signed.Bytes)
			check(t, err)
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				return p.invent(tx, m, r.Ticket, key, signed, forgery.ownKey)
			})
			check(t, p.app.Recover(t.Context()))
			p.failed(t, r, forgery.code)
			p.neverStamped(t, doc)
			p.seen(t, r.Ticket, "document.refused alarm "+forgery.code)
		})
	}
}

// invent writes the rows of an approval.
func (p *party) invent(tx unit.Tx, m *store.Main, ticket string, key *gm.PrivateKey, signed statement.Signed, ownKey bool) error {
	k, err := m.Tickets.Get(tx, ticket)
	if err != nil {
		return err
	}
	device, err := m.Authz.Devices.Get(tx, k.Device)
	if err != nil {
		return err
	}
	if ownKey {
		device.Key, device.KeyHash = key.Public().SPKI(), key.Public().Hash().Hex()
		if err := m.Authz.Devices.Replace(tx, device); err != nil {
			return err
		}
	}
	ev, err := p.inventEvidence(tx, m, device, signed)
	if err != nil {
		return err
	}
	if err := m.Seals.Evidence.Insert(tx, &cloudseal.Evidence{Row: unit.Row{ID: signed.Hash().Hex()}, Ticket: ticket, Evidence: ev}); err != nil {
		return err
	}
	if err := p.inventIntents(tx, m, k); err != nil {
		return err
	}
	k.State, k.Statement, k.Due = qrflow.Approved, signed.Hash(), false
	if err := m.Tickets.Replace(tx, k); err != nil {
		return err
	}
	return m.Approvals.Insert(tx, &qrflow.Approval{
		Row: unit.Row{ID: ticket}, Ticket: ticket, Purpose: k.Purpose, Nonce: k.Nonce, StatementHash: signed.Hash(),
		Statement: signed.Bytes, Sig: signed.Sig, Person: k.Person, Device: k.Device, KeyHash: k.KeyHash, At: tx.Now(),
	})
}

// inventEvidence collects what the database has: all of it is genuine but the
// approval.
func (p *party) inventEvidence(tx unit.Tx, m *store.Main, device *authz.Device, signed statement.Signed) (keys.Evidence, error) {
	ev := keys.Evidence{Kind: keys.KindScan, ApprovedAt: tx.Now(), Approval: signed, Enrolment: device.Enrolment}
	d, err := m.Authz.Delegations.Get(tx, p.delegation)
	if err != nil {
		return ev, err
	}
	grantor, err := m.Authz.Devices.Get(tx, d.Device)
	if err != nil {
		return ev, err
	}
	org, err := m.Authz.Organizations.Get(tx, d.Org)
	if err != nil {
		return ev, err
	}
	ev.Delegation, ev.GrantorEnrolment, ev.Representation = d.Statement, grantor.Enrolment, org.Representation
	return ev, nil
}

func (p *party) inventIntents(tx unit.Tx, m *store.Main, k *qrflow.Ticket) error {
	var payload struct {
		Hold string `json:"hold"`
	}
	if err := json.Unmarshal(k.Payload, &payload); err != nil {
		return err
	}
	made, err := m.Seals.Preparations.Find(tx, unit.Query{Index: "hold+index", Key: []any{payload.Hold}})
	if err != nil {
		return err
	}
	d, err := m.Authz.Delegations.Get(tx, p.delegation)
	if err != nil {
		return err
	}
	for i, one := range made {
		in := &cloudseal.Intent{
			Row: unit.Row{ID: cloudseal.IntentID(k.ID, one.Document)}, Ticket: k.ID, Index: i + 1, Tenant: k.Tenant, Org: uscc,
			Document: one.Document, Preparation: one.ID, Seal: one.Seal.ID, Slot: d.Next, State: cloudseal.OpenIntent, CreatedAt: tx.Now(),
		}
		slot := &authz.Slot{Row: unit.Row{ID: authz.SlotID(d.ID, d.Next)}, Delegation: d.ID, N: d.Next, Ticket: k.ID}
		if err := errors.Join(m.Seals.Intents.Insert(tx, in), m.Authz.Slots.Insert(tx, slot)); err != nil {
			return err
		}
		d.Next++
	}
	return m.Authz.Delegations.Replace(tx, d)
}
