package app_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	"yunzhang.dev/binding/client"
	"yunzhang.dev/web/httpx"
	"yunzhang.dev/web/httpx/sign"
)

// partner sends signed requests of the declaration system by hand.
type partner struct {
	t *testing.T
	*client.Client
}

// sealed is a signed request that can be sent more than once.
type sealed struct {
	r    *http.Request
	body []byte
}

func (p partner) sign(method, path, kind, key string, body []byte) sealed {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.Base+path, bytes.NewReader(body))
	check(p.t, err)
	if p.Host != "" {
		r.Host = p.Host
	}
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	if key != "" {
		r.Header.Set(httpx.IdempotencyKey, key)
	}
	check(p.t, sign.HTTP(r, sign.SM2{Key: p.Key}, sign.NewParams(p.KeyID, p.Now())))
	return sealed{r, body}
}

func (p partner) send(s sealed) (status int, replayed bool, answer string) {
	p.t.Helper()
	r := s.r.Clone(p.t.Context())
	r.Body = io.NopCloser(bytes.NewReader(s.body))
	a, err := p.HTTP.Do(r)
	check(p.t, err)
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	check(p.t, err)
	return a.StatusCode, a.Header.Get(httpx.IdempotencyReplayed) != "", string(b)
}

// Every kind of request spends its nonce, whatever becomes of it; the key, not
// the nonce, makes it repeatable (AT-026, AT-070).
func TestASignedRequestIsGoodOnce(t *testing.T) {
	t.Parallel()
	party := newParty(t, 10, benchOptions())
	p, key, pdf := partner{t, party.system.Client}, client.NewKey(), samplePDF(t, "ff.pdf")
	upload := func(b []byte) sealed {
		return p.sign(http.MethodPost, "/v1/documents", `application/pdf; name=a.pdf`, key, b)
	}
	first := upload(pdf)
	_, _, made := p.send(first)
	for _, row := range []struct {
		name     string
		request  sealed
		status   int
		replayed bool
	}{
		{"a read", p.sign(http.MethodGet, "/v1/me", "", "", nil), 200, false},
		{"a question", p.sign(http.MethodPost, "/v1/bindings/lookup", "application/json", "", []byte(`{"account":"nobody"}`)), 404, false},
		{"the upload again, signed anew", upload(pdf), 201, true},
		{"another upload under its key", upload(append(bytes.Clone(pdf), '\n')), 422, false},
	} {
		status, replayed, answer := p.send(row.request)
		if status != row.status || replayed != row.replayed || replayed && answer != made {
			t.Errorf("%s: %d, replayed %v: %s", row.name, status, replayed, answer)
		}
		if status, _, _ := p.send(row.request); status != 401 {
			t.Errorf("%s, sent twice: %d", row.name, status)
		}
	}
	if status, _, _ := p.send(first); status != 401 {
		t.Errorf("the first upload, sent twice: %d", status)
	}
}
