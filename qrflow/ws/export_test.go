package ws

import (
	"net"
	"net/http"
)

// Accept starts a socket on a connection whose request was read already.
func (h *Hub) Accept(c net.Conn, header http.Header, v View) {
	leave, err := h.enter("pipe")
	if err != nil {
		_ = c.Close()
		return
	}
	h.serve(c, visitor{ip: "pipe", lang: "zh", header: header}, v, leave)
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
