package ws

import (
	"context"
	"log/slog"
	"time"

	"yunzhang.dev/web/httpx"
)

// Tickets is what the transport needs of the ticket domain.
type Tickets interface {
	// Attach consumes a page token, or rotates a resume token, for a page of
	// origin. Faults of kinds Unauthenticated, Forbidden, NotFound, Gone, TooMany
	// become the status of the handshake.
	Attach(ctx context.Context, a Attach) (View, error)
	// Events gives the durable events with numbers above after, oldest first,
	// with what may be shown of them now. A deadline that has passed is among
	// them.
	Events(ctx context.Context, ticket string, after int64) ([]Event, error)
	// Frame gives what to show now. It is a fault when the ticket does not wait
	// for a scan. It is called only while a page is attached.
	Frame(ctx context.Context, ticket string) (Frame, error)
	// Cancel ends a ticket that is not approved yet.
	Cancel(ctx context.Context, ticket string) error
}

// Sequences tells in one look where many tickets are.
type Sequences interface {
	// LastSeqs gives where each ticket that exists stands.
	LastSeqs(ctx context.Context, tickets []string) (map[string]Last, error)
}

// Last is how far a ticket has come.
type Last struct {
	Seq  int64 // of its last event
	Page int   // of the newest attach, on whatever node: smaller ones were replaced
}

// Attach is a page at the door.
type Attach struct {
	Token  string
	Resume bool   // a resume token, not a page token
	Origin string // well formed, not yet compared with the application's
}

// View is the ticket as it was when the page attached.
type View struct {
	Ticket  string
	App     string // name of the application as people know it; "" to say nothing
	Purpose string // login, bind, stamp
	State   string
	LastSeq int64
	Left    time.Duration // until the deadline of the state
	Resume  string        // the next resume token; "" when the ticket has ended
	Page    int           // number of this attach: of two pages of a ticket the higher one stays
}

// Event is what happened, as the page may see it.
type Event struct {
	Seq  int64
	Type string // issued open claimed match_wrong wrong_subject approved signing done rejected expired cancelled blocked failed
	At   time.Time
	// Who and Match: on claimed, while it is. Left: to decide.
	Who, Match string
	Left       time.Duration
	TriesLeft  int
	Done       int // of Total stamps
	Total      int
	// ResultCode: on approved (log-in, bind) or done (stamp), while it may be
	// redeemed.
	ResultCode string
	ResultFor  time.Duration
	Reason     string
}

// Frame is one code.
type Frame struct {
	Text     string
	N        int
	ValidFor time.Duration
	// Next gives what to show so long after this frame was asked for, so that
	// each need not be asked for; false when there is nothing to show by then. It
	// is called for a page that is attached and waits, when the frame is due. Nil:
	// ask.
	Next func(after time.Duration) (Frame, bool)
}

// Limits bounds sockets. Zero fields take the defaults of protocol.md §2.10.
type Limits struct {
	Message   int           // bytes of a message of a page: 4096; its longest has 40
	Queue     int           // events that may wait for a slow page: 32; a ticket has about ten
	Ping      time.Duration // 15 s; two missed pongs end the socket
	Hello     time.Duration // 5 s from the upgrade to the page's first message
	Write     time.Duration // 5 s for one message
	Linger    time.Duration // 1 s for the answer to our close
	Frame     time.Duration // 3 s, the period of frames; the domain's own
	Recheck   time.Duration // 5 s between looks at all tickets of this node
	Attempts  httpx.Rate    // handshakes of one address: 120 a minute, a restart's worth at once
	PerIP     int           // 50 sockets of one address (IPv6: one /64)
	Sockets   int           // 20 000 of this node, about 200 MiB
	Messages  int           // 5 a second of one page, 20 at once
	InBytes   int           // 8 KiB a second on one wire, 64 KiB at once, frames and pings included
	Lookups   int           // 32 questions to the domain at once
	DomainFor time.Duration // 5 s for one of them
}

func (l Limits) withDefaults() Limits {
	set(&l.Message, 4096)
	set(&l.Queue, 32)
	set(&l.Ping, 15*time.Second)
	set(&l.Hello, 5*time.Second)
	set(&l.Write, 5*time.Second)
	set(&l.Linger, time.Second)
	set(&l.Frame, 3*time.Second)
	set(&l.Recheck, 5*time.Second)
	if l.Attempts == (httpx.Rate{}) {
		l.Attempts = httpx.Rate{Count: 120, Per: time.Minute}
	}
	l.Attempts.Name = "handshakes"
	set(&l.PerIP, 50)
	set(&l.Sockets, 20_000)
	set(&l.Messages, 5)
	set(&l.InBytes, 8<<10)
	set(&l.Lookups, 32)
	set(&l.DomainFor, 5*time.Second)
	return l
}

func set[T int | time.Duration](field *T, fallback T) {
	if *field == 0 {
		*field = fallback
	}
}

// Deps is what a Hub needs.
type Deps struct {
	Tickets   Tickets
	Sequences Sequences
	Log       *slog.Logger
	Now       func() time.Time // for the ts of messages
	// Hosts are the names of the socket host, with the port where it is not the
	// scheme's own. It has no cookies and no pages.
	Hosts []string
	// LoopbackOrigins admits http:// origins of localhost, for the sandbox.
	LoopbackOrigins bool
	Limits          Limits
}
