package pagebench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// delay is how soon a page knew of its approval.
type delay struct {
	answered time.Duration // from the answer to the phone, which follows the commit; 0: it knew before
	sent     time.Duration // from the sending of the request: with all checks and the commit
}

// patience is how long an approval may take before the run gives it up.
const patience = 30 * time.Second

// approvals has the agent approve n requests, one after the other, each of a page
// that is chosen at random, spread over the given time.
func (c *crowd) approvals(ctx context.Context, phone *client.Phone, n int, over time.Duration) (list []delay, err error) {
	u, err := phone.Unlock(ctx, drive.PIN)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	tick := time.NewTicker(over / time.Duration(n))
	defer tick.Stop()
	for range n {
		d, err := c.approval(ctx, phone, u, c.pages[rand.IntN(len(c.pages))])
		switch {
		case errors.Is(err, errNoCode):
		case err != nil:
			return list, err
		default:
			list = append(list, d)
		}
		select {
		case <-ctx.Done():
			return list, ctx.Err()
		case <-tick.C:
		}
	}
	return list, nil
}

// errNoCode: the page was just about to open another ticket.
var errNoCode = errors.New("pagebench: the page shows no code")

func (c *crowd) approval(ctx context.Context, phone *client.Phone, u *client.Unlocked, p *page) (d delay, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	events := make(chan arrival, 16)
	p.watch(events)
	defer p.watch(nil)
	scan, err := claim(ctx, phone, p)
	if err != nil {
		return d, err
	}
	shown, err := await(ctx, events, "claimed")
	if err != nil {
		return d, err
	}
	sent := time.Now()
	_, err = u.Approve(ctx, scan, shown.Match)
	if drive.Code(err) == fault.StepUpNeeded.Code {
		if err := drive.FreshFor(ctx, phone, scan); err != nil {
			return d, err
		}
		sent = time.Now()
		_, err = u.Approve(ctx, scan, shown.Match)
	}
	if err != nil {
		return d, fmt.Errorf("approve: %w", err)
	}
	answered := time.Now()
	done, err := await(ctx, events, "done")
	return delay{max(done.at.Sub(answered), 0), done.at.Sub(sent)}, err
}

// claim scans what is on the page, and again when the code has rolled on.
func claim(ctx context.Context, phone *client.Phone, p *page) (*client.Scan, error) {
	for range 5 {
		frame := p.code()
		if frame == "" {
			return nil, errNoCode
		}
		scan, err := phone.Scan(ctx, frame)
		switch drive.Code(err) {
		case fault.FrameStale.Code:
			continue
		case fault.Expired.Code, fault.TicketUnavailable.Code:
			return nil, errNoCode
		}
		if err != nil {
			return nil, fmt.Errorf("scan: %w", err)
		}
		return scan, nil
	}
	return nil, errNoCode
}

func await(ctx context.Context, events <-chan arrival, kind string) (arrival, error) {
	for {
		select {
		case <-ctx.Done():
			return arrival{}, fmt.Errorf("no %q came: %w", kind, ctx.Err())
		case a := <-events:
			if a.Type == kind {
				return a, nil
			}
			if a.Type == "ended" {
				return a, fmt.Errorf("the request ended before %q: %s %s", kind, a.State, a.Reason)
			}
		}
	}
}

// percentile of a list, 0 for an empty one.
func percentile(list []delay, p int, of func(delay) time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	all := make([]time.Duration, len(list))
	for i, d := range list {
		all[i] = of(d)
	}
	slices.Sort(all)
	return all[(len(all)*p+99)/100-1]
}
