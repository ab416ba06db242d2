package qrflowtest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// testAT005FrameWindow: a frame is good for 8 s and not for 10 s after it was drawn,
// by the store's time.
func testAT005FrameWindow(t testing.TB, open Opener) {
	for after, want := range map[time.Duration]error{
		0: nil, 8 * time.Second: nil, 9*time.Second - time.Millisecond: nil,
		9 * time.Second: fault.FrameStale, 10 * time.Second: fault.FrameStale,
	} {
		w := NewWorld(t, open)
		c := w.Play(t, statement.Login, qrflow.Open)
		w.Step(30 * time.Second)
		_, n, validFor, err := w.Service.Frame(t.Context(), c.Ticket)
		if err != nil || n != 10 || validFor != 9*time.Second {
			t.Fatalf("frame %d valid for %s, %v", n, validFor, err)
		}
		scan := w.Scan(t, c.Ticket)
		w.Step(after)
		if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, scan); !errors.Is(err, want) {
			t.Errorf("after %s: %v", after, err)
		}
	}
}

// testRollIsTheFrames: what is shown without asking is what asking would give,
// for as long as the ticket is open.
func testRollIsTheFrames(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Login, qrflow.Open)
	w.Step(2 * time.Second)
	roll, err := w.Service.Roll(t.Context(), c.Ticket)
	if err != nil {
		t.Fatal(err)
	}
	const step = 2500 * time.Millisecond
	for after := time.Duration(0); ; after += step {
		want, n, valid, err := w.Service.Frame(t.Context(), c.Ticket)
		got, gotN, gotValid, ok := roll.At(after)
		if got != want || gotN != n || gotValid != valid || ok != (err == nil) {
			t.Fatalf("after %s: %q %d %s %v, asked: %q %d %s %v", after, got, gotN, gotValid, ok, want, n, valid, err)
		}
		if err != nil {
			if !errors.Is(err, fault.Expired) || after < time.Minute {
				t.Errorf("after %s: %v", after, err)
			}
			return
		}
		w.Step(step)
	}
}

// testAT014ForgedFrames: every changed bit, every number that was not drawn, and the
// proof of another ticket are the same as a code that does not exist.
func testAT014ForgedFrames(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.BadFrames = qrflow.Rate{Events: 1e6, Per: time.Minute} })
	c, other := w.Play(t, statement.Login, qrflow.Open), w.Play(t, statement.Login, qrflow.Open)
	forged := flips(c.Scan)
	for _, n := range []int64{-1, 1, 2, math.MaxUint32, math.MaxUint32 + 1, math.MinInt64} {
		forged = append(forged, qrflow.Scan{Handle: c.Scan.Handle, N: n, MAC: c.Scan.MAC})
	}
	forged = append(forged,
		qrflow.Scan{Handle: c.Scan.Handle, N: 0, MAC: other.Scan.MAC},
		qrflow.Scan{Handle: c.Scan.Handle + "=", N: 0, MAC: c.Scan.MAC},
		qrflow.Scan{Handle: c.Scan.Handle, N: 0, MAC: ""},
		qrflow.Scan{})
	for _, scan := range forged {
		_, err := w.Service.Claim(t.Context(), c.Phone.Claimant, scan)
		if !errors.Is(err, fault.TicketUnavailable) {
			t.Errorf("%+v: %v", scan, err)
		}
	}
	if w.Row(t, c.Ticket).State != qrflow.Open {
		t.Error("a forged frame changed the ticket")
	}
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); err != nil {
		t.Errorf("the genuine frame: %v", err)
	}
}

// rash is a limiter that sees nothing full: what it is asked of comes at once, and
// all of it was looked at before any was counted.
type rash struct{ qrflow.Limiter }

func (rash) Full(time.Time, ...qrflow.Limit) time.Duration { return 0 }

// testForgedFramesAtOnce: of forged frames that a device sends at the same moment no
// more are judged than of those that come one by one.
func testForgedFramesAtOnce(t testing.TB, open Opener) {
	tries := qrflow.DefaultLimits().BadFrames.Events
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limiter = rash{qrflow.NewWindows()} })
	c := w.Play(t, statement.Login, qrflow.Open)
	judged := 0
	for range tries + 3 {
		_, err := w.Service.Claim(t.Context(), c.Phone.Claimant, qrflow.Scan{Handle: c.Scan.Handle, N: 0, MAC: ""})
		switch {
		case errors.Is(err, fault.TicketUnavailable):
			judged++
		case !errors.Is(err, fault.SlowDown):
			t.Errorf("got %v", err)
		}
	}
	if judged != tries {
		t.Errorf("%d were judged, %d may be", judged, tries)
	}
}

// flips gives the scan with each single bit of handle and MAC changed.
func flips(s qrflow.Scan) (all []qrflow.Scan) {
	enc := base64.RawURLEncoding
	handle, _ := enc.DecodeString(s.Handle)
	mac, _ := enc.DecodeString(s.MAC)
	for i := range 8 * len(handle) {
		handle[i/8] ^= 1 << (i % 8)
		all = append(all, qrflow.Scan{Handle: enc.EncodeToString(handle), N: s.N, MAC: s.MAC})
		handle[i/8] ^= 1 << (i % 8)
	}
	for i := range 8 * len(mac) {
		mac[i/8] ^= 1 << (i % 8)
		all = append(all, qrflow.Scan{Handle: s.Handle, N: s.N, MAC: enc.EncodeToString(mac)})
		mac[i/8] ^= 1 << (i % 8)
	}
	return all
}

// testFramesOnlyWhileOpen: without a page there is no frame, and after the claim
// there is none any more.
func testFramesOnlyWhileOpen(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.OpenTickets = 100 })
	for _, state := range qrflow.States() {
		if state == qrflow.Open {
			continue
		}
		c := w.Play(t, statement.Stamp, state)
		want := fault.WrongState
		if state == qrflow.Expired {
			want = fault.Expired
		}
		if text, _, _, err := w.Service.Frame(t.Context(), c.Ticket); !errors.Is(err, want) || text != "" {
			t.Errorf("%s: %q, %v", state, text, err)
		}
	}
}

// testAT012GuessedHandles: fifty devices guess. Each is answered five times, the
// same for what does not exist, is another's and has ended; then it is stopped,
// whatever it presents, and one alarm tells of it.
func testAT012GuessedHandles(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c, ended := w.Play(t, statement.Login, qrflow.Open), w.Play(t, statement.Login, qrflow.Cancelled)
	guesses := []qrflow.Scan{
		{Handle: base64.RawURLEncoding.EncodeToString(make([]byte, 16)), MAC: c.Scan.MAC}, // of nothing
		{Handle: c.Scan.Handle, MAC: ended.Scan.MAC},                                      // another's, forged
		{Handle: ended.Scan.Handle, MAC: c.Scan.MAC},                                      // ended, forged
	}
	for n := range 50 {
		phone := NewPhone(t, "us_1", fmt.Sprintf("dv_guesser_%d", n%2)) // keys are dear: two of them
		phone.Device = fmt.Sprintf("dv_guesser_%d", n)
		var errs []error
		for i := range 20 {
			_, err := w.Service.Claim(t.Context(), phone.Claimant, guesses[i%len(guesses)])
			errs = append(errs, err)
		}
		if got := tally(errs); got[fault.TicketUnavailable.Code] != 5 || got[fault.SlowDown.Code] != 15 {
			t.Errorf("device %d: %v", n, got)
		}
		if _, err := w.Service.Claim(t.Context(), phone.Claimant, c.Scan); !errors.Is(err, fault.SlowDown) {
			t.Errorf("a good frame of that device meanwhile: %v", err)
		}
		if n := w.Audited(t, phone.Device)[audit.Alarm]; n != 1 {
			t.Errorf("%d alarms", n)
		}
	}
	w.Step(time.Minute)
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, w.Scan(t, c.Ticket)); err != nil {
		t.Errorf("an honest device: %v", err)
	}
}

// testEndedCodes: scanning a code whose ticket has just ended is no guess.
func testEndedCodes(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c, next := w.Play(t, statement.Login, qrflow.Open), w.Play(t, statement.Login, qrflow.Open)
	if err := w.Service.Cancel(t.Context(), c.Ticket); err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan); !errors.Is(err, fault.TicketUnavailable) {
			t.Errorf("an ended ticket: %v", err)
		}
	}
	if _, err := w.Service.Claim(t.Context(), c.Phone.Claimant, next.Scan); err != nil {
		t.Errorf("the next ticket: %v", err)
	}
}

// testSameClaimAgain: a device whose answer got lost asks again and gets the
// same claim, also with a frame that is stale by now; nothing happens twice.
func testSameClaimAgain(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	w.Step(time.Minute)
	again, err := w.Service.Claim(t.Context(), c.Phone.Claimant, c.Scan)
	if err != nil || again.ID != c.Claim.ID || string(again.Head) != string(c.Claim.Head) {
		t.Fatalf("%+v, %v", again, err)
	}
	held, err := w.Held(t, c.Phone.Claimant, c.Claim.ID)
	if err != nil || string(held.HeadBytes) != string(c.Claim.Head) || string(held.Payload) != "payload" {
		t.Errorf("%+v, %v", held, err)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed"})
}

// testFutureFrames: a genuine frame whose turn has not come is refused. A node
// that counts frames faster than the others stands for whoever could make one.
func testFutureFrames(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Login, qrflow.Open)
	w.Step(6 * time.Second)
	node := w.Service
	w.Deps.Limits.Frame = time.Second
	w.Service = w.Node(t)
	early := w.Scan(t, c.Ticket)
	if _, err := node.Claim(t.Context(), c.Phone.Claimant, early); early.N != 6 || !errors.Is(err, fault.FrameStale) {
		t.Errorf("frame %d: %v", early.N, err)
	}
}
