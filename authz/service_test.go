package authz_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

var (
	theApp   = statement.App{ID: "app_1", Name: "社保网报"}
	theSeals = []statement.Ref{{ID: "35010000000001", Hash: gm.SM3([]byte("seal"))}}
)

// company is a world with a legal representative and an approved agent, in which
// every unit of work runs twice.
func company(t *testing.T) (w *authztest.World, legal, agent *authztest.Actor) {
	t.Helper()
	w, legal, agent = founded(t)
	w.DB.Rehearse()
	return w, legal, agent
}

func founded(t *testing.T) (w *authztest.World, legal, agent *authztest.Actor) {
	t.Helper()
	w = authztest.NewWorld(t)
	legal, err := w.Found(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if agent, err = w.Enrol(t.Context(), authztest.Li); err != nil {
		t.Fatal(err)
	}
	if err := w.Approve(t.Context(), legal, agent); err != nil {
		t.Fatal(err)
	}
	return w, legal, agent
}

func grant(t *testing.T, w *authztest.World, legal, agent *authztest.Actor, limit int) string {
	t.Helper()
	id, err := w.Grant(t.Context(), legal, agent, theApp, theSeals, limit)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// decide asks whether the agent may stamp now.
func decide(t *testing.T, w *authztest.World, a *authztest.Actor, org string) error {
	t.Helper()
	ask := authz.Ask{Action: authz.Stamp, App: theApp.ID, Seals: theSeals}
	return w.DB.View(t.Context(), func(tx unit.Tx) error {
		f, err := w.Service.Facts(tx, a.Device.ID, org, "", ask)
		if err != nil {
			return err
		}
		return authz.Decide(f, ask, tx.Now())
	})
}

func want(t *testing.T, got error, code *fault.Error) {
	t.Helper()
	if !errors.Is(got, code) {
		t.Errorf("got %v, want %s", got, code.Code)
	}
}

func TestFromRegistrationToDelegation(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	want(t, decide(t, w, agent, legal.Org), fault.DelegationNone)
	grant(t, w, legal, agent, 3)
	if err := decide(t, w, agent, legal.Org); err != nil {
		t.Errorf("with a delegation: %v", err)
	}
	if err := decide(t, w, legal, legal.Org); err != nil {
		t.Errorf("the owner: %v", err)
	}
	if _, err := w.Audit.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	head, err := w.Audit.Verify(t.Context())
	if err != nil || head.Seq < 4 {
		t.Errorf("audit: %+v, %v", head, err)
	}
}

func TestRegistrationIsRefused(t *testing.T) {
	t.Parallel()
	w := authztest.NewWorld(t)
	z := authztest.Zhang
	_, err := w.Enrol(t.Context(), z)
	want(t, err, fault.NotLegalRep) // nobody registered that organization
	w.Registry.Put(registry.Organization{USCC: z.USCC, Name: authztest.OrgName, Legal: registry.Identity{Name: "王五", IDNumber: z.IDNumber}})
	_, err = w.Enrol(t.Context(), z)
	want(t, err, fault.NotLegalRep)
	w.Registry.SetDown(true)
	_, err = w.Enrol(t.Context(), z)
	want(t, err, fault.RegistrySilent)
	w.Registry.SetDown(false)

	bad := z
	bad.IDNumber = "110105194912310021"
	_, err = w.Enrol(t.Context(), bad)
	want(t, err, fault.IDNumberBad)
	bad = z
	bad.Name = "张\u202e三"
	_, err = w.Enrol(t.Context(), bad)
	want(t, err, fault.NameBad)

	_, err = w.Enrol(t.Context(), authztest.Li) // no legal representative to pass a code on
	want(t, err, fault.CodeWrong)

	if _, err := w.Found(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = w.Enrol(t.Context(), z)
	want(t, err, fault.PersonExists)
}

func TestAgentNeedsApproval(t *testing.T) {
	t.Parallel()
	w := authztest.NewWorld(t)
	legal, err := w.Found(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	agent, err := w.Enrol(t.Context(), authztest.Li)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Grant(t.Context(), legal, agent, theApp, theSeals, 1)
	want(t, err, fault.AgentNotAllowed)
	want(t, decide(t, w, agent, legal.Org), fault.AgentNotAllowed)
	_, err = w.Service.DraftAgentApproval(t.Context(), agent.Caller, authz.MembershipID(legal.Org, agent.Person.ID))
	want(t, err, fault.Absent) // he cannot approve himself, nor learn that there is something to approve
}

func TestGrantNeedsFreshEvidence(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	w.Clock.Add(time.Hour)
	_, err := w.Grant(t.Context(), legal, agent, theApp, theSeals, 1)
	want(t, err, fault.StepUpNeeded)
	begun, err := w.Service.BeginRealPerson(t.Context(), legal.Caller, "grant", "")
	if err != nil {
		t.Fatal(err)
	}
	want(t, w.Service.ProveAgain(t.Context(), agent.Caller, begun.ID), fault.Absent) // somebody else's face
	if err := w.Service.ProveAgain(t.Context(), legal.Caller, begun.ID); err != nil {
		t.Fatal(err)
	}
	grant(t, w, legal, agent, 1)
}

func TestMalformedGrants(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	now := w.Clock.Now()
	good := authz.Grant{Org: legal.Org, Agent: agent.Person.ID, App: theApp, Actions: []authz.Action{authz.Stamp}, Seals: theSeals,
		NotBefore: now, NotAfter: now.Add(time.Hour), Max: 1}
	rows := map[string]func(*authz.Grant){
		"no action":         func(g *authz.Grant) { g.Actions = nil },
		"an action twice":   func(g *authz.Grant) { g.Actions = []authz.Action{authz.Stamp, authz.Stamp} },
		"an unknown action": func(g *authz.Grant) { g.Actions = []authz.Action{"sell"} },
		"stamp, no seal":    func(g *authz.Grant) { g.Seals = nil },
		"seal, no stamp":    func(g *authz.Grant) { g.Actions = []authz.Action{authz.Login} },
		"no use":            func(g *authz.Grant) { g.Max = 0 },
		"too many uses":     func(g *authz.Grant) { g.Max = 1_000_001 },
		"ends first":        func(g *authz.Grant) { g.NotAfter = g.NotBefore },
		"over already":      func(g *authz.Grant) { g.NotBefore, g.NotAfter = now.Add(-time.Hour), now },
		"for ever":          func(g *authz.Grant) { g.NotAfter = now.Add(400 * 24 * time.Hour) },
	}
	for name, change := range rows {
		g := good
		change(&g)
		if _, err := w.Service.DraftGrant(t.Context(), legal.Caller, g); !errors.Is(err, fault.DelegationBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.Service.DraftGrant(t.Context(), agent.Caller, good)
	want(t, err, fault.NotLegalRep)
}

func TestRevocationReachesTheSignerBeforeItIsSaid(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindDelegation, id, "离职")
	if err != nil {
		t.Fatal(err)
	}
	w.Stops.Fail = errors.New("the signer is away")
	if _, err := w.Sign(t.Context(), legal, act); err == nil {
		t.Fatal("a revocation was acknowledged that the signer does not know")
	}
	want(t, decide(t, w, agent, legal.Org), fault.DelegationRevoked)
	w.Stops.Fail = nil
	if err := w.Service.Retell(t.Context()); err != nil || !w.Stops.Has("delegation", id) {
		t.Errorf("told at start: %v, %v", err, w.Stops.Stopped)
	}
	if _, err := w.Sign(t.Context(), legal, act); err != nil {
		t.Errorf("signed again: %v", err)
	}
}

func TestWithdrawalEndsDelegations(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	member := authz.MembershipID(legal.Org, agent.Person.ID)
	act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindAgent, member, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), legal, act); err != nil {
		t.Fatal(err)
	}
	want(t, decide(t, w, agent, legal.Org), fault.AgentNotAllowed)
	if !w.Stops.Has("delegation", id) || !w.Stops.Has("agent", authz.MemberStop(authztest.Zhang.USCC, agent.Person.ID)) {
		t.Errorf("the signer knows %v", w.Stops.Stopped)
	}
	if _, err := w.Service.JoinAsAgent(t.Context(), agent.Caller, authztest.Li.USCC, "000000"); err != nil {
		t.Fatal(err)
	}
	if err := w.Approve(t.Context(), legal, agent); err != nil {
		t.Fatal(err)
	}
	if w.Stops.Has("agent", authz.MemberStop(authztest.Zhang.USCC, agent.Person.ID)) || !w.Stops.Has("delegation", id) {
		t.Errorf("after a new approval the signer knows %v", w.Stops.Stopped)
	}
	want(t, decide(t, w, agent, legal.Org), fault.DelegationRevoked)
}

// However many delegations were revoked that would have ended sooner, the one in
// force is found; and all that a place holds end with it.
func TestADelegationBehindAThousandOthers(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	err := w.DB.Update(t.Context(), func(tx unit.Tx) error {
		d, err := w.Tables.Delegations.Get(tx, id)
		if err != nil {
			return err
		}
		d.State, d.NotAfter = authz.Ended, d.NotAfter.Add(-time.Hour)
		for n := range unit.DefaultLimit + 1 {
			d.Row = unit.Row{ID: fmt.Sprintf("dg_0%05d", n)} // before any other
			if err := w.Tables.Delegations.Insert(tx, d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := decide(t, w, agent, legal.Org); err != nil {
		t.Errorf("the one in force is not found: %v", err)
	}
	act, err := w.Service.DraftRevocation(t.Context(), legal.Caller, authz.KindAgent, authz.MembershipID(legal.Org, agent.Person.ID), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Sign(t.Context(), legal, act); err != nil {
		t.Fatal(err)
	}
	if !w.Stops.Has("delegation", id) {
		t.Error("the delegation outlives the place of its agent")
	}
}

func TestForeignThingsCannotBeRevokedOrFound(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	for kind, id := range map[string]string{
		authz.KindDelegation: id, authz.KindAgent: authz.MembershipID(legal.Org, agent.Person.ID), authz.KindDevice: legal.Device.ID,
	} {
		_, foreign := w.Service.DraftRevocation(t.Context(), agent.Caller, kind, id, "")
		_, absent := w.Service.DraftRevocation(t.Context(), agent.Caller, kind, "nothing", "")
		if fault.CodeOf(foreign) != "not-found" || fault.CodeOf(absent) != "not-found" {
			t.Errorf("%s: foreign %v, absent %v", kind, foreign, absent)
		}
	}
}

func TestNewLegalRepresentativeEndsTheOld(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	w.Clock.Add(25 * time.Hour)
	want(t, decide(t, w, agent, legal.Org), fault.RegistrySilent)
	if err := w.Service.Refresh(t.Context(), legal.Org); err != nil {
		t.Fatal(err)
	}
	if err := decide(t, w, agent, legal.Org); err != nil {
		t.Errorf("after asking again: %v", err)
	}
	wang := authztest.Applicant{Kind: authz.EnrolLegal, USCC: authztest.Zhang.USCC, Name: "王五", IDNumber: "110101198003074333", Phone: "13700137000"}
	w.Registry.Put(registry.Organization{USCC: wang.USCC, Name: authztest.OrgName, Legal: registry.Identity{Name: wang.Name, IDNumber: wang.IDNumber}})
	if _, err := w.Enrol(t.Context(), wang); err != nil {
		t.Fatal(err)
	}
	want(t, decide(t, w, agent, legal.Org), fault.DelegationRevoked)
	want(t, decide(t, w, legal, legal.Org), fault.NotLegalRep)
	if !w.Stops.Has("delegation", id) || !w.Stops.Has("legal", authz.MemberStop(wang.USCC, legal.Person.ID)) {
		t.Errorf("the signer knows %v", w.Stops.Stopped)
	}
}

func registryOf(a authztest.Applicant) registry.Organization {
	return registry.Organization{USCC: a.USCC, Name: authztest.OrgName, Legal: registry.Identity{Name: a.Name, IDNumber: a.IDNumber}}
}

// The registry may name somebody who is an agent already: he becomes the legal
// representative, and nothing is left without one.
func TestAgentBecomesLegalRepresentative(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	li := authztest.Li
	w.Registry.Put(registry.Organization{USCC: li.USCC, Name: authztest.OrgName, Legal: registry.Identity{Name: li.Name, IDNumber: li.IDNumber}})
	if _, err := w.Service.JoinAsLegal(t.Context(), agent.Caller, li.USCC); err != nil {
		t.Fatal(err)
	}
	if err := decide(t, w, agent, legal.Org); err != nil {
		t.Errorf("the new legal representative: %v", err)
	}
	want(t, decide(t, w, legal, legal.Org), fault.NotLegalRep)
	old, now := authz.MemberStop(li.USCC, legal.Person.ID), authz.MemberStop(li.USCC, agent.Person.ID)
	if !w.Stops.Has("legal", old) || w.Stops.Has("legal", now) || !w.Stops.Has("agent", now) || !w.Stops.Has("delegation", id) {
		t.Errorf("the signer knows %v", w.Stops.Stopped)
	}
}

// What ends while the signer is away reaches it later, all of it, and as it is
// by then.
func TestNothingToldToTheSignerIsLost(t *testing.T) {
	t.Parallel()
	w, legal, agent := company(t)
	id := grant(t, w, legal, agent, 3)
	w.Registry.Put(registry.Organization{USCC: authztest.Zhang.USCC, Name: authztest.OrgName, Legal: registry.Identity{Name: "王五", IDNumber: "110101198003074333"}})
	w.Stops.Fail = errors.New("the signer is away")
	if err := w.Service.Recheck(t.Context(), legal.Org); err == nil {
		t.Fatal("dethroned without the signer knowing")
	}
	w.Stops.Fail = nil
	if err := w.Service.Retell(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !w.Stops.Has("delegation", id) || !w.Stops.Has("legal", authz.MemberStop(authztest.Zhang.USCC, legal.Person.ID)) {
		t.Errorf("the signer knows %v", w.Stops.Stopped)
	}
}
