package main

import (
	"context"
	"errors"
	"strings"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
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
