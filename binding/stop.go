package binding

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/keys"
)

// Stopped is who stopped an application last, and why.
type Stopped struct {
	By     string    `bson:"by"`
	Reason string    `bson:"reason"`
	At     time.Time `bson:"at"`
}

// StopApp is the kill switch of an application: from its first commit on nothing
// of it is let in, scanned or approved on any node (check 17 of protocol.md
// §2.7). When it returns, the signer knows, so that what was approved and not
// signed yet is refused, and every open ticket has ended (AT-044). Stopping
// what is stopped finishes what an earlier call may have left.
func (s *Service) StopApp(ctx context.Context, by, app, reason string) error {
	if err := s.switchApp(ctx, by, app, reason, authz.Frozen); err != nil {
		return err
	}
	return s.finishStop(ctx, app)
}

// RestoreApp lets a stopped application go on. What ended stays ended.
func (s *Service) RestoreApp(ctx context.Context, by, app, reason string) error {
	if err := s.switchApp(ctx, by, app, reason, authz.Active); err != nil {
		return err
	}
	return s.tellApp(ctx, app)
}

func (s *Service) switchApp(ctx context.Context, by, id, reason string, to authz.State) error {
	return s.work.Update(ctx, func(tx unit.Tx) error {
		app, err := s.t.Apps.Get(tx, id)
		if err != nil {
			return absentAs(err, fault.Absent)
		}
		if app.State == to {
			return nil
		}
		action := "restore-app"
		if app.State, app.Untold = to, true; to == authz.Frozen {
			action, app.Stopped = "stop-app", Stopped{By: by, Reason: reason, At: tx.Now()}
		}
		err = s.audit.Write(tx, audit.Record{
			Actor: by, Role: "business", Action: action, Object: "app:" + id, Decision: "done", Detail: reason,
		})
		if err != nil {
			return err
		}
		return s.t.Apps.Replace(tx, app)
	})
}

// finishStop tells the signer and ends the open tickets. A ticket that is opened
// at the same time is seen here or sees the stop itself (issue).
func (s *Service) finishStop(ctx context.Context, app string) error {
	if err := s.tellApp(ctx, app); err != nil {
		return err
	}
	var by string
	err := s.work.Update(ctx, func(tx unit.Tx) error { // see tellApp
		a, err := s.t.Apps.Get(tx, app)
		if err == nil && a.State == authz.Frozen {
			by = a.Stopped.By
		}
		return err
	})
	if err != nil || by == "" {
		return err
	}
	_, err = s.flow.WithdrawAll(ctx, app, by)
	return err
}

// tellApp tells the signer how an application stands, again while that changes
// under its hands. The row's version goes along, so that one who looked earlier
// and tells later undoes nothing. It is read in a unit that could write, not in a
// mere look, which may lag behind on a member that was elected a moment ago.
func (s *Service) tellApp(ctx context.Context, id string) error {
	for {
		var app *App
		err := s.work.Update(ctx, func(tx unit.Tx) (err error) {
			app, err = s.t.Apps.Get(tx, id)
			return err
		})
		if err != nil || !app.Untold {
			return err
		}
		tell := s.stops.Lift
		if app.State != authz.Active {
			tell = s.stops.Stop
		}
		if err := tell(ctx, keys.StopApplication, id, app.Ver); err != nil {
			return fmt.Errorf("tell the signer of an application: %w", err)
		}
		if err := s.toldApp(ctx, id, app.Ver); err != nil {
			return err
		}
	}
}

// toldApp notes that the signer knows, if the row is still the one he was told.
func (s *Service) toldApp(ctx context.Context, id string, told int64) error {
	return s.work.Update(ctx, func(tx unit.Tx) error {
		app, err := s.t.Apps.Get(tx, id)
		if err != nil || app.Ver != told || !app.Untold {
			return err
		}
		app.Untold = false
		return s.t.Apps.Replace(tx, app)
	})
}

// Retell finishes stops that a crash cut short. It runs at start and from time
// to time.
func (s *Service) Retell(ctx context.Context) error {
	var open []*App
	err := s.work.View(ctx, func(tx unit.Tx) (err error) {
		open, err = s.t.Apps.Find(tx, unit.Query{Index: "untold", Key: []any{true}})
		return err
	})
	for _, app := range open {
		if err == nil {
			err = s.finishStop(ctx, app.ID)
		}
	}
	return err
}

// Systems lists all registered applications, stopped ones too, by name.
func (s *Service) Systems(ctx context.Context) (all []*App, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		all = nil
		for _, state := range []authz.State{authz.Active, authz.Frozen} {
			found, err := s.t.Apps.Find(tx, unit.Query{Index: "state+name", Key: []any{state}})
			if err != nil {
				return err
			}
			all = append(all, found...)
		}
		return nil
	})
	slices.SortStableFunc(all, func(a, b *App) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}
