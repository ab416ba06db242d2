package sign

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/cloudseal/gm"
)

// Request is what a signature covers.
type Request struct {
	Method    string
	TLS       bool   // decides which port is the default one
	Authority string // Host, as sent
	Path      string // as sent, percent-encoded
	Query     string // as sent, without "?"
	// ContentType and IdempotencyKey are header values, empty when absent.
	ContentType    string
	IdempotencyKey string
	Body           []byte
	// BodySM3, unless zero, is the SM3 of Body: who needs it for more than the
	// signature computes it once.
	BodySM3 gm.Digest
}

// Headers are the fields that a signature adds to a request.
type Headers struct {
	ContentDigest, SignatureInput, Signature string
}

// The names of the fields.
const (
	contentDigest  = "Content-Digest"
	signatureInput = "Signature-Input"
	signature      = "Signature"
	idempotencyKey = "Idempotency-Key"
)

// Of reads a request that a server received. tls says whether the client used
// TLS (httpx.IsHTTPS). The result holds copies, but for the body, which is the
// request's.
func Of(c *fiber.Ctx, tls bool) (Request, Headers) {
	field := func(name string) string {
		var lines []string
		for _, line := range c.Request().Header.PeekAll(name) {
			lines = append(lines, strings.TrimSpace(string(line)))
		}
		return strings.Join(lines, ", ")
	}
	path, query, _ := strings.Cut(string(c.Request().Header.RequestURI()), "?")
	return Request{
			Method: strings.Clone(c.Method()), TLS: tls, Authority: string(c.Request().Header.Host()),
			Path: path, Query: query,
			ContentType: field(fiber.HeaderContentType), IdempotencyKey: field(idempotencyKey),
			Body: c.Request().Body(),
		}, Headers{
			ContentDigest: field(contentDigest), SignatureInput: field(signatureInput), Signature: field(signature),
		}
}

// HTTP signs an outgoing request in place. Its body is read and replaced.
func HTTP(r *http.Request, key Signer, p Params) error {
	body, err := drain(r)
	if err != nil {
		return fmt.Errorf("read body to sign: %w", err)
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	h, err := Sign(Request{
		Method: r.Method, TLS: r.URL.Scheme == "https", Authority: host,
		Path: r.URL.EscapedPath(), Query: r.URL.RawQuery,
		ContentType: r.Header.Get(fiber.HeaderContentType), IdempotencyKey: r.Header.Get(idempotencyKey),
		Body: body,
	}, key, p)
	if err != nil {
		return err
	}
	r.Header.Set(contentDigest, h.ContentDigest)
	r.Header.Set(signatureInput, h.SignatureInput)
	r.Header.Set(signature, h.Signature)
	return nil
}

func drain(r *http.Request) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.ContentLength = int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	r.Body, err = r.GetBody()
	return body, err
}
