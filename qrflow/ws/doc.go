// Package ws is the websocket of waiting pages (protocol.md §2.10): a page with
// a token attaches to its ticket, is given rolling frames, and learns what
// happens until the ticket ends.
//
// It owns the handshake, the messages, the limits and the close codes. It does
// not own tickets: tokens, states, numbers and result codes come through the
// port Tickets and pass on unread. What is lost here is lost to nobody: events
// are durable in the domain, a page that resumes gets what it missed, and every
// socket is looked after again every few seconds whether or not it was woken.
//
// A handshake is checked in this order, and answered with a bare status when it
// fails: host, websocket request, no query, Origin, subprotocols, room for one
// more socket, token. After it a page is one goroutine, which does nothing but wait
// for the next frame, so that its stack stays the smallest there is; another one
// reads what came and begins the waiting anew. Whoever has something to send starts
// a writer that ends when nothing is left to write.
//
//	server → page  hello qr claimed match_wrong wrong_subject approved signing done rejected ended hb
//	page → server  ack cancel hb
//
// The page's first message is an ack of the last event it has (0 for none), in
// answer to hello; events behind it follow. done carries the result code, also
// for log-in and bind, where it is sent in place of approved.
package ws
