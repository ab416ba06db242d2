// Package drive plays the people and systems around a node, over its public
// interfaces only: the legal representative's and the agent's phones, the
// declaration system and its waiting page. The demonstration, the end-to-end
// tests and the benchmarks are made of it.
package drive

import (
	"context"
	"net"
	"net/http"
	"time"
)

// Net reaches a node under all its names, whether the system resolves them or
// not.
type Net struct {
	// Addr is where the node listens.
	Addr string
}

// Client is an HTTP client that sends every request to the node.
func (n Net) Client() *http.Client {
	t := &http.Transport{DialContext: n.dial, MaxIdleConns: 200, MaxIdleConnsPerHost: 200}
	return &http.Client{
		Transport: t, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (n Net) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, network, n.Addr)
}
