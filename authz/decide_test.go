package authz_test

import (
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

var decideNow = time.Date(2026, 11, 23, 2, 0, 0, 0, time.UTC)

func sealRef(code, version string) statement.Ref {
	return statement.Ref{ID: code, Hash: gm.SM3([]byte(version))}
}

// permitted is a set of facts and an ask that Decide accepts; every row of the
// table changes one thing in it.
func permitted() (authz.Facts, authz.Ask) {
	seal := sealRef("37030000001721", "v1")
	f := authz.Facts{
		Person:     authz.Person{Row: unit.Row{ID: "us_agent"}, State: authz.Active},
		Device:     authz.Device{Row: unit.Row{ID: "dv_1"}, Person: "us_agent", Tier: authz.TierW, State: authz.Active},
		Org:        authz.Organization{Row: unit.Row{ID: "og_1"}, State: authz.Active, Legal: "us_legal", CheckedAt: decideNow.Add(-time.Hour)},
		Membership: &authz.Membership{Org: "og_1", Person: "us_agent", Role: authz.Agent, State: authz.Active},
		Legal:      &authz.Membership{Org: "og_1", Person: "us_legal", Role: authz.Legal, State: authz.Active},
		Delegation: &authz.Delegation{
			Row: unit.Row{ID: "dg_1"}, Org: "og_1", Agent: "us_agent", App: "app_1", Grantor: "us_legal",
			Actions: []authz.Action{authz.Login, authz.Stamp}, Seals: []statement.Ref{seal},
			NotBefore: decideNow.Add(-time.Hour), NotAfter: decideNow.Add(time.Hour), Max: 2, Next: 1, State: authz.Active,
		},
		Policy: authz.DefaultPolicy(),
	}
	return f, authz.Ask{Action: authz.Stamp, App: "app_1", Seals: []statement.Ref{seal}, Person: "us_agent"}
}

func TestAT036Refusals(t *testing.T) {
	t.Parallel()
	type change func(*authz.Facts, *authz.Ask)
	asOwner := func(f *authz.Facts) {
		f.Person.ID, f.Device.Person = "us_legal", "us_legal"
		f.Membership, f.Delegation = f.Legal, nil
	}
	rows := []struct {
		name   string
		change change
		want   error
	}{
		{"as it is", func(*authz.Facts, *authz.Ask) {}, nil},
		{"nobody in particular expected", func(_ *authz.Facts, a *authz.Ask) { a.Person = "" }, nil},
		{"the last use", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.Next = 2 }, nil},
		{"a use that was given back", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.Next, f.Delegation.Free = 3, []int{1} }, nil},
		{"a batch that just fits", func(_ *authz.Facts, a *authz.Ask) { a.Uses = 2 }, nil},
		{"log-in when used up", func(f *authz.Facts, a *authz.Ask) { f.Delegation.Next, a.Action, a.Seals = 3, authz.Login, nil }, nil},
		{"log-in while cooling", func(f *authz.Facts, a *authz.Ask) {
			f.Device.CoolUntil, a.Action, a.Seals = decideNow.Add(time.Hour), authz.Login, nil
		}, nil},
		{"cooled to the second", func(f *authz.Facts, _ *authz.Ask) { f.Device.CoolUntil = decideNow }, nil},
		{"window begins now", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.NotBefore = decideNow }, nil},
		{"the owner needs no delegation", func(f *authz.Facts, a *authz.Ask) { asOwner(f); a.Person = "" }, nil},
		{"second signature given", func(f *authz.Facts, a *authz.Ask) { f.Device.Passkey.Credential, a.SecondGiven = "c", true }, nil},

		{"device revoked", func(f *authz.Facts, _ *authz.Ask) { f.Device.State = authz.Revoked }, fault.DeviceRevoked},
		{"device of somebody else", func(f *authz.Facts, _ *authz.Ask) { f.Device.Person = "us_other" }, fault.DeviceRevoked},
		{"device cooling", func(f *authz.Facts, _ *authz.Ask) { f.Device.CoolUntil = decideNow.Add(time.Second) }, fault.DeviceCooling},
		{"tier not admitted", func(f *authz.Facts, _ *authz.Ask) { f.Device.Tier = authz.TierS }, fault.Tier},
		{"second signature missing", func(f *authz.Facts, _ *authz.Ask) { f.Device.Passkey.Credential = "c" }, fault.SignatureHW},
		{"person frozen", func(f *authz.Facts, _ *authz.Ask) { f.Person.State = authz.Frozen }, fault.Subject},
		{"another subject expected", func(_ *authz.Facts, a *authz.Ask) { a.Person = "us_other" }, fault.Subject},
		{"no member", func(f *authz.Facts, _ *authz.Ask) { f.Membership = nil }, fault.Subject},
		{"agent not approved", func(f *authz.Facts, _ *authz.Ask) { f.Membership.State = authz.Pending }, fault.AgentNotAllowed},
		{"agent withdrawn", func(f *authz.Facts, _ *authz.Ask) { f.Membership.State = authz.Revoked }, fault.AgentNotAllowed},
		{"no longer legal representative", func(f *authz.Facts, a *authz.Ask) { asOwner(f); a.Person = ""; f.Org.Legal = "us_new" }, fault.NotLegalRep},
		{"former legal representative", func(f *authz.Facts, a *authz.Ask) { asOwner(f); a.Person = ""; f.Membership.State = authz.Ended }, fault.NotLegalRep},
		{"no delegation", func(f *authz.Facts, _ *authz.Ask) { f.Delegation = nil }, fault.DelegationNone},
		{"delegation of another organization", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.Org = "og_2" }, fault.DelegationNone},
		{"delegation of another agent", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.Agent = "us_other" }, fault.DelegationNone},
		{"delegation revoked", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.State = authz.Revoked }, fault.DelegationRevoked},
		{"another application", func(_ *authz.Facts, a *authz.Ask) { a.App = "app_2" }, fault.DelegationScope},
		{"another action", func(_ *authz.Facts, a *authz.Ask) { a.Action = authz.Bind }, fault.DelegationScope},
		{"another seal", func(_ *authz.Facts, a *authz.Ask) { a.Seals = []statement.Ref{sealRef("37030000001722", "v1")} }, fault.DelegationScope},
		{"another version of the seal", func(_ *authz.Facts, a *authz.Ask) { a.Seals = []statement.Ref{sealRef("37030000001721", "v2")} }, fault.DelegationScope},
		{"before its window", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.NotBefore = decideNow.Add(time.Second) }, fault.DelegationExpired},
		{"window ends now", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.NotAfter = decideNow }, fault.DelegationExpired},
		{"used up", func(f *authz.Facts, _ *authz.Ask) { f.Delegation.Next = 3 }, fault.DelegationLimit},
		{"a batch too large", func(_ *authz.Facts, a *authz.Ask) { a.Uses = 3 }, fault.DelegationLimit},
		{"organization frozen", func(f *authz.Facts, _ *authz.Ask) { f.Org.State = authz.Frozen }, fault.OrgInactive},
		{"nobody represents it", func(f *authz.Facts, _ *authz.Ask) { f.Legal = nil }, fault.OrgInactive},
		{"grantor no longer represents it", func(f *authz.Facts, _ *authz.Ask) {
			f.Org.Legal = "us_new"
			f.Legal = &authz.Membership{Org: "og_1", Person: "us_new", Role: authz.Legal, State: authz.Active}
		}, fault.DelegationRevoked},
		{"registry asked too long ago", func(f *authz.Facts, _ *authz.Ask) { f.Org.CheckedAt = decideNow.Add(-25 * time.Hour) }, fault.RegistrySilent},

		{"two reasons: the earlier check speaks", func(f *authz.Facts, _ *authz.Ask) {
			f.Device.State, f.Delegation.State = authz.Revoked, authz.Revoked
		}, fault.DeviceRevoked},
		{"delegation before organization", func(f *authz.Facts, _ *authz.Ask) {
			f.Org.State, f.Delegation.State = authz.Frozen, authz.Revoked
		}, fault.DelegationRevoked},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f, a := permitted()
			row.change(&f, &a)
			if got := authz.Decide(f, a, decideNow); fault.CodeOf(got) != fault.CodeOf(row.want) {
				t.Errorf("Decide: %v, want %v", got, row.want)
			}
		})
	}
}

func BenchmarkDecide(b *testing.B) {
	f, a := permitted()
	for b.Loop() {
		if err := authz.Decide(f, a, decideNow); err != nil {
			b.Fatal(err)
		}
	}
}
