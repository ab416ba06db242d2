package ws

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/valyala/fasthttp"
)

// conn is the connection under a socket.
type conn = net.Conn

// takeOver has fasthttp hand its connection to serve when the handler has
// returned. The server must keep hijacked connections (httpx.NewServer does), so
// that a socket is one goroutine and its buffers are ours.
func (h *Hub) takeOver(ctx *fasthttp.RequestCtx, serve func(conn)) {
	ctx.HijackSetNoResponse(true)
	ctx.Hijack(func(wrapped net.Conn) {
		raw, ok := wrapped.(interface{ UnsafeConn() net.Conn })
		if !ok || early(wrapped) {
			_, _ = io.WriteString(wrapped, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
			_ = wrapped.Close()
			serve(nil)
			return
		}
		serve(raw.UnsafeConn())
	})
}

// early reports bytes that came behind the request before it was answered: no
// browser sends any, and fasthttp has already taken them from the connection, so
// they would be lost. A deadline in the past makes the read give only those.
func early(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Unix(1, 0))
	n, _ := c.Read(make([]byte, 1))
	_ = c.SetReadDeadline(time.Time{})
	return n > 0
}

// readBuffer holds the longest message of a page (40 bytes) and the longest control
// frame (125) with its head. Longer ones are read in parts. From a smaller one the
// upgrader does not read, but makes its own.
const readBuffer = 257

// upgrader has small buffers: messages are short and sockets many. Compression
// is never negotiated: it would cost memory per socket and mix secrets with what
// a sender chooses.
func upgrader(write time.Duration) *websocket.Upgrader {
	return &websocket.Upgrader{
		HandshakeTimeout: write,
		WriteBufferSize:  1024, WriteBufferPool: &sync.Pool{},
		Subprotocols: []string{subprotocol},
		CheckOrigin:  func(*http.Request) bool { return true }, // done in examine
	}
}

// taken is the http.ResponseWriter of a connection that was taken over.
type taken struct {
	conn net.Conn
	in   *bufio.Reader // of the socket, too
}

func take(c net.Conn) taken { return taken{c, bufio.NewReaderSize(c, readBuffer)} }

func (t taken) Header() http.Header { return http.Header{} }

func (t taken) Write(p []byte) (int, error) { return len(p), nil }

func (t taken) WriteHeader(int) {}

// Hijack gives the connection; nothing is buffered.
func (t taken) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return t.conn, bufio.NewReadWriter(t.in, bufio.NewWriterSize(t.conn, 16)), nil
}
