package app

import (
	"context"
	"errors"
	"fmt"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/pdf"
)

// Checkpoints are the named points of a stamp at which tests kill the process;
// RefusalCheckpoints are those of one that the signer will not make.
var (
	Checkpoints        = []string{"intent", "evidence", "journal", "value", "kept", "signed", "completed", "checked", "stored", "settled"}
	RefusalCheckpoints = []string{"buried", "settled"}
)

// accord is what Agree has seen so far.
type accord struct {
	*App
	used  map[int]string       // ticket of each slot with a stamp
	ended map[[2]string]int    // audit records of ends: action and object; nil: not looked at
	files []cloudseal.Document // that should hold one stamp
}

// Agree checks that everything written about stamps agrees: intents, documents
// and what their files hold, approvals, slots, the signer's journal and the audit
// chain. It gives how many tickets were stamped and how many refused.
func (a *App) Agree(ctx context.Context, delegation string, tickets []string) (stamped, refused int, err error) {
	if err := a.VerifyAudit(ctx); err != nil {
		return 0, 0, err
	}
	return a.agree(ctx, &accord{App: a, ended: map[[2]string]int{}}, delegation, tickets)
}

// VerifyAudit chains the audit records and checks the chain. A node that was killed
// while it chained leaves its transaction behind, whose rows nobody else can write
// until the replica set ends it: losing a race once more is no answer here.
func (a *App) VerifyAudit(ctx context.Context) error {
	_, err := a.domains.audit.Sequence(ctx)
	for errors.Is(err, unit.ErrConflict) && ctx.Err() == nil {
		_, err = a.domains.audit.Sequence(ctx)
	}
	if err != nil {
		return err
	}
	_, err = a.domains.audit.Verify(ctx)
	return err
}

// AgreeOn is Agree without the audit chain, which grows with the store.
func (a *App) AgreeOn(ctx context.Context, delegation string, tickets []string) (stamped, refused int, err error) {
	return a.agree(ctx, &accord{App: a}, delegation, tickets)
}

func (a *App) agree(ctx context.Context, g *accord, delegation string, tickets []string) (stamped, refused int, err error) {
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		stamped, refused, g.used, g.files = 0, 0, map[int]string{}, nil
		if err := g.readAudit(tx); err != nil {
			return err
		}
		for _, id := range tickets {
			done, err := g.ticket(ctx, tx, id)
			if err != nil {
				return fmt.Errorf("ticket %s: %w", id, err)
			}
			if done {
				stamped++
			} else {
				refused++
			}
		}
		return g.slots(tx, delegation)
	})
	return stamped, refused, errors.Join(err, g.readFiles(ctx))
}

// readAudit counts the records of ends.
func (g *accord) readAudit(tx unit.Tx) error {
	if g.ended == nil {
		return nil
	}
	clear(g.ended)
	var after []any
	for {
		page, err := g.main.Audit.Find(tx, unit.Query{Index: "chain+seq", Key: []any{"main"}, After: after})
		if err != nil {
			return err
		}
		for _, r := range page {
			g.ended[[2]string{r.Action, r.Object}]++
			after = []any{r.Seq, r.ID}
		}
		if len(page) < unit.DefaultLimit {
			return nil
		}
	}
}

// ticket reports whether a ticket was stamped.
func (g *accord) ticket(ctx context.Context, tx unit.Tx, id string) (bool, error) {
	t, err := g.main.Tickets.Get(tx, id)
	if err != nil {
		return false, err
	}
	intents, err := g.main.Seals.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{id}})
	if err != nil {
		return false, err
	}
	_, err = g.main.Approvals.Get(tx, id)
	if approved := err == nil; approved != (len(intents) > 0) {
		return false, fmt.Errorf("%s: approved %v with %d intents: %w", t.State, approved, len(intents), err)
	}
	if len(intents) == 0 {
		return false, nil
	}
	entries, err := g.domains.signer.Lookup(ctx, id)
	if err != nil {
		return false, err
	}
	done := intents[0].State == cloudseal.DoneIntent
	if ended := t.State == "done"; ended != done || t.State.Live() {
		return false, fmt.Errorf("%s, and the first intent is %s", t.State, intents[0].State)
	}
	if n := g.ended[[2]string{"document.refused", id}]; g.ended != nil && ((n == 1) == done || n > 1) {
		return false, fmt.Errorf("%s, and %d records of a refusal", t.State, n)
	}
	for i, in := range intents {
		if err := g.intent(tx, in, done, signedAt(entries, i)); err != nil {
			return false, fmt.Errorf("document %d: %w", i+1, err)
		}
	}
	return done, nil
}

func signedAt(entries []*keys.Entry, i int) bool {
	return i < len(entries) && entries[i].State == keys.Done
}

// intent checks one document of a ticket.
func (g *accord) intent(tx unit.Tx, in *cloudseal.Intent, done, signed bool) error {
	d, err := g.main.Seals.Documents.Get(tx, in.Document)
	if err != nil {
		return err
	}
	want := cloudseal.FailedIntent
	if done {
		want = cloudseal.DoneIntent
	}
	stamped, records := d.State == cloudseal.StampedDoc, g.ended[[2]string{"document.stamped", d.ID}]
	told := g.ended == nil || records <= 1 && (records == 1) == done
	if in.State != want || stamped != done || signed != done || !told {
		return fmt.Errorf("intent %s, document %s, signed %v, %d records of a stamp", in.State, d.State, signed, records)
	}
	if !done {
		return nil
	}
	if other, twice := g.used[in.Slot]; twice {
		return fmt.Errorf("slot %d is also of %s", in.Slot, other)
	}
	g.used[in.Slot] = in.Ticket
	g.files = append(g.files, *d)
	return nil
}

// slots: taken are exactly the slots on stamps, and the delegation counts the
// same.
func (g *accord) slots(tx unit.Tx, delegation string) error {
	d, err := g.domains.authz.Delegation(tx, delegation)
	if err != nil {
		return err
	}
	taken := 0
	for n := 1; n < d.Next; n++ {
		row, err := g.main.Authz.Slots.Get(tx, authz.SlotID(delegation, n))
		if err != nil {
			return err
		}
		if row.Ticket != g.used[n] {
			return fmt.Errorf("slot %d is taken by %q and stamped by %q", n, row.Ticket, g.used[n])
		}
		if row.Ticket != "" {
			taken++
		}
	}
	if taken != len(g.used) || d.Left() != d.Max-taken {
		return fmt.Errorf("%d taken, %d stamped, %d of %d left", taken, len(g.used), d.Left(), d.Max)
	}
	return nil
}

// readFiles: each stored result holds one stamp.
func (g *accord) readFiles(ctx context.Context) error {
	for i := range g.files {
		b, err := g.domains.seals.Result(ctx, &g.files[i])
		if err != nil {
			return fmt.Errorf("document %s: %w", g.files[i].ID, err)
		}
		if found, err := pdf.Find(b); err != nil || len(found) != 1 {
			return fmt.Errorf("document %s: %d stamps in its file: %w", g.files[i].ID, len(found), err)
		}
	}
	return nil
}
