// Package realperson is how a person proves that he is there and who he is:
// document and liveness, checked by a provider. It defines the exchange and a
// sandbox provider. How old evidence may be is judged elsewhere.
package realperson

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// Identity is who a person says he is.
type Identity struct {
	Name     string
	IDNumber string
}

// String hides the person.
func (Identity) String() string { return "[identity]" }

// Session is an authentication under way. URL is where the person goes on;
// Token is a secret between us and the provider and never leaves the server.
type Session struct {
	Token string
	URL   string
}

// String hides the token.
func (Session) String() string { return "[session]" }

// Evidence is the provider's answer. It is about the identity given at Begin.
type Evidence struct {
	ID       string // the provider's number of the transaction
	Provider string
	Identity Identity
	Match    bool // face and document are the person's
	At       time.Time
	Digest   gm.Digest // of the provider's full answer, kept by the provider
}

// ErrPending: the person has not finished yet.
var ErrPending = errors.New("realperson: not finished")

// ErrDown: the provider cannot be reached now.
var ErrDown = errors.New("realperson: the provider does not answer")

// Sandbox is a provider that knows a few people and believes that whoever
// completes a session has the right face. It is safe for concurrent use.
type Sandbox struct {
	now func() time.Time

	mu       sync.Mutex
	known    map[Identity]bool   // guarded by mu
	sessions map[string]*session // by token; guarded by mu
	auto     bool                // guarded by mu
	down     bool                // guarded by mu
	shared   []byte              // of Share
}

type session struct {
	who  Identity
	done bool
}

// NewSandbox makes a provider that knows nobody. With auto, sessions complete
// by themselves, as if the person had shown his face at once.
func NewSandbox(now func() time.Time, auto bool) *Sandbox {
	return &Sandbox{now: now, known: map[Identity]bool{}, sessions: map[string]*session{}, auto: auto}
}

// Sandbox marks the provider as one that production refuses.
func (s *Sandbox) Sandbox() bool { return true }

// Know makes an identity one of the sandbox's people.
func (s *Sandbox) Know(who Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.known[who] = true
}

// Forget makes an identity a stranger again: whoever shows his face under it is
// somebody else.
func (s *Sandbox) Forget(who Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.known, who)
}

// SetDown makes the provider fail, or work again.
func (s *Sandbox) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Share lets the sandboxes of several nodes finish each other's sessions, as
// one provider outside would: a token then carries its session, sealed under a
// key that all have. Such sessions are complete at once. Call it before use.
func (s *Sandbox) Share(key []byte) { s.shared = key }

// sharedAAD tells the sandbox's tokens from anything else under the key.
const sharedAAD = "sandbox-face/1"

// carry makes a token that carries its session.
func (s *Sandbox) carry(who Identity) (string, error) {
	plain, err := json.Marshal(who)
	if err != nil {
		return "", err
	}
	sealed, err := gm.Seal(s.shared, plain, []byte(sharedAAD))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// carried opens the session in a token of another node; nil when there is none.
func (s *Sandbox) carried(token string) *session {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || s.shared == nil {
		return nil
	}
	plain, err := gm.Open(s.shared, sealed, []byte(sharedAAD))
	x := &session{done: true}
	if err != nil || json.Unmarshal(plain, &x.who) != nil {
		return nil
	}
	return x
}

// Begin opens a session.
func (s *Sandbox) Begin(ctx context.Context, who Identity, _ string) (Session, error) {
	if err := ctx.Err(); err != nil {
		return Session{}, err
	}
	token := base64.RawURLEncoding.EncodeToString(gm.Random(24))
	if s.shared != nil {
		var err error
		if token, err = s.carry(who); err != nil {
			return Session{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return Session{}, ErrDown
	}
	s.sessions[token] = &session{who: who, done: s.auto}
	return Session{Token: token, URL: "sandbox:face"}, nil
}

// Complete ends a session as if the face had been checked.
func (s *Sandbox) Complete(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.sessions[token]; x != nil {
		x.done = true
	}
}

// Result gives the evidence of a finished session. A token works once: evidence
// is not used for two purposes.
func (s *Sandbox) Result(ctx context.Context, token string) (Evidence, error) {
	if err := ctx.Err(); err != nil {
		return Evidence{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return Evidence{}, ErrDown
	}
	x, ours := s.sessions[token]
	if !ours {
		x = s.carried(token)
	}
	if x == nil {
		return Evidence{}, nil // no such session, or one that was used: no match
	}
	if !x.done {
		return Evidence{}, ErrPending
	}
	delete(s.sessions, token)
	if s.shared != nil {
		s.sessions[token] = nil // used
	}
	digest := gm.SM3([]byte(token))
	return Evidence{
		ID: "sandbox-" + digest.Hex()[:16], Provider: "sandbox-face", Identity: x.who, Match: s.known[x.who],
		At: s.now().UTC().Truncate(time.Millisecond), Digest: digest,
	}, nil
}
