package app

import (
	"context"
	"errors"
	"time"

	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
)

// Probe opens the stores of a configuration as a start does and closes them
// again; it says what a start would say. It makes collections that are not
// there, since the right to do so is one of the things to find out, and writes
// nothing else.
func Probe(ctx context.Context, cfg config.Config) (err error) {
	a := &App{cfg: cfg, opts: Options{Now: time.Now}, log: newLog(cfg.Log)}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.openSecrets(); err != nil {
		return err
	}
	s, err := a.openConfigured(cfg.Store.Engine)
	if err != nil {
		return err
	}
	a.main, a.journal = store.NewMain(store.New(s.main, a.secrets)), store.NewJournal(store.New(s.journal, a.secrets))
	if err := errors.Join(a.main.Ready(ctx), a.journal.Ready(ctx)); err != nil {
		return err
	}
	fingerprint := a.secrets.Fingerprint()
	return a.advise(errors.Join(a.main.Matches(ctx, fingerprint), a.journal.Matches(ctx, fingerprint)))
}
