package ws

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// closeCode is why a socket ends (protocol.md §2.10).
type closeCode int

// The close codes. Codes 4401, 4403 of the protocol are statuses of the
// handshake here: a page without a good token is never upgraded.
const (
	codeTooBig     closeCode = 1009
	codeRestart    closeCode = 1012 // resume, after 0 to 3 s
	codeBadMessage closeCode = 4400
	codeGone       closeCode = 4404 // there is no such ticket any more
	codeSlow       closeCode = 4408 // resume
	codeReplaced   closeCode = 4409 // a newer socket has the ticket
	codeEnded      closeCode = 4410 // the ticket has ended: do not come back
	codeFlood      closeCode = 4429
)

// socket is one page.
type socket struct {
	hub    *Hub
	ws     *websocket.Conn
	raw    net.Conn
	in     *bufio.Reader // of ws
	leave  func()        // gives the place in the hub back
	who    visitor
	ticket string
	page   int  // number of the attach
	ended  bool // at the attach already
	out    outbox
	feed   feed
	inputs *rate.Limiter

	mu      sync.Mutex // guards closing and with it the read deadline
	closing bool
}

func newSocket(h *Hub, ws *websocket.Conn, raw net.Conn, who visitor, v View) *socket {
	s := &socket{
		hub: h, ws: ws, raw: raw, who: who, ticket: v.Ticket, page: v.Page, ended: v.Resume == "",
		inputs: rate.NewLimiter(rate.Limit(h.limits.Messages), 4*h.limits.Messages),
	}
	s.out.limit = h.limits.Queue
	s.feed.last, s.feed.waiting = v.LastSeq, v.State == "open"
	s.send(anEvent, helloMessage(v, h.limits.Ping))
	return s
}

// begin starts the life of the socket, which is to read until the end, whoever
// brings that about.
func (s *socket) begin() {
	s.feed.start(s)
	s.ws.SetReadLimit(int64(s.hub.limits.Message))
	s.ws.SetPongHandler(func(string) error { s.alive(); return nil })
	s.until(s.hub.limits.Hello)
	go s.wait()
}

// wait waits for the next frame and has another goroutine deal with it. Pages are
// silent nearly always, and a goroutine that has never done more than this keeps
// the smallest stack there is: half of what reading the frame itself would take.
func (s *socket) wait() {
	if _, err := s.in.Peek(pongHead); err != nil {
		go s.end(err)
		return
	}
	go s.turn()
}

// turn deals with what has come, and waits again.
func (s *socket) turn() {
	for more := true; more; more = s.in.Buffered() > 0 {
		if err := s.read(); err != nil {
			s.end(err)
			return
		}
	}
	go s.wait()
}

// read takes a frame that answers a ping, or else reads up to the end of the next
// message.
func (s *socket) read() error {
	if is, err := s.pong(); is || err != nil {
		return err
	}
	kind, b, err := s.ws.ReadMessage()
	switch {
	case err != nil:
		return err
	case s.isClosing():
		return nil // what came after our close is not read
	case kind != websocket.TextMessage:
		return errMessage
	case !s.inputs.AllowN(time.Now(), 1):
		return errFlood
	}
	if err := s.handle(b); err != nil {
		return err
	}
	s.alive()
	return nil
}

// A pong of a client: final, masked, up to 125 bytes (RFC 6455 §5.2, §5.5).
const (
	pongHead   = 2
	pongByte   = 0x8a
	maskedBit  = 0x80
	maskSize   = 4
	controlMax = 125
)

// pong takes a pong. The library would, too, but not return before there is a
// message.
func (s *socket) pong() (is bool, err error) {
	head, err := s.in.Peek(pongHead)
	if err != nil {
		return false, err
	}
	size := int(head[1] &^ maskedBit)
	if head[0] != pongByte || head[1]&maskedBit == 0 || size > controlMax {
		return false, nil // the library knows what to make of it
	}
	if _, err := s.in.Discard(pongHead + maskSize + size); err != nil {
		return false, err
	}
	s.alive()
	return true, nil
}

// end is the last that happens.
func (s *socket) end(err error) {
	if code := codeOf(err); code != 0 && !s.isClosing() {
		s.close(code, false)
		s.linger()
	}
	_ = s.raw.Close()
	s.feed.stop()
	s.hub.remove(s)
	s.leave()
}

func (s *socket) handle(b []byte) error {
	r, err := parseRequest(b)
	if err != nil {
		return errMessage
	}
	if r.Type != "ack" {
		if !s.feed.begun() {
			return errMessage // the first message is an ack
		}
		if r.Type == "cancel" {
			s.cancel()
		}
		return nil
	}
	first, ok := s.feed.ack(r.Seq)
	if !ok {
		return errMessage
	}
	if first {
		s.pull()
	}
	return nil
}

// codeOf tells the page why reading ended; 0 when it closed or went away itself.
func codeOf(err error) closeCode {
	var timeout net.Error
	switch {
	case errors.Is(err, errMessage):
		return codeBadMessage
	case errors.Is(err, errFlood):
		return codeFlood
	case errors.Is(err, websocket.ErrReadLimit):
		return codeTooBig
	case errors.As(err, &timeout) && timeout.Timeout():
		return codeSlow // no hello, or no pong
	default:
		return 0
	}
}

// alive gives the page time until two pongs are missed.
func (s *socket) alive() {
	if s.feed.begun() {
		s.until(2 * s.hub.limits.Ping)
	}
}

func (s *socket) until(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		_ = s.ws.SetReadDeadline(time.Now().Add(d))
	}
}

func (s *socket) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// seen is the number of the last event that was sent.
func (s *socket) seen() int64 { return s.feed.at() }

// send puts a message out. An event that finds no room ends the socket; the page
// resumes and gets it then.
func (s *socket) send(as sort, m message) {
	start, full := s.out.put(as, m.encode(s.ticket, s.hub.d.Now()))
	if full {
		s.close(codeSlow, false)
	}
	if start {
		go s.write()
	}
}

// close ends the socket with a code, after what waits (drain) or at once. The
// reader sees the end.
func (s *socket) close(code closeCode, drain bool) {
	if s.out.end(code, drain) {
		go s.write()
	}
}

// write empties the outbox and ends. There is at most one at a time.
func (s *socket) write() {
	for {
		msg, code := s.out.next()
		switch {
		case code != 0:
			s.sayGoodbye(code)
			return
		case msg == nil:
			return
		}
		_ = s.ws.SetWriteDeadline(time.Now().Add(s.hub.limits.Write))
		if s.ws.WriteMessage(websocket.TextMessage, msg) != nil {
			_ = s.raw.Close() // too slow even for one message
			return
		}
	}
}

// sayGoodbye sends the close frame and gives the page a moment to answer it.
func (s *socket) sayGoodbye(code closeCode) {
	text := websocket.FormatCloseMessage(int(code), "")
	_ = s.ws.WriteControl(websocket.CloseMessage, text, time.Now().Add(s.hub.limits.Write))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	_ = s.ws.SetReadDeadline(time.Now().Add(s.hub.limits.Linger))
}

// lingerBytes is what is read and thrown away at the end, so that a peer in the
// middle of sending sees our close and not a reset.
const lingerBytes = 2 << 20

func (s *socket) linger() {
	_ = s.raw.SetReadDeadline(time.Now().Add(s.hub.limits.Linger))
	_, _ = io.CopyN(io.Discard, s.raw, lingerBytes)
}
