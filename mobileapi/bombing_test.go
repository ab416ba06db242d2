package mobileapi_test

import (
	"fmt"
	"net/http"
	"testing"

	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/mobileapi"
)

// AT-017: nothing prompts a phone but its own scan. Every other call of the
// interface is made with its example by two persons; none of them begins a claim
// or leads to one, and the one that does wants all parts of a frame.
func TestAT017OnlyAScanBeginsAClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	claims := 0
	for _, d := range w.described {
		if d.ID == "claim" {
			claims++
			continue
		}
		for _, who := range []*authztest.Actor{w.agent, w.legal} {
			r := ask(d.Method, named(d.Path, theClaim), exampleBody(t, w, d))
			if !d.Open {
				w.prove(t, who, r)
			}
			w.send(t, r)
			if w.scans.begun() {
				t.Fatalf("%s %s began a claim", d.Method, d.Path)
			}
		}
		if d.Method == http.MethodGet && d.Changes {
			t.Errorf("%s: a link changes something", d.Path)
		}
	}
	if claims != 1 {
		t.Fatalf("%d calls begin a claim", claims)
	}
	for name, body := range map[string]object{
		"no proof":       {"handle": theHandle, "n": 1},
		"no number":      {"handle": theHandle, "mac": theMAC},
		"no handle":      {"n": 1, "mac": theMAC},
		"a ticket":       {"ticket": "tk_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
		"another person": {"handle": theHandle, "n": 1, "mac": theMAC, "person": w.legal.Person.ID},
	} {
		got := w.post(t, w.agent, "/v1/claims", body)
		if got.want(t, fault.BadRequest); w.scans.begun() {
			t.Errorf("%s: a claim", name)
		}
	}
	w.post(t, w.agent, "/v1/claims", object{"handle": theHandle, "n": 1, "mac": "AAAAAAAAAAAAAAAA"}).want(t, fault.TicketUnavailable)
	w.post(t, w.agent, "/v1/claims", object{"handle": theHandle, "n": 1, "mac": theMAC}).into(t, nil)
}

// begun reports whether anybody has claimed.
func (s *scans) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.device != ""
}

// AT-113: one address begins registrations for ever new numbers, and one device
// asks for codes: what costs messages stops at its limit, other addresses and
// reading go on.
func TestAT113MessagesOfOneAddress(t *testing.T) {
	t.Parallel()
	limits := mobileapi.DefaultLimits()
	w := newWorld(t, limits)
	begun := 0
	n := newNewcomer(t, w, zhao())
	for i := range 100 {
		n.Phone = fmt.Sprintf("139%08d", i)
		if got := n.begin(t, w); got.code() != fault.SlowDown.Code {
			begun++
		}
	}
	if begun != limits.Enrol.Count {
		t.Errorf("%d registrations of one address were looked at, want %d", begun, limits.Enrol.Count)
	}
	sessions := 0
	for range 50 {
		if w.post(t, w.agent, "/v1/me/real-person", object{"purpose": "seals"}).code() != fault.SlowDown.Code {
			sessions++
		}
	}
	if sessions != limits.Codes.Count {
		t.Errorf("%d sessions for one device, want %d", sessions, limits.Codes.Count)
	}
	w.get(t, w.legal, "/v1/me").into(t, nil)
}
