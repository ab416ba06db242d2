package app_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// halt holds the stamp at a named point until it is released.
type halt struct {
	point         string
	reached, open chan struct{}
	once, freed   sync.Once
}

func stopAt(point string) *halt {
	return &halt{point: point, reached: make(chan struct{}), open: make(chan struct{})}
}

func (h *halt) checkpoint(name string) {
	if name == h.point {
		h.once.Do(func() { close(h.reached) })
		<-h.open
	}
}

func (h *halt) release() { h.freed.Do(func() { close(h.open) }) }

func (h *halt) wait(t *testing.T) {
	t.Helper()
	deadline, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case <-h.reached:
	case <-deadline.Done():
		t.Fatal("the stamp never came to ", h.point)
	}
}

// failed: the page is told that there will be no stamp, and why.
func (p *party) failed(t *testing.T, r *drive.Request, code string) {
	t.Helper()
	if _, err := p.system.Fetch(t.Context(), r); err == nil {
		t.Error("there is a result")
	}
	st, err := p.system.Status(t.Context(), r.Ticket)
	check(t, err)
	if st.State != "failed" || st.Reason != code {
		t.Errorf("the ticket is %s for %q, want failed for %s", st.State, st.Reason, code)
	}
}

func (p *party) revoke(t *testing.T, kind, id string) {
	t.Helper()
	d, err := p.legal.DraftRevocation(t.Context(), kind, id, "不再需要")
	_, err = drive.Sign(t.Context(), p.legal, d, err)
	check(t, err)
}

// ends are the ways in which a legal representative takes a power back.
func (p *party) ends(t *testing.T) map[string]func() {
	t.Helper()
	return map[string]func(){
		"delegation": func() { p.revoke(t, statement.OfDelegation, p.delegation) },
		"seal": func() {
			_, err := p.legal.Freeze(t.Context(), p.seal, "怀疑被冒用")
			check(t, err)
		},
		"agent": func() {
			members, err := p.legal.Members(t.Context(), place(t, p).OrganizationID)
			check(t, err)
			for _, m := range members {
				if m.PersonID == p.agent.Person() {
					p.revoke(t, statement.OfAgent, m.MembershipID)
				}
			}
		},
	}
}

// Whoever took a power back and was told so never sees another stamp under it,
// approved before or not: the stamp is committed when it is in the signer's
// journal.
func TestAT035PowerEndsFirst(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ point, power, code string }{
		{"intent", "delegation", "delegation-revoked"}, {"intent", "agent", "agent-not-approved"},
		{"evidence", "delegation", "delegation-revoked"}, {"evidence", "agent", "agent-not-approved"}, {"evidence", "seal", "seal-frozen"},
	} {
		t.Run(row.power+" at "+row.point, func(t *testing.T) {
			stop := stopAt(row.point)
			p := newParty(t, 5, app.Options{Checkpoint: stop.checkpoint})
			t.Cleanup(stop.release)
			r, doc := p.ask(t, p.system, "rev")
			check(t, drive.Confirm(t.Context(), p.agent, r))
			stop.wait(t)
			p.ends(t)[row.power]() // acknowledged while the stamp stands still
			stop.release()
			p.failed(t, r, row.code)
			p.untouched(t, p.system, doc, 5)
			stamped, refused, err := p.app.Agree(t.Context(), p.delegation, []string{r.Ticket})
			if check(t, err); stamped != 0 || refused != 1 {
				t.Errorf("%d stamped, %d refused", stamped, refused)
			}
		})
	}
}

// The other way round the stamp is finished: it was committed before.
func TestPowerEndsAfterTheSignerCommitted(t *testing.T) {
	t.Parallel()
	stop := stopAt("journal")
	p := newParty(t, 5, app.Options{Checkpoint: stop.checkpoint})
	t.Cleanup(stop.release)
	r, doc := p.ask(t, p.system, "fin")
	check(t, drive.Confirm(t.Context(), p.agent, r))
	stop.wait(t)
	p.ends(t)["delegation"]()
	stop.release()
	_, err := p.system.Fetch(t.Context(), r)
	check(t, err)
	stamped, err := p.system.Stamped(t.Context(), doc)
	check(t, err)
	bundle, err := p.system.Evidence(t.Context(), r.Ticket)
	check(t, err)
	verdict(t, stamped, bundle, 1)
	given, err := p.legal.DelegationsOf(t.Context(), place(t, p).OrganizationID)
	check(t, err)
	if len(given) != 1 || given[0].Left != 4 || given[0].State != "revoked" {
		t.Errorf("%+v", given)
	}
	next, _ := p.ask(t, p.system, "fi2")
	_, err = drive.Claim(t.Context(), p.agent, next)
	wantCode(t, err, "delegation-revoked")
}
