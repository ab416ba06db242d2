// Package drive plays the people and systems around a node, over its public
// interfaces only: the legal representative's and the agent's phones, the
// declaration system and its waiting page. The demonstration, the end-to-end
// tests and the benchmarks are made of it.
package drive

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// Net reaches a node under all its names, whether the system resolves them or
// not.
type Net struct {
	// Addr is where the node listens.
	Addr string
	// TLS admits the demonstration's self-signed certificate. It is for a
	// loopback address only.
	TLS bool
	// Pick, when it is given, names where to go in the place of Addr, anew for
	// each connection, and none is used for a second request: as behind a proxy
	// without sticky sessions.
	Pick func() string
}

// Client is an HTTP client that sends every request to the node.
func (n Net) Client() *http.Client {
	t := &http.Transport{DialContext: n.dial, TLSClientConfig: n.tls(), DisableKeepAlives: n.Pick != nil, MaxIdleConns: 200, MaxIdleConnsPerHost: 200, IdleConnTimeout: 3 * time.Second}
	return &http.Client{
		Transport: t, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (n Net) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	if n.Pick != nil {
		return d.DialContext(ctx, network, n.Pick())
	}
	return d.DialContext(ctx, network, n.Addr)
}

// tls trusts whoever listens on the node's own address: there is nobody between
// on the loopback interface.
func (n Net) tls() *tls.Config {
	if !n.TLS {
		return nil
	}
	return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}
