package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
)

// mongodb looks at the shared stores as a start does: reachable, a replica set
// of a version that will do, user and rights, clocks, the keys it was made with.
func (p *patient) mongodb() {
	if p.cfg.Store.Engine != config.OnMongo {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, p.cfg.Store.MongoDB.StartTimeout.D())
	defer cancel()
	err := app.Probe(ctx, p.cfg)
	if err == nil {
		p.well("mongodb", "复制集可用，版本、权限和时钟正常，密钥相符", "the replica set answers; version, rights and clock will do, and it was made with these keys or is new")
		p.retired(ctx)
		return
	}
	for line := range strings.Lines(err.Error()) {
		zh, en := "按上面的提示改正", "mend what it says"
		var d *mongo.Diagnosis
		if errors.As(err, &d) && d.Code == "unreachable" {
			zh, en = "检查网络、防火墙、TLS 和多数成员", "look at the network, TLS, and the majority of the members"
		}
		p.ill("mongodb", strings.TrimSpace(line), zh, en)
	}
}

// retired names the indexes that only another version of the program wants: no
// fault while one is upgraded, and a cost to every write for as long as they stay.
func (p *patient) retired(ctx context.Context) {
	c := p.cfg.Store.MongoDB
	secrets, err := app.LoadSecrets(p.cfg.KeysDir)
	if err != nil {
		return // keys has said so
	}
	for _, s := range []struct {
		uri, database string
		declare       func(*store.DB) *store.DB
	}{
		{c.URI, c.Database, func(db *store.DB) *store.DB { return store.NewMain(db).DB }},
		{cmp.Or(c.SignerURI, c.URI), c.SignerDatabase, func(db *store.DB) *store.DB { return store.NewJournal(db).DB }},
	} {
		list, err := retiredOf(ctx, mongo.Options{URI: s.uri, Database: s.database, Log: slog.New(slog.DiscardHandler)},
			func(e *mongo.Engine) *store.DB { return s.declare(store.New(e, secrets)) })
		switch {
		case err != nil:
			p.ill("indexes", err.Error(), "再运行一次", "run it again")
		case len(list) > 0:
			p.well("indexes", "数据库 %s 中有其他版本的索引（其他版本都停用后请管理员 dropIndexes）：%s",
				"in the database %s are indexes of another version (dropIndexes, as an administrator, once no other version runs): %s",
				s.database, strings.Join(list, "; "))
		}
	}
}

func retiredOf(ctx context.Context, o mongo.Options, declare func(*mongo.Engine) *store.DB) (list []string, err error) {
	e, err := mongo.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.Close()) }()
	if err := declare(e).Ready(ctx); err != nil {
		return nil, err
	}
	return e.Retired(ctx)
}
