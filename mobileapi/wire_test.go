package mobileapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// wire carries a phone's requests to the world's API, and loses what a test
// wants lost.
type wire struct {
	w  *world
	mu sync.Mutex // guards what follows
	// lose says what becomes of a request: "request" never arrives, "answer"
	// arrives and its answer does not.
	lose  func(r *http.Request) string
	alter func(r *http.Request, res *http.Response)
	sent  []string // method and path
}

func (x *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	x.mu.Lock()
	lose, alter := x.lose, x.alter
	x.sent = append(x.sent, r.Method+" "+r.URL.Path)
	x.mu.Unlock()
	fate := ""
	if lose != nil {
		fate = lose(r)
	}
	if fate == "request" {
		return nil, errors.New("connection refused")
	}
	res, err := x.w.app.Test(r, -1)
	if fate == "answer" {
		return nil, errors.New("connection reset")
	}
	if err == nil && alter != nil {
		alter(r, res)
	}
	return res, err
}

func (x *wire) count(what string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := 0
	for _, s := range x.sent {
		if strings.HasPrefix(s, what) {
			n++
		}
	}
	return n
}

// loseOnce loses one request or answer of a path.
func (x *wire) loseOnce(path, fate string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	done := false
	x.lose = func(r *http.Request) string {
		if done || r.URL.Path != path {
			return ""
		}
		done = true
		return fate
	}
}

// redraft plays a server that drafts a delegation of its own.
func (x *wire) redraft(t *testing.T, change func(*statement.Delegation)) {
	t.Helper()
	x.rewrite("/delegations/draft", func(o object) {
		b, err := base64.RawURLEncoding.DecodeString(o["statement"].(string))
		if err != nil {
			t.Error(err)
		}
		s, err := statement.ParseDelegation(b)
		if err != nil {
			t.Error(err)
		}
		change(&s)
		if b, err = s.Bytes(); err != nil {
			t.Error(err)
		}
		o["statement"], o["statement_sm3"] = b64(b), gm.SM3(b).Hex()
	})
}

// rewrite changes the good answers of a path.
func (x *wire) rewrite(suffix string, change func(object)) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.alter = func(r *http.Request, res *http.Response) {
		if !strings.HasSuffix(r.URL.Path, suffix) || res.StatusCode >= 300 {
			return
		}
		var o object
		if json.NewDecoder(res.Body).Decode(&o) == nil {
			change(o)
		}
		b, _ := json.Marshal(o)
		res.Body = io.NopCloser(bytes.NewReader(b))
	}
}
