package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

const (
	// maxAnswer bounds what is read of an answer; a document has 20 MiB.
	maxAnswer = 64 << 20
	// tries bounds how often one request is sent; pauses grow fourfold from
	// firstPause, about a second in all.
	tries      = 4
	firstPause = 50 * time.Millisecond
	// longestPause is how long a server may make us wait before a repetition.
	longestPause = 5 * time.Second

	nonceHeader = "Device-Nonce"
	keyHeader   = "Idempotency-Key"
)

// message is one request. Its Idempotency-Key stays the same however often it
// is sent, its nonce and proof do not.
type message struct {
	method, path string
	body         []byte
	open         bool // without proof
	once         bool // not repeated when the answer is lost: each try counts
	key          string
}

// get asks for something and reads the answer into out.
func (p *Phone) get(ctx context.Context, path string, out any) error {
	return p.exchange(ctx, &message{method: http.MethodGet, path: path}, out)
}

// post asks for a change. in and out may be nil.
func (p *Phone) post(ctx context.Context, path string, in, out any) error {
	m := &message{method: http.MethodPost, path: path, key: newKey()}
	return p.carry(ctx, m, in, out)
}

func (p *Phone) carry(ctx context.Context, m *message, in, out any) error {
	if in != nil {
		b, err := json.Marshal(in, json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("phone: %w", err)
		}
		m.body = b
	}
	return p.exchange(ctx, m, out)
}

func newKey() string { return base64.RawURLEncoding.EncodeToString(gm.Random(24)) }

func (p *Phone) exchange(ctx context.Context, m *message, out any) error {
	b, err := p.send(ctx, m)
	if err != nil || out == nil {
		return err
	}
	if raw, ok := out.(*[]byte); ok {
		*raw = b
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("phone: answer of %s: %w", m.path, err)
	}
	return nil
}

// send repeats a message until there is an answer that stands. What changes
// something carries its Idempotency-Key, so a repetition cannot do it twice.
func (p *Phone) send(ctx context.Context, m *message) ([]byte, error) {
	pause := firstPause
	for try := 1; ; try++ {
		b, err := p.attempt(ctx, m)
		again, delay := m.again(err, pause)
		if err == nil || !again || try == tries || ctx.Err() != nil {
			return b, err
		}
		if err := p.cfg.Wait(ctx, delay); err != nil {
			return nil, err
		}
		pause *= 4
	}
}

// again says whether a repetition may help, and after which pause.
func (m *message) again(err error, pause time.Duration) (bool, time.Duration) {
	problem, refused := errors.AsType[*Problem](err)
	switch {
	case err == nil:
		return false, 0
	case !refused:
		_, lost := errors.AsType[*lostAnswer](err)
		return lost && !m.once, pause
	case problem.Is(fault.NonceRequired):
		return true, 0 // the answer brought the nonce
	case problem.Is(fault.IdempotencyRunning), problem.Is(fault.ShuttingDown), problem.Is(fault.SlowDown) && m.method == http.MethodGet:
		return problem.RetryAfter() <= longestPause, max(problem.RetryAfter(), pause)
	}
	return false, 0
}

// lostAnswer is a try of which nobody knows what became of it.
type lostAnswer struct{ cause error }

func (l *lostAnswer) Error() string { return "phone: no answer: " + l.cause.Error() }

// Unwrap gives the cause.
func (l *lostAnswer) Unwrap() error { return l.cause }

func (p *Phone) attempt(ctx context.Context, m *message) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, m.method, p.cfg.Server+m.path, bytes.NewReader(m.body))
	if err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	r.Header.Set("Accept-Language", p.cfg.Lang)
	if m.body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if m.key != "" {
		r.Header.Set(keyHeader, m.key)
	}
	if !m.open {
		if err := p.prove(ctx, m, r); err != nil {
			return nil, err
		}
	}
	return p.answer(r)
}

func (p *Phone) answer(r *http.Request) ([]byte, error) {
	res, err := p.cfg.HTTP.Do(r)
	if err != nil {
		return nil, &lostAnswer{err}
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, &lostAnswer{err}
	}
	p.keepNonce(res.Header.Get(nonceHeader))
	switch {
	case len(b) > maxAnswer:
		return nil, errors.New("phone: the answer is too large")
	case res.StatusCode >= 300:
		return nil, problemOf(res.StatusCode, b)
	}
	return b, nil
}

// prove signs the request with the request key over a nonce that is used for
// nothing else.
func (p *Phone) prove(ctx context.Context, m *message, r *http.Request) error {
	nonce, err := p.takeNonce(ctx)
	if err != nil {
		return err
	}
	p.mu.Lock()
	key, device := p.proof, p.id.Device
	p.mu.Unlock()
	if key == nil {
		return ErrNotEnrolled
	}
	lines := authz.ProofLines(authz.Request{
		Method: m.method, Path: r.URL.RequestURI(), Body: gm.SM3(m.body), Idempotency: m.key,
	}, device, nonce)
	sig, err := key.Sign(lines)
	if err != nil {
		return fmt.Errorf("phone: prove request: %w", err)
	}
	r.Header.Set("Authorization", fmt.Sprintf(`Yunzhang-Device device="%s", nonce="%s", sig="%s"`,
		device, nonce, base64.RawURLEncoding.EncodeToString(sig)))
	return nil
}

// takeNonce gives the last answer's nonce, once, or asks for one.
func (p *Phone) takeNonce(ctx context.Context) (string, error) {
	p.mu.Lock()
	nonce := p.nonce
	p.nonce = ""
	p.mu.Unlock()
	if nonce != "" {
		return nonce, nil
	}
	var n struct {
		Nonce string `json:"nonce"`
	}
	err := p.exchange(ctx, &message{method: http.MethodPost, path: "/v1/device/nonce", open: true}, &n)
	if err == nil && !goodNonce(n.Nonce) {
		err = errors.New("phone: the server's nonce is not of its form")
	}
	return n.Nonce, err
}

// goodNonce keeps a server from putting lines of its own into what is signed.
func goodNonce(nonce string) bool {
	return nonce != "" && len(nonce) <= 128 && strings.Trim(nonce, wordLetters) == ""
}

const wordLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

func (p *Phone) keepNonce(nonce string) {
	if !goodNonce(nonce) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.nonce = nonce
}
