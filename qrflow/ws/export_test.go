package ws

import (
	"net"
	"net/http"
)

// Accept starts a socket on a connection whose request was read already.
func (h *Hub) Accept(c net.Conn, header http.Header, v View) {
	if start := h.Entered(); start != nil {
		start(c, header, v)
	} else {
		_ = c.Close()
	}
}

// Entered is a handshake that was let in, up to where it starts its socket; nil
// when it was not.
func (h *Hub) Entered() (start func(net.Conn, http.Header, View)) {
	leave, err := h.enter("pipe")
	if err != nil {
		return nil
	}
	return func(c net.Conn, header http.Header, v View) {
		h.serve(c, visitor{ip: "pipe", lang: "zh", header: header}, v, leave)
	}
}

// WellFormed checks an origin.
func WellFormed(origin string, loopback bool) bool {
	h := &Hub{d: Deps{LoopbackOrigins: loopback}}
	return h.wellFormed(origin)
}

// ParseRequest reads a message of a page.
func ParseRequest(b []byte) (kind string, seq int64, err error) {
	r, err := parseRequest(b)
	return r.Type, r.Seq, err
}
