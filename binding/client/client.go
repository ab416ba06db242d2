// Package client is the Go client for declaration systems: it signs every
// request with the application's registered key, repeats what the network
// swallowed under the same Idempotency-Key, and turns problem documents into
// errors. It keeps no state; sessions, verifiers and pages are the caller's.
package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx/sign"
)

// Limits of what a client accepts and does.
const (
	maxReply = 96 << 20 // larger than any stamped document
	// attempts of one request, when no answer came or one that passes: four pauses
	// from firstPause on, each three times the one before, are eight seconds, longer
	// than a node takes to be out of a proxy's way.
	attempts   = 5
	firstPause = 200 * time.Millisecond
)

// Client calls binding/api for one application.
type Client struct {
	Base  string // https://host
	KeyID string
	Key   *gm.PrivateKey
	HTTP  *http.Client
	Now   func() time.Time
	// Host is sent instead of the host of Base when it is not empty, for
	// loopback names that the system cannot resolve.
	Host string
}

// Problem is a refusal of the server (RFC 9457). Compare Code, not texts.
type Problem struct {
	Status int            `json:"status"`
	Code   string         `json:"code"`
	Title  string         `json:"title"`
	Detail string         `json:"detail"`
	Trace  string         `json:"instance"`
	More   map[string]any `json:"-"`
}

// Error gives the code and the server's words.
func (p *Problem) Error() string { return fmt.Sprintf("%s (%d): %s", p.Code, p.Status, p.Title) }

// CodeOf gives the code of a refusal, "" for another error.
func CodeOf(err error) string {
	var p *Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ""
}

// Verifier makes what ties a result to the browser's session with the
// application: keep the verifier there, send its hash with the request.
func Verifier() (verifier []byte, hash gm.Digest) {
	verifier = gm.Random(32)
	return verifier, gm.SM3([]byte("cseal-verifier/1\x00"), verifier)
}

// call is one request.
type call struct {
	method, path, kind string
	body               []byte
	idempotency        string
}

// errResent: the transport found a kept connection broken and sent the same bytes
// again, and the server, that had them, refuses their nonce. What became of the
// first is asked under a new one.
var errResent = errors.New("client: the request was sent twice, and its nonce refused")

// do sends a call until it has an answer that stands. Every attempt is signed
// anew, with its own nonce, under the same Idempotency-Key.
func (c *Client) do(ctx context.Context, k call) ([]byte, error) {
	pause := firstPause
	for n := 1; ; n++ {
		body, err := c.once(ctx, k)
		var p *Problem
		if err == nil || errors.As(err, &p) && !p.passes() || ctx.Err() != nil || n == attempts {
			return body, err
		}
		if ended := rest(ctx, pause); ended != nil {
			return nil, errors.Join(err, ended)
		}
		pause *= 3
	}
}

// passes reports a refusal that says nothing of the request: its node is going, or
// died with it and the proxy says so, or the first attempt is still under way.
func (p *Problem) passes() bool {
	switch p.Code {
	case "shutting-down", "idempotency-running":
		return true
	case unreadable:
		return p.Status == http.StatusBadGateway || p.Status == http.StatusServiceUnavailable || p.Status == http.StatusGatewayTimeout
	}
	return false
}

// unreadable is the code of an answer that is no problem document of ours.
const unreadable = "unreadable"

func rest(ctx context.Context, pause time.Duration) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) once(ctx context.Context, k call) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, k.method, c.Base+k.path, bytes.NewReader(k.body))
	if err != nil {
		return nil, err
	}
	if c.Host != "" {
		r.Host = c.Host
	}
	if k.kind != "" {
		r.Header.Set("Content-Type", k.kind)
	}
	if k.idempotency != "" {
		r.Header.Set("Idempotency-Key", k.idempotency)
	}
	if err := sign.HTTP(r, sign.SM2{Key: c.Key}, sign.NewParams(c.KeyID, c.Now())); err != nil {
		return nil, err
	}
	var sent atomic.Int32
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Add(1) }}))
	answer, err := c.HTTP.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(io.LimitReader(answer.Body, maxReply+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxReply:
		return nil, errors.New("client: the answer is too large")
	case answer.StatusCode == http.StatusUnauthorized && sent.Load() > 1:
		return nil, errResent
	case answer.StatusCode >= 400:
		return nil, problem(answer.StatusCode, b)
	}
	return b, nil
}

func problem(status int, b []byte) *Problem {
	p := &Problem{}
	if json.Unmarshal(b, p) != nil || p.Code == "" {
		p = &Problem{Code: unreadable, Title: http.StatusText(status)}
	}
	_ = json.Unmarshal(b, &p.More)
	p.Status = status
	return p
}

func (c *Client) json(ctx context.Context, method, path string, in, out any, once bool) error {
	k := call{method: method, path: path}
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		k.body, k.kind = b, "application/json"
	}
	if once {
		k.idempotency = NewKey()
	}
	b, err := c.do(ctx, k)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(b, out)
}

// NewKey makes an Idempotency-Key of 192 random bits.
func NewKey() string { return base64.RawURLEncoding.EncodeToString(gm.Random(24)) }

// Upload sends a PDF.
func (c *Client) Upload(ctx context.Context, title string, pdf []byte) (*Document, error) {
	kind := "application/pdf; name*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(title), "+", "%20")
	b, err := c.do(ctx, call{method: http.MethodPost, path: "/v1/documents", kind: kind, body: pdf, idempotency: NewKey()})
	if err != nil {
		return nil, err
	}
	d := &Document{}
	return d, json.Unmarshal(b, d)
}

// Document gives the state of a document.
func (c *Client) Document(ctx context.Context, id string) (*Document, error) {
	d := &Document{}
	return d, c.json(ctx, http.MethodGet, "/v1/documents/"+url.PathEscape(id), nil, d, false)
}

// Stamped fetches a stamped file.
func (c *Client) Stamped(ctx context.Context, id string) ([]byte, error) {
	return c.do(ctx, call{method: http.MethodGet, path: "/v1/documents/" + url.PathEscape(id) + "/stamped"})
}

// Open asks for a ticket.
func (c *Client) Open(ctx context.Context, a Ask) (*Opened, error) {
	o := &Opened{}
	return o, c.json(ctx, http.MethodPost, "/v1/tickets", a, o, true)
}

// Status gives the state of a ticket.
func (c *Client) Status(ctx context.Context, ticket string) (*Status, error) {
	st := &Status{}
	return st, c.json(ctx, http.MethodGet, "/v1/tickets/"+url.PathEscape(ticket), nil, st, false)
}

// Cancel withdraws a ticket that is not approved yet.
func (c *Client) Cancel(ctx context.Context, ticket string) error {
	return c.json(ctx, http.MethodPost, "/v1/tickets/"+url.PathEscape(ticket)+"/cancel", nil, nil, true)
}

// Redeem hands in the result code from the page with the verifier of the
// session. It can be repeated for a day.
func (c *Client) Redeem(ctx context.Context, ticket, code string, verifier []byte) (*Result, error) {
	in := map[string]string{"result_code": code, "verifier": base64.RawURLEncoding.EncodeToString(verifier)}
	r := &Result{}
	return r, c.json(ctx, http.MethodPost, "/v1/tickets/"+url.PathEscape(ticket)+"/redeem", in, r, false)
}

// Evidence fetches the offline bundle of a ticket's stamps.
func (c *Client) Evidence(ctx context.Context, ticket string) ([]byte, error) {
	return c.do(ctx, call{method: http.MethodGet, path: "/v1/tickets/" + url.PathEscape(ticket) + "/evidence"})
}

// DocumentEvidence fetches the offline bundle of one stamped document. Of a
// large batch it holds that document's line only, so it may go with the file.
func (c *Client) DocumentEvidence(ctx context.Context, id string) ([]byte, error) {
	return c.do(ctx, call{method: http.MethodGet, path: "/v1/documents/" + url.PathEscape(id) + "/evidence"})
}

// Save completes an approved binding.
func (c *Client) Save(ctx context.Context, ticket string) (*Binding, error) {
	b := &Binding{}
	return b, c.json(ctx, http.MethodPost, "/v1/tickets/"+url.PathEscape(ticket)+"/save", nil, b, true)
}

// Binding gives the active binding of an account.
func (c *Client) Binding(ctx context.Context, account string) (*Binding, error) {
	b := &Binding{}
	return b, c.json(ctx, http.MethodPost, "/v1/bindings/lookup", map[string]string{"account": account}, b, false)
}

// Unbind ends the binding of an account.
func (c *Client) Unbind(ctx context.Context, account string) error {
	return c.json(ctx, http.MethodPost, "/v1/bindings/end", map[string]string{"account": account}, nil, true)
}

// Me gives the application as it is registered.
func (c *Client) Me(ctx context.Context) (*App, error) {
	a := &App{}
	return a, c.json(ctx, http.MethodGet, "/v1/me", nil, a, false)
}
