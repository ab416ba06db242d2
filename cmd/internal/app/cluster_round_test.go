package app_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// plan is what a seed decides.
type plan struct {
	seed   uint64
	limit  int // uses of the delegation
	asks   int // requests under it
	blow   blow
	yes    [2]time.Duration // when the phones say it
	end    string           // how the power ends meanwhile, "" for not at all
	ending time.Duration    // when
	verify bool             // the stamped documents are verified as anybody would
}

// How a power ends.
const (
	byRevocation = "revocation"
	byFreeze     = "freeze"
)

func newPlan(seed uint64) plan {
	r := rand.New(rand.NewPCG(seed, 66))
	p := plan{seed: seed, limit: 1 + r.IntN(2), asks: 1 + r.IntN(2), blow: newBlow(r), end: []string{"", "", byRevocation, byFreeze}[r.IntN(4)], verify: r.IntN(20) == 0}
	for i := range p.yes {
		p.yes[i] = time.Duration(r.IntN(15)) * time.Millisecond
	}
	p.ending = time.Duration(r.IntN(25)) * time.Millisecond
	return p
}

// asked is one request of a round and what people were told of it.
type asked struct {
	ticket, document string
	page             *waiting
	scan             *client.Scan
	number           string
	answer           error // of the approval; nil: it counts
	last             drive.Message
}

// round is one seed: one or two requests under a delegation, each approved, a blow,
// and perhaps the end of the power. Then everything is healed and held against what
// people were told.
func (k *arena) round(t testing.TB, seed uint64) error {
	t.Helper()
	p := newPlan(seed)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var err error
	if k.delegation, err = k.grant(ctx, p.limit); err != nil {
		return fmt.Errorf("delegate: %w", err)
	}
	x := &round{arena: k, plan: p}
	for range p.asks {
		x.requests = append(x.requests, &asked{})
	}
	err = x.run(ctx, t)
	return errors.Join(err, x.tidy(ctx))
}

type round struct {
	*arena
	plan
	requests []*asked

	struck time.Time
	ended  time.Time // when the end of the power was acknowledged
	told   [2]bool   // approved when it was
}

func (x *round) run(ctx context.Context, t testing.TB) error {
	var blow sync.WaitGroup
	strike := func() {
		x.struck = time.Now()
		x.strike(t, x.blow, x.seed)
	}
	if x.blow.early {
		blow.Go(strike)
	}
	err := x.each(func(i int, a *asked) error {
		return x.prepare(ctx, a, fmt.Sprint("load-", (2*x.seed+uint64(i))%accounts))
	})
	if err != nil {
		blow.Wait()
		return err
	}
	var all sync.WaitGroup
	if !x.blow.early {
		blow.Go(func() { pauseFor(ctx, x.blow.before); strike() })
	}
	var ended error
	all.Go(func() { ended = x.endPower(ctx) })
	all.Go(func() { err = x.each(func(i int, a *asked) error { return x.approve(ctx, a, x.yes[i]) }) })
	blow.Wait()
	all.Wait()
	if err := errors.Join(ended, err); err != nil {
		return err
	}
	if err := x.finish(ctx); err != nil {
		return err
	}
	x.recovered = append(x.recovered, time.Since(x.struck).Round(time.Millisecond))
	return x.judge(ctx)
}

// each runs do for both requests at once.
func (x *round) each(do func(int, *asked) error) error {
	errs := make([]error, len(x.requests))
	var all sync.WaitGroup
	for i, a := range x.requests {
		all.Go(func() { errs[i] = do(i, a) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// prepare brings a request to where the phone may say yes.
func (x *round) prepare(ctx context.Context, a *asked, account string) error {
	d, err := insist(ctx, func() (*ds.Document, error) { return x.system.Upload(ctx, "登记表.pdf", x.file) })
	if err != nil {
		return fmt.Errorf("upload: %w", err)
	}
	a.document = d.ID
	r, err := insist(ctx, func() (*drive.Request, error) {
		return x.system.Ask(ctx, drive.StampAsk(account, uscc, d.ID, 1, 130, 200))
	})
	if err != nil {
		return fmt.Errorf("ask: %w", err)
	}
	a.ticket, a.page = r.Ticket, &waiting{net: x.Net, origin: x.system.Origin, url: r.Opened.SocketURL, page: r.Page}
	a.scan, err = insist(ctx, func() (*client.Scan, error) {
		m, err := a.page.wait(ctx, func(m drive.Message) bool { return m.Type == "qr" || m.Type == "ended" })
		if err != nil {
			return nil, err
		}
		return x.agent.Scan(ctx, m.QR)
	})
	if err != nil {
		return fmt.Errorf("scan: %w", err)
	}
	if _, err := insist(ctx, func() (struct{}, error) { return struct{}{}, x.agent.Look(ctx, a.scan) }); err != nil {
		return fmt.Errorf("documents: %w", err)
	}
	m, err := a.page.wait(ctx, func(m drive.Message) bool { return m.Type == "claimed" && m.Match != "" || m.Type == "ended" })
	a.number = m.Match
	if err == nil && a.number == "" {
		err = fmt.Errorf("it ended as %s %s", m.State, m.Reason)
	}
	return err
}

// approve says yes; a refusal is an answer too.
func (x *round) approve(ctx context.Context, a *asked, after time.Duration) error {
	pauseFor(ctx, after)
	_, a.answer = insist(ctx, func() (string, error) { return x.yesser.Approve(ctx, a.scan, a.number) })
	if a.answer != nil && (drive.Code(a.answer) == "" || ctx.Err() != nil) {
		return fmt.Errorf("approve: %w", a.answer)
	}
	return nil
}

// endPower ends the power, and looks what had been approved when that was
// acknowledged.
func (x *round) endPower(ctx context.Context) (err error) {
	if x.end == "" {
		return nil
	}
	pauseFor(ctx, x.ending)
	if x.end == byFreeze {
		_, err = insist(ctx, func() (*client.Seal, error) { return x.legal.Freeze(ctx, x.seal, "怀疑被冒用") })
	} else {
		err = x.revoke(ctx)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", x.end, err)
	}
	x.ended = time.Now()
	for i, a := range x.requests {
		at, err := insist(ctx, func() (time.Time, error) { return x.app.ApprovedAt(ctx, a.ticket) })
		if err != nil {
			return err
		}
		x.told[i] = !at.IsZero()
	}
	return nil
}

func (k *arena) revoke(ctx context.Context) error {
	_, err := insist(ctx, func() (*client.Result, error) {
		d, err := k.legal.DraftRevocation(ctx, statement.OfDelegation, k.delegation, "不再需要")
		if err != nil {
			return nil, err
		}
		return k.owner.Sign(ctx, d)
	})
	return err
}

func (k *arena) grant(ctx context.Context, uses int) (string, error) {
	made, err := insist(ctx, func() (*client.Result, error) {
		place, err := k.legal.Place(ctx, uscc)
		if err != nil {
			return nil, err
		}
		d, err := k.legal.DraftDelegation(ctx, place, client.Grant{
			AgentID: k.agent.Person(), AppID: k.system.App, Actions: []string{"bind", "login", "stamp"}, Seals: []string{k.seal},
			NotAfter: time.Now().Add(30 * 24 * time.Hour), Max: uses,
		})
		if err != nil {
			return nil, err
		}
		return k.owner.Sign(ctx, d)
	})
	if err != nil {
		return "", err
	}
	return made.SubjectID, nil
}

// finish lets the nodes bring to its end what was left open, as their starts do,
// and each page see the end of what was approved.
func (x *round) finish(ctx context.Context) error {
	return x.each(func(_ int, a *asked) error {
		for {
			ended, state, err := x.app.Ended(ctx, a.ticket)
			if err == nil && ended {
				break
			}
			if ctx.Err() != nil {
				return fmt.Errorf("ticket %s is still %s: %w", a.ticket, state, errors.Join(err, ctx.Err()))
			}
			for _, node := range x.alive() {
				_ = node.Recover(ctx) // the next look tells
			}
			pauseFor(ctx, 50*time.Millisecond)
		}
		if a.answer != nil {
			return nil
		}
		var err error
		a.last, err = a.page.wait(ctx, func(m drive.Message) bool { return m.ResultCode != "" || m.Type == "ended" })
		return err
	})
}

// tidy ends what the round leaves, so that the next begins from nothing.
func (x *round) tidy(ctx context.Context) (err error) {
	for _, a := range x.requests {
		if a.page != nil {
			a.page.keep()
		}
		if a.ticket != "" && a.answer != nil {
			_, err := insist(ctx, func() (struct{}, error) { return struct{}{}, x.system.Cancel(ctx, a.ticket) })
			if err != nil && drive.Code(err) != "wrong-state" {
				return fmt.Errorf("cancel: %w", err)
			}
		}
	}
	if x.end == byFreeze {
		_, err = insist(ctx, func() (struct{}, error) { return struct{}{}, drive.Unfreeze(ctx, x.legal, x.seal) })
	}
	if x.end != byRevocation {
		err = errors.Join(err, x.revoke(ctx))
	}
	return err
}

// judge holds what is stored against what people were told.
func (x *round) judge(ctx context.Context) error {
	var ids []string
	for _, a := range x.requests {
		ids = append(ids, a.ticket)
	}
	stamped, _, err := x.app.AgreeOn(ctx, x.delegation, ids)
	if err != nil {
		return err
	}
	if stamped > x.limit {
		return fmt.Errorf("%d stamps under a limit of %d", stamped, x.limit)
	}
	x.stamps += stamped
	return x.each(func(i int, a *asked) error {
		if err := x.judgeOne(ctx, i, a); err != nil {
			return fmt.Errorf("request %d, ticket %s: %w", i, a.ticket, err)
		}
		return nil
	})
}

func (x *round) judgeOne(ctx context.Context, i int, a *asked) error {
	o, err := x.app.Outcome(ctx, a.ticket)
	if err != nil {
		return err
	}
	switch {
	case o.Approved && a.answer != nil && drive.Code(a.answer) != "wrong-state": // so it answers again when all is over
		return fmt.Errorf("approved, and the phone was told %w", a.answer)
	case !o.Approved && a.answer == nil:
		return errors.New("the acknowledged approval is lost")
	case o.Approved && x.end != "" && !x.told[i]:
		return fmt.Errorf("approved after its %s was acknowledged", x.end)
	case o.Approved && !o.Stamped && x.end == "":
		return errors.New("approved, and not stamped although nothing forbids it")
	case o.Stamped && !x.ended.IsZero() && o.SignedAt.After(x.ended):
		return fmt.Errorf("signed at %s, after its %s was acknowledged at %s", o.SignedAt, x.end, x.ended)
	case a.answer == nil && (a.last.ResultCode != "") != o.Stamped:
		return fmt.Errorf("stamped %t, and the page was told %+v", o.Stamped, a.last)
	}
	if err := shownIsStored(ctx, x.app, a); err != nil || !o.Stamped || !x.verify {
		return err
	}
	return x.genuine(ctx, a)
}

// shownIsStored holds every event that the page was shown against the stored
// ones (AT-066).
func shownIsStored(ctx context.Context, by *app.App, a *asked) error {
	stored, err := by.StoredEvents(ctx, a.ticket)
	if err != nil {
		return err
	}
	for _, m := range append(a.page.page.Seen(), a.page.seen...) {
		want := m.Type
		if want == "ended" {
			want = m.State
		}
		if m.Seq != 0 && stored[m.Seq] != want {
			return fmt.Errorf("the page was shown event %d as %s, stored is %q", m.Seq, want, stored[m.Seq])
		}
	}
	return nil
}

// genuine verifies the stamped document as anybody would.
func (x *round) genuine(ctx context.Context, a *asked) error {
	b, err := x.system.Stamped(ctx, a.document)
	if err != nil {
		return err
	}
	bundle, err := x.system.Evidence(ctx, a.ticket)
	if err != nil {
		return err
	}
	trusted, err := verify.ParseBundle(bundle)
	if err != nil {
		return err
	}
	trust, err := trusted.Trust()
	if err != nil {
		return err
	}
	if r := verify.Document(b, trust); r.Verdict != verify.Genuine || len(r.Stamps) != 1 {
		return fmt.Errorf("the document: %s, %d stamps", r.Verdict, len(r.Stamps))
	}
	return nil
}
