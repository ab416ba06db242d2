package client

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// ErrStatement: what the server wants signed is not what was asked for, or not
// a canonical statement. Nothing is signed.
var ErrStatement = errors.New("phone: the statement is not what was asked for")

// Draft is a statement that was checked and waits for its signature.
type Draft struct {
	ActID     string
	Kind      string
	ExpiresAt time.Time

	bytes   []byte
	summary lines
}

// Bytes is the statement, exact to the byte.
func (d *Draft) Bytes() []byte { return slices.Clone(d.bytes) }

// Summary is the statement in words, made by the phone of its bytes.
func (d *Draft) Summary() []statement.Line { return slices.Clone(d.summary) }

// Grant is what a legal representative wants to delegate.
type Grant struct {
	AgentID   string
	AppID     string
	Actions   []string  // of statement.Bind, Login, Stamp
	Seals     []string  // codes; for stamp
	NotBefore time.Time // zero: now
	NotAfter  time.Time
	Max       int // uses; for stamp
	// SecondFrom is the number of documents of one request from which another
	// person must approve too; 0: none.
	SecondFrom int
}

// draft asks for a statement and has it read and checked by look, which gives
// its words.
func (p *Phone) draft(ctx context.Context, path, kind string, in any, look func(b []byte) (lines, error)) (*Draft, error) {
	var w wireDraft
	if err := p.post(ctx, path, in, &w); err != nil {
		return nil, err
	}
	if w.Kind != kind || gm.SM3(w.Statement) != w.SM3 {
		return nil, fmt.Errorf("%w: another kind or another hash", ErrStatement)
	}
	summary, err := look(w.Statement)
	if err != nil {
		return nil, err
	}
	return &Draft{ActID: w.ActID, Kind: w.Kind, ExpiresAt: w.ExpiresAt, bytes: w.Statement, summary: summary}, nil
}

// expect lists what must hold; the first that does not is named.
func expect(checks ...check) error {
	for _, c := range checks {
		if !c.holds {
			return fmt.Errorf("%w: another %s", ErrStatement, c.what)
		}
	}
	return nil
}

type check struct {
	what  string
	holds bool
}

// mine is what every statement of this device says of who signs it.
func (p *Phone) mine(issuer string, person statement.Person, device gm.Digest) []check {
	id := p.self()
	return []check{
		{"issuer", issuer == p.cfg.Issuer}, {"person", person.ID == id.Person}, {"device", device == id.Key},
	}
}

// DraftDelegation drafts a delegation in an organization that the person
// represents; place is one of Me.Places.
func (p *Phone) DraftDelegation(ctx context.Context, place Place, g Grant) (*Draft, error) {
	in := struct {
		AgentID   string    `json:"agent_id"`
		AppID     string    `json:"app_id"`
		Actions   []string  `json:"actions"`
		Seals     []string  `json:"seals,omitzero"`
		NotBefore time.Time `json:"not_before,omitzero"`
		NotAfter  time.Time `json:"not_after"`
		Max       int       `json:"max,omitzero"`
		Second    int       `json:"second_from,omitzero"`
	}{g.AgentID, g.AppID, g.Actions, g.Seals, g.NotBefore.UTC(), g.NotAfter.UTC(), g.Max, g.SecondFrom}
	path := "/v1/organizations/" + escape(place.OrganizationID) + "/delegations/draft"
	return p.draft(ctx, path, authz.ActDelegation, in, func(b []byte) (lines, error) {
		d, err := statement.ParseDelegation(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStatement, err)
		}
		return d.Summary(p.cfg.Lang), p.checkDelegation(d, place, g)
	})
}

func (p *Phone) checkDelegation(d statement.Delegation, place Place, g Grant) error {
	ids := make([]string, 0, len(d.Seals))
	for _, s := range d.Seals {
		ids = append(ids, s.ID)
	}
	return expect(append(p.mine(d.Issuer, d.Grantor, d.Device),
		check{"organization", d.Org.USCC == place.USCC},
		check{"agent", d.Agent.ID == g.AgentID},
		check{"application", d.App.ID == g.AppID},
		check{"list of actions", slices.Equal(slices.Sorted(slices.Values(g.Actions)), slices.Sorted(slices.Values(d.Actions)))},
		check{"list of seals", slices.Equal(ids, g.Seals)},
		check{"beginning", g.NotBefore.IsZero() || d.NotBefore.Equal(g.NotBefore.Truncate(time.Second))},
		check{"end", d.NotAfter.Equal(g.NotAfter.Truncate(time.Second))},
		check{"limit", d.Max == max(g.Max, 1)},
		check{"second person", d.SecondFrom == g.SecondFrom})...)
}

// DraftRevocation drafts the end of a delegation, of an agent's place (by its
// membership) or of a device: kind is statement.OfDelegation, OfAgent or
// OfDevice.
func (p *Phone) DraftRevocation(ctx context.Context, kind, id, reason string) (*Draft, error) {
	in := struct {
		Kind   string `json:"kind"`
		ID     string `json:"id"`
		Reason string `json:"reason,omitzero"`
	}{kind, id, reason}
	return p.draft(ctx, "/v1/revocations/draft", authz.ActRevocation, in, func(b []byte) (lines, error) {
		r, err := statement.ParseRevocation(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStatement, err)
		}
		return r.Summary(p.cfg.Lang), expect(append(p.mine(r.Issuer, r.Person, r.Device),
			check{"kind", r.Kind == kind}, check{"subject", r.Subject.ID == id}, check{"reason", r.Reason == reason})...)
	})
}

// actClaimSeal is the act by which a seal is claimed.
const actClaimSeal = "claim-seal"

// review is what a review statement must say.
type review struct {
	act     string
	subject string
	hash    *gm.Digest // nil: any
	uscc    string     // "": no organization
}

func (p *Phone) draftReview(ctx context.Context, path string, in any, want review) (*Draft, error) {
	return p.draft(ctx, path, want.act, in, func(b []byte) (lines, error) {
		r, err := statement.ParseReview(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStatement, err)
		}
		return r.Summary(p.cfg.Lang), expect(append(p.mine(r.Issuer, r.Person, r.Device),
			check{"act", r.Act == want.act},
			check{"subject", r.Subject.ID == want.subject},
			check{"version of the subject", want.hash == nil || r.Subject.Hash == *want.hash},
			check{"organization", r.Org.USCC == want.uscc},
			check{"opinion", r.Opinion == statement.Approve})...)
	})
}

// DraftAgreement drafts the acceptance of the service agreement in exactly the
// text that was shown.
func (p *Phone) DraftAgreement(ctx context.Context, place Place, shown Agreement) (*Draft, error) {
	hash := gm.SM3([]byte(shown.Text))
	path := "/v1/organizations/" + escape(place.OrganizationID) + "/agreement/draft"
	return p.draftReview(ctx, path, nil, review{authz.ActAgreement, shown.AgreementID, &hash, place.USCC})
}

// DraftAgentApproval drafts the approval of an agent; member is one of Members.
func (p *Phone) DraftAgentApproval(ctx context.Context, member Place) (*Draft, error) {
	path := "/v1/memberships/" + escape(member.MembershipID) + "/approve/draft"
	return p.draftReview(ctx, path, nil, review{authz.ActApproveAgent, member.MembershipID, nil, member.USCC})
}

// DraftDeviceApproval drafts the release of a new device; it is one of Devices,
// and what is signed names its key.
func (p *Phone) DraftDeviceApproval(ctx context.Context, d Device) (*Draft, error) {
	path := "/v1/devices/" + escape(d.DeviceID) + "/approve/draft"
	return p.draftReview(ctx, path, nil, review{authz.ActApproveDevice, d.DeviceID, &d.KeyHash, ""})
}

// DraftClaim drafts the claim of a seal of a kind; picture may be nil.
func (p *Phone) DraftClaim(ctx context.Context, place Place, kind string, picture []byte) (*Draft, error) {
	in := struct {
		Kind    string `json:"kind"`
		Picture binary `json:"picture,omitzero"`
	}{kind, picture}
	var hash gm.Digest
	if len(picture) > 0 {
		hash = gm.SM3(picture)
	}
	path := "/v1/organizations/" + escape(place.OrganizationID) + "/seals/draft"
	return p.draftReview(ctx, path, in, review{actClaimSeal, kind, &hash, place.USCC})
}

// actUnfreezeSeal is the act by which a frozen seal becomes usable again.
const actUnfreezeSeal = "unfreeze-seal"

// DraftUnfreeze drafts that a frozen seal is usable again; seal is one of Seals.
func (p *Phone) DraftUnfreeze(ctx context.Context, seal Seal, reason string) (*Draft, error) {
	path := "/v1/seals/" + escape(seal.Code) + "/unfreeze/draft"
	return p.draftReview(ctx, path, because{reason}, review{actUnfreezeSeal, seal.Code, &seal.SM3, seal.USCC})
}

// escape puts an id into a path.
func escape(id string) string { return url.PathEscape(id) }
