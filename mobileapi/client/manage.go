package client

import (
	"context"
)

// Freeze stops a seal at once; no PIN is needed. When it returns, nothing more
// is stamped with the seal.
func (p *Phone) Freeze(ctx context.Context, code, reason string) (*Seal, error) {
	s := &Seal{}
	return s, p.post(ctx, "/v1/seals/"+escape(code)+"/freeze", because{reason}, s)
}

// JoinAsLegal adds another organization that the person represents.
func (p *Phone) JoinAsLegal(ctx context.Context, uscc string) (*Joined, error) {
	return p.join(ctx, "legal", uscc, "")
}

// AskAuthorizationCode has a code sent to the legal representative, who passes
// it on to who may become an agent.
func (p *Phone) AskAuthorizationCode(ctx context.Context, uscc string) error {
	in := struct {
		USCC string `json:"uscc"`
	}{uscc}
	return p.post(ctx, "/v1/organizations/authorization-code", in, nil)
}

// JoinAsAgent asks for an agent's place with that code.
func (p *Phone) JoinAsAgent(ctx context.Context, uscc, code string) (*Joined, error) {
	return p.join(ctx, "agent", uscc, code)
}

func (p *Phone) join(ctx context.Context, role, uscc, code string) (*Joined, error) {
	in := struct {
		Role          string `json:"role"`
		USCC          string `json:"uscc"`
		Authorization string `json:"authorization,omitzero"`
	}{role, uscc, code}
	j := &Joined{}
	return j, p.post(ctx, "/v1/organizations/join", in, j)
}

// BeginRealPerson opens a real-person authentication. purpose is seals, claim,
// delegate, member or unlock.
func (p *Phone) BeginRealPerson(ctx context.Context, purpose string) (*Session, error) {
	in := struct {
		Purpose string `json:"purpose"`
	}{purpose}
	s := &Session{}
	return s, p.post(ctx, "/v1/me/real-person", in, s)
}

// BeginRealPersonFor opens one for a scanned request, and good for nothing else.
func (p *Phone) BeginRealPersonFor(ctx context.Context, scan *Scan) (*Session, error) {
	in := struct {
		Purpose string `json:"purpose"`
		ClaimID string `json:"claim_id"`
	}{"confirm", scan.ID}
	s := &Session{}
	return s, p.post(ctx, "/v1/me/real-person", in, s)
}

// FinishRealPerson takes its result: fault.RealPersonFails with the field
// pending while the person has not finished.
func (p *Phone) FinishRealPerson(ctx context.Context, session string) error {
	in := struct {
		SessionID string `json:"session_id"`
	}{session}
	return p.post(ctx, "/v1/me/real-person/finish", in, nil)
}

// ResetPIN sets a new PIN with a real-person session, which also unlocks it.
func (p *Phone) ResetPIN(ctx context.Context, session, pin string) error {
	in := struct {
		SessionID string `json:"session_id"`
		PIN       string `json:"pin"`
	}{session, pin}
	return p.post(ctx, "/v1/device/pin", in, nil)
}
