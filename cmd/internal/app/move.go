package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
)

// Move takes everything from one kind of store to the other, both as the
// configuration has them, and gives the sums of source and target, which are
// equal when it gives no error (store.Move).
func Move(ctx context.Context, cfg config.Config, from, to string, tell store.Progress) (was, is []store.Sum, err error) {
	if from == to {
		return nil, nil, errors.New("from and to are the same")
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "store.db")); from == config.Embedded && err != nil {
		return nil, nil, fmt.Errorf("data_dir %s: %w", cfg.DataDir, store.ErrNothing)
	}
	a := &App{cfg: cfg, opts: Options{Now: time.Now}, log: newLog(cfg.Log)}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.openSecrets(); err != nil {
		return nil, nil, err
	}
	source, err := a.openWhole(ctx, from)
	if err != nil {
		return nil, nil, err
	}
	target, err := a.openWhole(ctx, to)
	if err != nil {
		return nil, nil, err
	}
	return store.Move(ctx, source, target, a.secrets.Fingerprint(), tell)
}

// openWhole opens a kind of stores with all that they hold.
func (a *App) openWhole(ctx context.Context, kind string) (*store.Stores, error) {
	s, err := a.openConfigured(kind)
	if err != nil {
		return nil, err
	}
	bucket, ok := s.bucket.(store.Lister)
	if !ok {
		return nil, fmt.Errorf("the documents of %s cannot be listed", kind)
	}
	name := "folder " + a.cfg.DataDir
	if kind == config.OnMongo {
		name = fmt.Sprintf("MongoDB databases %s and %s", a.cfg.Store.MongoDB.Database, a.cfg.Store.MongoDB.SignerDatabase)
	}
	whole := &store.Stores{
		Name: name, Main: store.NewMain(store.New(s.main, a.secrets)), Journal: store.NewJournal(store.New(s.journal, a.secrets)), Blobs: bucket,
	}
	return whole, errors.Join(whole.Main.Ready(ctx), whole.Journal.Ready(ctx))
}
