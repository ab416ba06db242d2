package binding

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// App is a registered declaration system (申报系统). It is the tenant of its
// documents, tickets and bindings.
type App struct {
	unit.Row  `bson:",inline"`
	Name      string         `bson:"name"`
	Origins   []string       `bson:"origins"` // of its pages, https://host[:port], exact
	Actions   []authz.Action `bson:"actions"` // what it may ask for
	SealKinds []string       `bson:"sealKinds"`
	State     authz.State    `bson:"state"`   // active; frozen while it is stopped
	Stopped   Stopped        `bson:"stopped"` // why, by whom, since when; kept when it goes on
	Untold    bool           `bson:"untold"`  // the signer does not know State yet
	CreatedAt time.Time      `bson:"createdAt"`
}

// AppKey is a request-signing key of an application. Its id is the keyid of
// RFC 9421; the algorithm is the key's, never the request's word.
type AppKey struct {
	unit.Row  `bson:",inline"`
	App       string      `bson:"app"`
	Key       []byte      `bson:"key"` // SPKI
	State     authz.State `bson:"state"`
	NotAfter  time.Time   `bson:"notAfter"` // zero: until it is ended
	CreatedAt time.Time   `bson:"createdAt"`
}

// NewApp is what registers an application.
type NewApp struct {
	Name      string
	Origins   []string
	Actions   []authz.Action
	SealKinds []string
	Key       []byte // SPKI of its first request key
}

// Register registers a declaration system with its first key.
func (s *Service) Register(ctx context.Context, by string, n NewApp) (*App, *AppKey, error) {
	name, err := codes.CleanName(n.Name)
	if err != nil {
		return nil, nil, fault.NameBad
	}
	key, err := gm.ParsePublicKey(n.Key)
	if err != nil {
		return nil, nil, fault.BadRequest.With("field", "key")
	}
	if err := s.checkOrigins(n.Origins); err != nil {
		return nil, nil, err
	}
	app := &App{
		Row: unit.Row{ID: unit.NewID("app")}, Name: name, Origins: n.Origins, Actions: n.Actions,
		SealKinds: n.SealKinds, State: authz.Active,
	}
	kid := &AppKey{Row: unit.Row{ID: "k_" + key.Hash().Hex()[:32]}, App: app.ID, Key: key.SPKI(), State: authz.Active}
	return app, kid, s.work.Update(ctx, func(tx unit.Tx) error {
		app.CreatedAt, kid.CreatedAt = tx.Now(), tx.Now()
		if err := s.t.Apps.Insert(tx, app); err != nil {
			return err
		}
		if err := s.t.AppKeys.Insert(tx, kid); err != nil {
			if errors.Is(err, unit.ErrTaken) {
				return fault.BadRequest.With("field", "key")
			}
			return err
		}
		return s.record(tx, "register-app", "app:"+app.ID, by, "", "done")
	})
}

// checkOrigins admits exact web origins only: https, or http on the loopback
// names of the sandbox.
func (s *Service) checkOrigins(origins []string) error {
	bad := func(o string) bool {
		host, secure := strings.CutPrefix(o, "https://")
		if !secure {
			var plain bool
			host, plain = strings.CutPrefix(o, "http://")
			if !plain || !s.sandbox || !loopback(host) {
				return true
			}
		}
		return host == "" || host != strings.ToLower(host) || strings.ContainsAny(host, "/?#@*\\ \t") || !ascii(host)
	}
	if len(origins) == 0 || slices.ContainsFunc(origins, bad) {
		return fault.BadRequest.With("field", "origins")
	}
	return nil
}

func loopback(host string) bool {
	name, _, _ := strings.Cut(host, ":")
	return name == "127.0.0.1" || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e || r < 0x21 })
}

// Key gives an active key and its active application; fault.Unauthorized for
// everything else.
func (s *Service) Key(ctx context.Context, kid string) (app *App, key gm.PublicKey, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		k, err := s.t.AppKeys.Get(tx, kid)
		if err != nil {
			return absentAs(err, fault.Unauthorized)
		}
		if k.State != authz.Active || !k.NotAfter.IsZero() && !tx.Now().Before(k.NotAfter) {
			return fault.Unauthorized
		}
		if app, err = s.activeApp(tx, k.App); errors.Is(err, fault.AppInactive) {
			return fault.Unauthorized.Because(err)
		}
		if err != nil {
			return err
		}
		key, err = gm.ParsePublicKey(k.Key)
		return err
	})
	return app, key, err
}

// activeApp is check 17 of protocol.md §2.7.
func (s *Service) activeApp(tx unit.Tx, id string) (*App, error) {
	app, err := s.t.Apps.Get(tx, id)
	if err != nil {
		return nil, absentAs(err, fault.AppInactive)
	}
	if app.State != authz.Active {
		return nil, fault.AppInactive
	}
	return app, nil
}

// App gives an active application by id.
func (s *Service) App(tx unit.Tx, id string) (*App, error) { return s.activeApp(tx, id) }

// Apps lists the active applications, by name, for whoever grants a delegation.
func (s *Service) Apps(ctx context.Context) (apps []*App, err error) {
	err = s.work.View(ctx, func(tx unit.Tx) error {
		apps, err = s.t.Apps.Find(tx, unit.Query{Index: "state+name", Key: []any{authz.Active}})
		return err
	})
	return apps, err
}

func absentAs(err error, f *fault.Error) error {
	if errors.Is(err, unit.ErrAbsent) {
		return f
	}
	return err
}
