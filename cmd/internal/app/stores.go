package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
)

// stores is where a node keeps everything: two engines, since the signer's
// journal is a store of its own, and a bucket for documents.
type stores struct {
	main, journal engine.Engine
	bucket        store.Bucket
}

// openStores opens what the configuration names and asks it whether this node,
// with its keys, may work on it.
func (a *App) openStores() error {
	s, err := a.openConfigured(a.cfg.Store.Engine)
	if err != nil {
		return err
	}
	a.main, a.journal = store.NewMain(store.New(s.main, a.secrets)), store.NewJournal(store.New(s.journal, a.secrets))
	if a.opts.spoil != nil {
		a.opts.spoil(a.main)
	}
	if a.blobs, err = store.NewBlobs(s.bucket, a.secrets); err != nil {
		return err
	}
	a.bucket, a.leases = s.bucket, a.main.LeasesOf(a.cfg.NodeName())
	ctx := context.Background()
	if err := errors.Join(a.main.Ready(ctx), a.journal.Ready(ctx)); err != nil {
		return err
	}
	return a.admit(ctx)
}

// openConfigured opens one kind of stores; what it opened is closed with the
// node.
func (a *App) openConfigured(kind string) (stores, error) {
	if kind == config.OnMongo {
		return a.openMongo()
	}
	return a.openFolder()
}

// openMongo opens the shared stores. The data folder is made all the same: what
// is the node's own stands there.
func (a *App) openMongo() (s stores, err error) {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return s, fmt.Errorf("data_dir: %w", err)
	}
	c := a.cfg.Store.MongoDB
	ctx, cancel := context.WithTimeout(context.Background(), c.StartTimeout.D())
	defer cancel()
	main, err := a.connect(ctx, "store.mongodb.uri", c.URI, c.Database)
	if err != nil {
		return s, err
	}
	journal, err := a.connect(ctx, "store.mongodb.signer_uri", cmp.Or(c.SignerURI, c.URI), c.SignerDatabase)
	if err != nil {
		return s, err
	}
	s.main, s.journal = main, journal
	s.bucket, err = mongo.NewBlobs(ctx, main)
	return s, err
}

func (a *App) connect(ctx context.Context, key, uri, database string) (*mongo.Engine, error) {
	c := a.cfg.Store.MongoDB
	e, err := mongo.Open(ctx, mongo.Options{
		URI: pooled(uri, c.Pool), Database: database, Log: a.log, CommandTimeout: c.Timeout.D(), CommitPatience: c.CommitPatience.D(),
		Clock: a.opts.Now, Monitor: a.opts.Monitor, Dial: a.opts.Dial,
	})
	if err != nil {
		return nil, fmt.Errorf("%s, database %s: %w", key, database, err)
	}
	a.close = append(a.close, e.Close)
	return e, nil
}

// pooled puts the size of the pool into a connection string that names none. A
// list of hosts with ports is no URL, so it is not taken apart as one.
func pooled(uri string, size int) string {
	hosts, options, _ := strings.Cut(uri, "?")
	if strings.Contains(strings.ToLower(options), "maxpoolsize=") {
		return uri
	}
	if _, rest, _ := strings.Cut(hosts, "://"); !strings.Contains(rest, "/") {
		hosts += "/"
	}
	return strings.TrimSuffix(hosts+"?"+options, "&") + and(options) + "maxPoolSize=" + strconv.Itoa(size)
}

func and(options string) string {
	if options == "" {
		return ""
	}
	return "&"
}

// openFolder opens the embedded stores in the data folder, which then is this
// process's alone.
func (a *App) openFolder() (s stores, err error) {
	if s.main, err = a.openEmbedded(a.cfg.DataDir); err != nil {
		return s, err
	}
	if s.journal, err = a.openEmbedded(filepath.Join(a.cfg.DataDir, "signer")); err != nil {
		return s, err
	}
	s.bucket, err = store.OpenDir(filepath.Join(a.cfg.DataDir, "documents"))
	return s, err
}

func (a *App) openEmbedded(dir string) (engine.Engine, error) {
	e, err := embedded.Open(dir, embedded.Options{Now: a.opts.Now})
	if err != nil {
		return nil, err
	}
	a.close = append(a.close, e.Close)
	return e, nil
}

// admit asks the stores whether this node may work on them.
func (a *App) admit(ctx context.Context) error {
	fingerprint := a.secrets.Fingerprint()
	return a.advise(errors.Join(a.main.Admit(ctx, fingerprint), a.journal.Admit(ctx, fingerprint), a.main.AtRest(ctx)))
}

// advise says what to do when the stores will not have this node.
func (a *App) advise(err error) error {
	switch {
	case errors.Is(err, store.ErrOtherKeys):
		return fmt.Errorf("keys_dir %s: %w; every node needs the same keys folder: put a copy of the right one there", a.cfg.KeysDir, err)
	case errors.Is(err, store.ErrMoved):
		return fmt.Errorf("store.engine %s: %w; set store.engine to where it was moved, or begin a new data folder", a.cfg.Store.Engine, err)
	case errors.Is(err, store.ErrMoving):
		return fmt.Errorf("store.engine %s: %w; run \"yunzhang move\" again to its end", a.cfg.Store.Engine, err)
	}
	return err
}
