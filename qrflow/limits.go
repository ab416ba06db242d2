package qrflow

import (
	"sync"
	"time"

	"yunzhang.dev/authz/statement"
)

// Rate is a number of events in a window of time.
type Rate struct {
	Events int
	Per    time.Duration
}

// Limits are the times and counts of protocol.md §2.4. The zero value of a
// field takes the default of [DefaultLimits].
type Limits struct {
	Frame     time.Duration // period of a rolling frame; 1 to 5 s
	Frames    int           // how many frames are accepted: the current and those before it
	PageToken time.Duration // from issue to the page's first attach
	Open      time.Duration // from issue to the scan; never extended

	DecideLogin    time.Duration // from scan to approval
	DecideBind     time.Duration
	DecideStamp    time.Duration
	DecideDocument time.Duration // more for each document over ten
	DecideMost     time.Duration // at most, for whatever; with Open never over 600 s

	Second time.Duration // from the first approval to a second person's, where one is asked for
	Start  time.Duration // from approval to the start of stamping: an approval is not kept
	Result time.Duration // from its making to the first redeem
	Repeat time.Duration // a redeem can be repeated with the same verifier
	Report time.Duration // "I did not start this", after the end of a ticket that had an effect
	Linger time.Duration // how long a page may still ask how an ended ticket ended

	Tries       int // wrong numbers until the ticket is blocked
	Strangers   int // wrong-subject claims until it is blocked
	OpenTickets int // live tickets of one account of an application

	Tickets   Rate // of one application
	Claims    Rate // of one device
	BadFrames Rate // of one device: it guesses or its camera is broken
	Blocked   Rate // tickets blocked by one device's wrong numbers
}

// DefaultLimits gives the defaults of protocol.md §2.4.
func DefaultLimits() Limits {
	return Limits{
		Frame: 3 * time.Second, Frames: 3, PageToken: 30 * time.Second, Open: 120 * time.Second,
		DecideLogin: 90 * time.Second, DecideBind: 180 * time.Second, DecideStamp: 300 * time.Second,
		DecideDocument: 10 * time.Second, DecideMost: 480 * time.Second,
		Second: 30 * time.Minute, Start: 60 * time.Second, Result: 60 * time.Second, Repeat: 24 * time.Hour, Report: 24 * time.Hour, Linger: 10 * time.Minute,
		Tries: 2, Strangers: 3, OpenTickets: 3,
		Tickets: Rate{20, time.Second}, Claims: Rate{10, time.Minute},
		BadFrames: Rate{5, time.Minute}, Blocked: Rate{3, 24 * time.Hour},
	}
}

// outOfBand bounds a request from its issue to the decision (ASVS 6.5.5).
const outOfBand = 600 * time.Second

// withDefaults fills what was left zero, and bounds the whole of a request.
func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ set, def *time.Duration }{
		{&l.Frame, &d.Frame}, {&l.PageToken, &d.PageToken}, {&l.Open, &d.Open},
		{&l.DecideLogin, &d.DecideLogin}, {&l.DecideBind, &d.DecideBind}, {&l.DecideStamp, &d.DecideStamp},
		{&l.DecideDocument, &d.DecideDocument}, {&l.DecideMost, &d.DecideMost},
		{&l.Second, &d.Second}, {&l.Start, &d.Start}, {&l.Result, &d.Result}, {&l.Repeat, &d.Repeat}, {&l.Report, &d.Report}, {&l.Linger, &d.Linger},
	} {
		if *f.set == 0 {
			*f.set = *f.def
		}
	}
	for _, f := range []struct{ set, def *int }{
		{&l.Frames, &d.Frames}, {&l.Tries, &d.Tries}, {&l.Strangers, &d.Strangers}, {&l.OpenTickets, &d.OpenTickets},
	} {
		if *f.set == 0 {
			*f.set = *f.def
		}
	}
	for _, f := range []struct{ set, def *Rate }{
		{&l.Tickets, &d.Tickets}, {&l.Claims, &d.Claims}, {&l.BadFrames, &d.BadFrames}, {&l.Blocked, &d.Blocked},
	} {
		if *f.set == (Rate{}) {
			*f.set = *f.def
		}
	}
	l.DecideMost = min(l.DecideMost, outOfBand-l.Open)
	return l
}

// plenty is the number of documents that one needs no more time for.
const plenty = 10

// decide is how long the person has for this ticket after the scan.
func (l Limits) decide(purpose string, documents int) time.Duration {
	wait := l.DecideStamp + time.Duration(max(documents-plenty, 0))*l.DecideDocument
	switch purpose {
	case statement.Login:
		wait = l.DecideLogin
	case statement.Bind:
		wait = l.DecideBind
	}
	return min(wait, l.DecideMost)
}

// maxWindows bounds the memory of Windows: about 100 bytes a key.
const maxWindows = 100_000

// Windows is a Limiter in memory: fixed windows that begin with the first
// event. It is safe for concurrent use.
type Windows struct {
	mu   sync.Mutex
	open map[string]window // guarded by mu
}

type window struct {
	until  time.Time
	events int
}

// NewWindows makes an empty limiter.
func NewWindows() *Windows { return &Windows{open: map[string]window{}} }

// Take implements [Limiter]. When its memory is full of running windows it
// refuses new keys: a flood must not open the gates.
func (w *Windows) Take(now time.Time, key string, r Rate) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen, known := w.open[key]
	if !known || !now.Before(seen.until) {
		if !known && len(w.open) >= maxWindows && !w.sweep(now) {
			return r.Per
		}
		seen = window{until: now.Add(r.Per)}
	}
	seen.events++
	w.open[key] = seen
	if seen.events > r.Events {
		return seen.until.Sub(now)
	}
	return 0
}

// Full implements [Limiter].
func (w *Windows) Full(now time.Time, of ...Limit) (wait time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, l := range of {
		if seen := w.open[l.Key]; seen.events >= l.Events && now.Before(seen.until) {
			wait = max(wait, seen.until.Sub(now))
		}
	}
	return wait
}

// sweep drops closed windows and reports whether there is room now.
func (w *Windows) sweep(now time.Time) bool {
	for key, seen := range w.open {
		if !now.Before(seen.until) {
			delete(w.open, key)
		}
	}
	return len(w.open) < maxWindows
}
