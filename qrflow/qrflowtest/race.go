package qrflowtest

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/qrflow"
)

// atOnce runs fn n times in parallel, all starting together, and gives the
// errors.
func atOnce(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// tally counts errors by code; "" is success.
func tally(errs []error) map[string]int {
	count := map[string]int{}
	for _, err := range errs {
		count[fault.CodeOf(err)]++
	}
	return count
}

// roundsOf is how often a race is run: n times, or as YUNZHANG_TEST_ROUNDS says.
func roundsOf(t testing.TB, n int) int {
	t.Helper()
	asked := os.Getenv("YUNZHANG_TEST_ROUNDS")
	if asked == "" {
		return n
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		t.Fatalf("YUNZHANG_TEST_ROUNDS=%s is no number of rounds", asked)
	}
	return n
}

// testAT024TwoClaims: two devices claim one frame at once: one winner each, and
// the loser is told nothing about him. The protocol asks for 1,000 rounds; 100
// are what every run can pay on every store.
func testAT024TwoClaims(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	nodes := []*qrflow.Service{w.Service, w.Node(t)}
	a, b := NewPhone(t, "us_1", "dv_1"), NewPhone(t, "us_1", "dv_2")
	for range roundsOf(t, 100) {
		o := w.Open(t, statement.Stamp)
		w.Attach(t, o)
		scan := w.Scan(t, o.Ticket)
		claims := make([]qrflow.Claim, 2)
		errs := atOnce(2, func(i int) (err error) {
			claims[i], err = nodes[i].Claim(t.Context(), []*Phone{a, b}[i].Claimant, scan)
			return err
		})
		if got := tally(errs); got[""] != 1 || got[fault.TicketClaimed.Code] != 1 {
			t.Fatalf("two claims: %v", errs)
		}
		for i, err := range errs {
			if err != nil && (claims[i].ID != "" || strings.Contains(fmt.Sprintf("%#v", err), "dv_")) {
				t.Errorf("the loser learns about the winner: %+v, %v", claims[i], err)
			}
		}
		if err := w.Service.Cancel(t.Context(), o.Ticket); err != nil {
			t.Fatal(err)
		}
	}
}

// testAT021ParallelApproves: 200 times the same approval at once gives one.
func testAT021ParallelApproves(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	nodes := []*qrflow.Service{w.Service, w.Node(t), w.Node(t)}
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	var mu sync.Mutex
	fresh := 0
	errs := atOnce(200, func(i int) error {
		r, err := nodes[i%len(nodes)].Approve(t.Context(), c.Phone.Claimant, c.Request)
		mu.Lock()
		defer mu.Unlock()
		if err == nil && !r.Replayed {
			fresh++
		}
		return err
	})
	if got := tally(errs); fresh != 1 || got[""]+got[fault.WrongState.Code] != len(errs) {
		t.Errorf("%d approved anew; %v", fresh, got)
	}
	w.checkApprovedOnce(t, c)
}

// checkApprovedOnce looks for one approval, one event, one effect.
func (w *World) checkApprovedOnce(t testing.TB, c *Case) {
	t.Helper()
	if n := len(w.Approved(t, c.Ticket)); n != 1 {
		t.Errorf("%d approvals", n)
	}
	if row := w.Row(t, c.Ticket); string(row.Payload) != "payload"+Settled {
		t.Errorf("the effect is %q", row.Payload)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed", "approved"})
}

// testAT022TwoSignatures: SM2 gives many signatures of one statement; two of them
// are still one approval.
func testAT022TwoSignatures(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Bind, qrflow.Claimed)
	other := c.Phone.Approval(t, c.Claim, c.Match)
	if string(other.Sig) == string(c.Request.Sig) {
		t.Fatal("the two signatures are one")
	}
	errs := atOnce(2, func(i int) error {
		_, err := w.Service.Approve(t.Context(), c.Phone.Claimant, []qrflow.ApproveRequest{c.Request, other}[i])
		return err
	})
	if got := tally(errs); got[""] < 1 || got[""]+got[fault.WrongState.Code] != 2 {
		t.Errorf("two signatures: %v", errs)
	}
	w.checkApprovedOnce(t, c)
}

// testAT018ParallelGuesses: all 999 wrong numbers at once: two are evaluated, and
// the right one comes too late.
func testAT018ParallelGuesses(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	c := w.Play(t, statement.Stamp, qrflow.Claimed)
	nodes := []*qrflow.Service{w.Service, w.Node(t), w.Node(t)}
	errs := atOnce(1000, func(i int) error {
		r := c.Request
		if r.Match = fmt.Sprintf("%03d", i); r.Match == c.Match {
			r.Match = "xyz" // one wrong form among the wrong numbers
		}
		_, err := nodes[i%len(nodes)].Approve(t.Context(), c.Phone.Claimant, r)
		return err
	})
	got := tally(errs)
	if got[fault.MatchWrong.Code] != 1 || got[fault.Blocked.Code] != 1 || got[fault.WrongState.Code] != 998 {
		t.Errorf("guesses: %v", got)
	}
	if _, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request); !errors.Is(err, fault.WrongState) {
		t.Errorf("the right number on a blocked ticket: %v", err)
	}
	if row := w.Row(t, c.Ticket); row.Tries != 2 || row.State != qrflow.Blocked {
		t.Errorf("%d tries counted, state %s", row.Tries, row.State)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed", "match_wrong", "blocked"})
}

// testParallelOpens: an account opens twenty tickets at once and has three
// (AT-044).
func testParallelOpens(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	errs := atOnce(20, func(int) error {
		_, err := w.Service.Open(t.Context(), Request(statement.Stamp))
		return err
	})
	if got := tally(errs); got[""] != 3 || got[fault.OpenTickets.Code] != 17 {
		t.Errorf("opened: %v", got)
	}
}

// testAT041Parallel: the same application redeems ten times at once: one
// first time, nine repetitions, one result.
func testAT041Parallel(t testing.TB, open Opener) {
	w := NewWorld(t, open)
	nodes := []*qrflow.Service{w.Service, w.Node(t), w.Node(t)}
	c := w.Play(t, statement.Login, qrflow.Approved)
	var mu sync.Mutex
	first := 0
	errs := atOnce(10, func(i int) error {
		r, err := nodes[i%len(nodes)].Redeem(t.Context(), App, c.Ticket, c.Code, []byte(Verifier))
		mu.Lock()
		defer mu.Unlock()
		if err == nil && !r.Repeated {
			first++
		}
		return err
	})
	if got := tally(errs); got[""] != 10 || first != 1 {
		t.Errorf("redeemed: %v, %d times for the first time", got, first)
	}
	w.checkEvents(t, c.Ticket, []string{"issued", "open", "claimed", "approved", "done"})
}

// testParallelEnds: approve, reject, cancel and withdraw at once: one of them
// happens, and the approval only if it was that one.
func testParallelEnds(t testing.TB, open Opener) {
	w := NewWorld(t, open, func(d *qrflow.Deps) { d.Limits.OpenTickets = 1000 })
	for range 20 {
		c := w.Play(t, statement.Stamp, qrflow.Claimed)
		errs := atOnce(4, func(i int) error {
			switch i {
			case 0:
				_, err := w.Service.Approve(t.Context(), c.Phone.Claimant, c.Request)
				return err
			case 1:
				return w.Service.Reject(t.Context(), c.Phone.Claimant, c.Claim.ID)
			case 2:
				return w.Service.Cancel(t.Context(), c.Ticket)
			default:
				return w.Service.Withdraw(t.Context(), App, c.Ticket)
			}
		})
		row := w.Row(t, c.Ticket)
		approved := len(w.Approved(t, c.Ticket)) == 1
		if got := tally(errs); got[""] != 1 || got[fault.WrongState.Code] != 3 {
			t.Fatalf("ends: %v", errs)
		}
		if approved != (errs[0] == nil) || approved != (row.State == qrflow.Approved) {
			t.Errorf("approved %v, state %s, %v", approved, row.State, errs[0])
		}
	}
}
