package httpx

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// Mount serves a net/http handler (an OpenID provider, Prometheus) as a fiber
// handler. Everything the handler sees is a copy of its own: fasthttp reuses its
// buffers for the next request, and a handler that keeps a string of the request
// (as every in-memory store does) would find another client's data in it. The
// answer is buffered; Flush and Hijack are not offered. A panic reaches the
// server's own recovery.
func Mount(h http.Handler) fiber.Handler {
	return func(c *fiber.Ctx) error {
		r, err := standardRequest(c)
		if err != nil {
			return fmt.Errorf("mount: %w", err)
		}
		w := &bufferedWriter{header: http.Header{}}
		h.ServeHTTP(w, r)
		w.send(c)
		return nil
	}
}

// standardRequest rebuilds the request of c from copies.
func standardRequest(c *fiber.Ctx) (*http.Request, error) {
	in := c.Request()
	target := string(in.Header.RequestURI())
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, err
	}
	body := bytes.Clone(in.Body())
	r := &http.Request{
		Method: strings.Clone(c.Method()), URL: u, RequestURI: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Host: string(in.Header.Host()),
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		RemoteAddr: c.Context().RemoteAddr().String(),
	}
	for name, value := range in.Header.All() {
		r.Header.Add(string(name), string(value))
	}
	r.Header.Del(fiber.HeaderHost) // as net/http does
	if IsHTTPS(c) {
		r.TLS = &tls.ConnectionState{HandshakeComplete: true}
	}
	return r.WithContext(c.UserContext()), nil
}

// bufferedWriter collects an answer.
type bufferedWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *bufferedWriter) Header() http.Header { return w.header }

func (w *bufferedWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
}

func (w *bufferedWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(p)
}

func (w *bufferedWriter) send(c *fiber.Ctx) {
	w.WriteHeader(http.StatusOK)
	if w.header.Get(fiber.HeaderContentType) == "" && w.body.Len() > 0 {
		w.header.Set(fiber.HeaderContentType, http.DetectContentType(w.body.Bytes()))
	}
	for name, values := range w.header {
		if name == fiber.HeaderContentLength {
			continue
		}
		c.Response().Header.Del(name)
		for _, v := range values {
			c.Response().Header.Add(name, v)
		}
	}
	c.Status(w.status)
	c.Response().SetBodyRaw(w.body.Bytes())
}
