package app_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/qrflow"
)

// breach makes an approval fail exactly one check of protocol.md §2.7, and mends
// it again.
type breach struct {
	code     string
	do, undo func()
}

// toggled changes one row of the database and puts it back.
func toggled[T any](p *party, t *testing.T, code string, table func(*store.Main) unit.Table[T], id string, change func(*T)) breach {
	var was T
	turn := func(set func(*T)) func() {
		return func() {
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				row, err := table(m).Get(tx, id)
				if err != nil {
					return err
				}
				set(row)
				return table(m).Replace(tx, row)
			})
		}
	}
	// What is put back is the version that is there then, with the old content.
	return breach{code,
		turn(func(row *T) { was = *row; change(row) }),
		turn(func(row *T) {
			now := unit.Row{}
			if e, ok := any(row).(unit.Entity); ok {
				now = *e.Head()
			}
			*row = was
			if e, ok := any(row).(unit.Entity); ok {
				*e.Head() = now
			}
		})}
}

// AT-038, checks 10 to 20: each fails with its code, and of two that fail the
// earlier one answers. (5 to 9 are in qrflowtest, 1 to 4 in mobileapi; 19, a
// second approval, is a statement of its own.)
func TestAT038OrderOfTheLaterChecks(t *testing.T) {
	t.Parallel()
	o, dir := app.Options{World: drive.World()}, t.TempDir()
	base, c, a := startWith(t, dir, o, func(c *config.Config) {
		c.Risk.StampStepUp, c.Lifetimes.Evidence = 1, config.Duration(time.Hour)
	})
	p := gather(t, dir, 5, base, c, a)
	phone, key := p.twoKeyed(t, "two-keyed")
	var r *drive.Request
	path := p.addedBy(t, func() { r, _ = p.ask(t, p.system, "order") })
	scan, err := drive.Claim(t.Context(), phone, r)
	check(t, err)
	check(t, drive.FreshFor(t.Context(), phone, scan))
	check(t, phone.Look(t.Context(), scan))
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := phone.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	all := p.breaches(t, r, key, path, phone.Device(), scan.ID)
	checks := slices.Sorted(maps.Keys(all))
	approve := func() error { _, err := u.Approve(t.Context(), scan, number); return err }
	for i, first := range checks {
		for _, second := range checks[i:] {
			all[second].do()
			if first != second {
				all[first].do()
			}
			if err := approve(); drive.Code(err) != all[first].code {
				t.Errorf("checks %d and %d fail: %v, want %s", first, second, err, all[first].code)
			}
			if first != second {
				all[first].undo()
			}
			all[second].undo()
		}
	}
	check(t, approve()) // everything is mended: it was these and nothing else
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// breaches by check. The rows are changed behind everybody's back: the domains
// would let nobody do one thing at a time.
func (p *party) breaches(t *testing.T, r *drive.Request, key *badKey, path, device, claim string) map[int]breach {
	t.Helper()
	good := p.sealed(t, path)
	spoil := func(b []byte) func() { return func() { p.putBack(t, path, b) } }
	bad := slices.Clone(good)
	bad[len(bad)/2] ^= 1
	people := func(m *store.Main) unit.Table[authz.Person] { return m.Authz.People }
	devices := func(m *store.Main) unit.Table[authz.Device] { return m.Authz.Devices }
	org := place(t, p).OrganizationID
	return map[int]breach{
		10: {"signature-hw",
			func() { key.assert = func([]byte) ([]byte, error) { return []byte(`{"id":"x"}`), nil } },
			func() { key.assert = nil }},
		11: toggled(p, t, "step-up", func(m *store.Main) unit.Table[authz.Presence] { return m.Authz.Presences }, claim,
			func(row *authz.Presence) { row.Person = "us_another" }),
		12: toggled(p, t, "tier", devices, device, func(row *authz.Device) { row.Tier = "X" }),
		13: toggled(p, t, "subject", people, p.agent.Person(), func(row *authz.Person) { row.State = authz.Frozen }),
		14: toggled(p, t, "delegation", func(m *store.Main) unit.Table[authz.Delegation] { return m.Authz.Delegations }, p.delegation,
			func(row *authz.Delegation) {
				row.Statement.Sig = slices.Clone(row.Statement.Sig)
				row.Statement.Sig[len(row.Statement.Sig)-1] ^= 1
			}),
		15: toggled(p, t, "principal", func(m *store.Main) unit.Table[authz.Organization] { return m.Authz.Organizations }, org,
			func(row *authz.Organization) { row.State = authz.Frozen }),
		16: p.sealBreach(t),
		17: {"app", func() { p.stopped(t, authz.Frozen) }, func() { p.stopped(t, authz.Active) }},
		18: {"document-changed", spoil(bad), spoil(good)},
		20: {"conflict", func() { p.usedNonce(t, r.Ticket, true) }, func() { p.usedNonce(t, r.Ticket, false) }},
	}
}

func (p *party) sealBreach(t *testing.T) breach {
	turn := func(s status.State) func() {
		return func() {
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				seal, err := m.Seals.Seals.Get(tx, p.seal)
				if err != nil {
					return err
				}
				seal.State = s
				return m.Seals.Seals.Replace(tx, seal)
			})
		}
	}
	return breach{"seal-frozen", turn(status.Frozen), turn(status.Usable)}
}

func (p *party) stopped(t *testing.T, s authz.State) {
	p.write(t, func(tx unit.Tx, m *store.Main) error {
		app, err := m.Binding.Apps.Get(tx, p.system.App)
		if err != nil {
			return err
		}
		app.State = s
		return m.Binding.Apps.Replace(tx, app)
	})
}

// usedNonce has another approval use the ticket's nonce, or no longer.
func (p *party) usedNonce(t *testing.T, ticket string, used bool) {
	p.write(t, func(tx unit.Tx, m *store.Main) error {
		row, err := m.Tickets.Get(tx, ticket)
		if err != nil {
			return err
		}
		nonce := "another " + ticket
		if used {
			nonce = row.Nonce
		}
		old, err := m.Approvals.Get(tx, "tk_other")
		if errors.Is(err, unit.ErrAbsent) {
			return m.Approvals.Insert(tx, &qrflow.Approval{
				Row: unit.Row{ID: "tk_other"}, Ticket: "tk_other", Nonce: nonce, StatementHash: gm.SM3([]byte("other")),
			})
		}
		if err != nil {
			return err
		}
		old.Nonce = nonce
		return m.Approvals.Replace(tx, old)
	})
}
