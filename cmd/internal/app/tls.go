package app

import (
	"crypto/tls"
	"fmt"
	"net"
)

// secure puts TLS on the listener when a certificate is configured.
func (a *App) secure(ln net.Listener) (net.Listener, error) {
	if a.cfg.TLS.Cert == "" {
		return ln, nil
	}
	cert, err := tls.LoadX509KeyPair(a.cfg.TLS.Cert, a.cfg.TLS.Key)
	if err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}), nil
}
