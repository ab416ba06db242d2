package ws

import "sync"

// outbox is what waits to be written to one page. Events keep their order and
// are never dropped; of frames and heartbeats only the latest counts.
type outbox struct {
	mu      sync.Mutex // guards what follows
	limit   int
	events  [][]byte
	qr, hb  []byte
	ending  closeCode // sent when nothing else is left; 0: none
	writing bool      // a writer is at work, or none will be any more
}

// sort tells how a message is treated.
type sort int

const (
	anEvent sort = iota
	aFrame
	aHeartbeat
)

// put adds a message. start tells the caller to start a writer; full, that an
// event found no room: the page is too slow and has to come back.
func (o *outbox) put(as sort, msg []byte) (start, full bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ending != 0 || msg == nil {
		return false, false
	}
	switch as {
	case aFrame:
		o.qr = msg
	case aHeartbeat:
		o.hb = msg
	default:
		if len(o.events) >= o.limit {
			return false, true
		}
		o.events = append(o.events, msg)
	}
	return o.begin(), false
}

// dropFrame forgets a frame that is no longer to be shown.
func (o *outbox) dropFrame() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.qr = nil
}

// end closes the box with a code. With drain, what waits is written first. The
// first end counts.
func (o *outbox) end(code closeCode, drain bool) (start bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ending != 0 {
		return false
	}
	o.ending = code
	o.qr, o.hb = nil, nil
	if !drain {
		o.events = nil
	}
	return o.begin()
}

func (o *outbox) begin() bool {
	start := !o.writing
	o.writing = true
	return start
}

// next gives what to write: a message, or the code to close with, or neither
// when the writer may go.
func (o *outbox) next() (msg []byte, code closeCode) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case len(o.events) > 0:
		msg, o.events = o.events[0], o.events[1:]
	case o.ending != 0:
		return nil, o.ending
	case o.qr != nil:
		msg, o.qr = o.qr, nil
	case o.hb != nil:
		msg, o.hb = o.hb, nil
	default:
		o.events = nil // free the array
		o.writing = false
	}
	return msg, 0
}
