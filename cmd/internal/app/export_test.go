package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/realperson"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/qrflow"
	"yunzhang.dev/web/httpx"
)

// Beside gives options for another node, in the world of this one.
func (a *App) Beside() Options {
	o := a.opts
	o.outside = &a.outside
	return o
}

// StampedNow reports whether any document of a ticket is stamped.
func (a *App) StampedNow(ctx context.Context, ticket string) (stamped bool, err error) {
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		intents, err := a.main.Seals.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{ticket}})
		for _, in := range intents {
			stamped = stamped || in.State == cloudseal.DoneIntent
		}
		if err == nil && len(intents) == 0 {
			err = fmt.Errorf("ticket %s has no intents", ticket)
		}
		return err
	})
	return stamped, err
}

// MongoEngines are the engines of a node on MongoDB.
func (a *App) MongoEngines() (main, journal *mongo.Engine) {
	return a.main.Engine().(*mongo.Engine), a.journal.Engine().(*mongo.Engine)
}

// Sweep runs the job that removes what has lapsed.
func (a *App) Sweep(ctx context.Context) error { return a.sweep(ctx) }

// Recover runs what a start runs.
func (a *App) Recover(ctx context.Context) error { return a.recover(ctx) }

// StopApp and RestoreApp do what an operator's signed order does.
func (a *App) StopApp(ctx context.Context, app string) error {
	return a.domains.binding.StopApp(ctx, "us_operator", app, "test")
}

// RestoreApp is the undoing of StopApp.
func (a *App) RestoreApp(ctx context.Context, app string) error {
	return a.domains.binding.RestoreApp(ctx, "us_operator", app, "test")
}

// UnlockDevice does what an operator's signed order does.
func (a *App) UnlockDevice(ctx context.Context, device string) error {
	return a.domains.authz.UnlockDevice(ctx, "us_operator", device, "test")
}

// Mask lets whoever shows his face as this person be somebody else; Know undoes
// it.
func (a *App) Mask(p Person) {
	a.outside.faces.Forget(realperson.Identity{Name: p.Name, IDNumber: p.IDNumber})
}

// Recorded gives the audit records of an action, newest first.
func (a *App) Recorded(ctx context.Context, action string) (found []audit.Record, err error) {
	if _, err := a.domains.audit.Sequence(ctx); err != nil {
		return nil, err
	}
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		all, err := a.main.Audit.Find(tx, unit.Query{Index: "chain+seq", Desc: true})
		for _, r := range all {
			if r.Action == action {
				found = append(found, *r)
			}
		}
		return err
	})
	return found, err
}

// Messages gives what the sandbox sent to a phone.
func (a *App) Messages(phone string) []notify.Sent { return a.outside.outbox.Messages(phone) }

// LoseMessages makes the sandbox reach a phone no more; "" all again.
func (a *App) LoseMessages(phone string) { a.outside.outbox.Lose(phone) }

// Alarms gives what operators see, newest first.
func (a *App) Alarms(ctx context.Context) ([]*audit.Record, error) {
	return a.domains.audit.Alarms(ctx, nil, 100)
}

// Bind binds an account without the ceremony, for tests that are about what
// comes after.
func (a *App) Bind(ctx context.Context, app, account, uscc, person string) error {
	return a.main.Work.Update(ctx, func(tx unit.Tx) error {
		o, err := a.domains.authz.OrganizationByUSCC(tx, uscc)
		if err != nil {
			return err
		}
		seal, err := a.domains.seals.SealOfKind(tx, uscc, impression.Statutory)
		if err != nil {
			return err
		}
		return a.main.Binding.Bindings.Insert(tx, &binding.Binding{
			Row: unit.Row{ID: unit.NewID("bd")}, App: app, Account: account, Org: o.ID, USCC: uscc, Agent: person,
			Seal: seal.ID, Serial: seal.Serial, State: authz.Active, Live: account, Since: tx.Now(),
		})
	})
}

// NewLimiter makes the limiter of another node on the same store.
func (a *App) NewLimiter() qrflow.Limiter { return newLimiter(a.main.Work, a.main.Windows, a.log) }

// RoomFor is roomFor.
func RoomFor(used uint64) int { return roomFor(used) }

// Pooled is pooled.
func Pooled(uri string, size int) string { return pooled(uri, size) }

// Ended reports whether what was approved has come to its end: the ticket and its
// intents. A ticket that nobody approved has nothing to end.
func (a *App) Ended(ctx context.Context, id string) (ended bool, state string, err error) {
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		t, err := a.main.Tickets.Get(tx, id)
		if err != nil {
			return err
		}
		intents, err := a.main.Seals.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{id}})
		state, ended = string(t.State), !t.State.Live() || t.StateAt(tx.Now()) == qrflow.Expired
		for _, in := range intents {
			ended = ended && in.State != cloudseal.OpenIntent
		}
		ended = ended || len(intents) == 0
		return err
	})
	return ended, state, err
}

// StoredEvents gives the types of a ticket's events by number.
func (a *App) StoredEvents(ctx context.Context, id string) (types map[int64]string, err error) {
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		types = map[int64]string{}
		events, err := a.main.Events.Find(tx, unit.Query{Index: "ticket+seq", Key: []any{id}})
		for _, e := range events {
			types[e.Seq] = e.Type
		}
		return err
	})
	return types, err
}

// ApprovedAt is when a ticket was approved, by the store's time; zero when it was
// not.
func (a *App) ApprovedAt(ctx context.Context, id string) (at time.Time, err error) {
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		at = time.Time{}
		events, err := a.main.Events.Find(tx, unit.Query{Index: "ticket+seq", Key: []any{id}})
		for _, e := range events {
			if e.Type == string(qrflow.Approved) {
				at = e.At
			}
		}
		return err
	})
	return at, err
}

// StampedUnderStop waits for the end of an approved ticket and reports whether it
// was stamped, and as late when the signer took it into his journal although a
// power it stands on had been stopped.
func (a *App) StampedUnderStop(ctx context.Context, id string) (stamped bool, late error, err error) {
	for ended := false; !ended; {
		if ended, _, err = a.Ended(ctx, id); err != nil || ctx.Err() != nil {
			return false, nil, errors.Join(err, ctx.Err())
		}
		pause(ctx, 5*time.Millisecond)
	}
	entries, err := a.domains.signer.Lookup(ctx, id)
	if err != nil || len(entries) == 0 || entries[0].State != keys.Done {
		return false, nil, err
	}
	err = a.main.Work.View(ctx, func(tx unit.Tx) error {
		intents, err := a.main.Seals.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{id}})
		if err != nil || len(intents) == 0 {
			return err
		}
		q := unit.Query{Index: "seal+n", Key: []any{intents[0].Seal}}
		events, err := unit.All(tx, a.main.Seals.Events, q, func(e *cloudseal.Event) []any { return []any{e.N, e.ID} })
		if err != nil {
			return err
		}
		state := status.Usable
		for _, e := range events {
			if !e.From.After(entries[0].At) {
				state = e.State
			}
		}
		if state != status.Usable {
			late = fmt.Errorf("ticket %s was committed at %s, when its seal was %s", id, entries[0].At, state)
		}
		return nil
	})
	return true, late, err
}

// Deafen makes it so that nothing was heard from the outbox for a long time.
func (a *App) Deafen() { a.ears.hear(a.now().Add(-2 * deaf)) }

// Bucket is where sealed documents are.
func (a *App) Bucket() store.Lister { return a.bucket.(store.Lister) }

// StripMarks takes away what the stores of a configuration say of themselves.
func StripMarks(ctx context.Context, cfg config.Config) (err error) {
	a := &App{cfg: cfg, opts: Options{Now: time.Now}, log: slog.New(slog.DiscardHandler)}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.openSecrets(); err != nil {
		return err
	}
	s, err := a.openConfigured(cfg.Store.Engine)
	if err != nil {
		return err
	}
	for _, db := range []*store.DB{store.NewMain(store.New(s.main, a.secrets)).DB, store.NewJournal(store.New(s.journal, a.secrets)).DB} {
		err := db.Ready(ctx)
		if err == nil {
			err = db.Engine().Update(ctx, func(t engine.Tx) error { return t.Delete("marks", "keys") })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Answers is where this node keeps its answers.
func (a *App) Answers() httpx.Idempotency { return answers{a.main.Work, a.main.Answers} }

// Work is what this node's units run on.
func (a *App) Work() unit.Work { return a.main.Work }
