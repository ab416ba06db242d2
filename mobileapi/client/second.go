package client

import (
	"context"
	"fmt"
	"slices"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// Second is a request that another person has approved and that waits for this
// one.
type Second struct {
	Ticket   string
	DecideBy time.Time
	// Statement is the first person's, as the phone read it.
	Statement statement.Approval

	bytes []byte
	seen  []bool // by document
}

// Summary is the request in words, made by the phone of the statement.
func (s *Second) Summary(lang string) []statement.Line { return s.Statement.Render(lang, nil).Lines }

type wireSecond struct {
	Ticket    string    `json:"ticket_id"`
	Statement binary    `json:"statement"`
	SM3       gm.Digest `json:"statement_sm3"`
	DecideBy  time.Time `json:"decide_by"`
}

// Seconds lists what waits for the person as the second one, in parts like
// Activity. A part may be empty before the list ends.
func (p *Phone) Seconds(ctx context.Context, cursor string, limit int) ([]*Second, string, error) {
	found, next, err := part[wireSecond](ctx, p, "/v1/me/seconds", cursor, limit)
	if err != nil {
		return nil, "", err
	}
	list := make([]*Second, 0, len(found))
	for _, w := range found {
		s, err := p.readSecond(ctx, w)
		if err != nil {
			return nil, "", err
		}
		list = append(list, s)
	}
	return list, next, nil
}

// Second gives one of them.
func (p *Phone) Second(ctx context.Context, ticket string) (*Second, error) {
	var w wireSecond
	if err := p.get(ctx, "/v1/seconds/"+escape(ticket), &w); err != nil {
		return nil, err
	}
	return p.readSecond(ctx, w)
}

// readSecond reads the first statement strictly, with its manifest: it is what
// will be named by its hash.
func (p *Phone) readSecond(ctx context.Context, w wireSecond) (*Second, error) {
	a, _, err := statement.ParseApproval(w.Statement)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	err = expect(check{"issuer", a.Issuer == p.cfg.Issuer}, check{"ticket", a.Ticket == w.Ticket},
		check{"hash", gm.SM3(w.Statement) == w.SM3}, check{"purpose", a.Purpose == statement.Stamp},
		check{"decision", a.Decision == statement.Approve}, check{"person", a.Agent.ID != p.self().Person})
	if err == nil && a.Listed() {
		a, err = p.list(ctx, a, "/v1/seconds/"+escape(w.Ticket)+"/manifest")
	}
	return &Second{Ticket: w.Ticket, DecideBy: w.DecideBy, Statement: a, bytes: w.Statement, seen: make([]bool, len(a.Docs))}, err
}

// SecondDocuments fetches every document and checks each against its line.
func (p *Phone) SecondDocuments(ctx context.Context, s *Second) ([]Document, error) {
	docs := make([]Document, 0, len(s.Statement.Docs))
	for i, line := range s.Statement.Docs {
		var b []byte
		if err := p.get(ctx, fmt.Sprintf("/v1/seconds/%s/documents/%d", escape(s.Ticket), i+1), &b); err != nil {
			return nil, err
		}
		if gm.SM3(b) != line.SM3 {
			return nil, fmt.Errorf("%w: document %d", ErrDocument, i+1)
		}
		s.seen[i] = true
		docs = append(docs, Document{Line: line, Bytes: b})
	}
	return docs, nil
}

// DraftSecond drafts the yes or no; for a yes every document must have been
// fetched before.
func (p *Phone) DraftSecond(ctx context.Context, s *Second, approve bool, note string) (*Draft, error) {
	opinion := statement.Reject
	if approve {
		opinion = statement.Approve
	}
	if approve && slices.Contains(s.seen, false) {
		return nil, ErrUnseen
	}
	in := struct {
		Opinion string `json:"opinion"`
		Note    string `json:"note,omitzero"`
	}{opinion, note}
	return p.draft(ctx, "/v1/seconds/"+escape(s.Ticket)+"/draft", statement.SecondApproval, in, func(b []byte) (lines, error) {
		r, err := statement.ParseReview(b)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStatement, err)
		}
		return r.Summary(p.cfg.Lang), expect(append(p.mine(r.Issuer, r.Person, r.Device),
			check{"act", r.Act == statement.SecondApproval}, check{"ticket", r.Subject.ID == s.Ticket},
			check{"statement", r.Subject.Hash == gm.SM3(s.bytes)}, check{"opinion", r.Opinion == opinion},
			check{"organization", r.Org.USCC == s.Statement.Principal.USCC})...)
	})
}
