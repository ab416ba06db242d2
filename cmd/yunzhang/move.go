package main

import (
	"errors"
	"fmt"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/store"
)

type moveCmd struct {
	configFlag
	From string `required:"" enum:"embedded,mongodb" help:"从哪里：embedded（数据目录）或 mongodb。· Where everything is: embedded (data_dir) or mongodb."`
	To   string `required:"" enum:"embedded,mongodb" help:"到哪里，必须为空。· Where it goes; it must be empty."`
}

// Help teaches.
func (moveCmd) Help() string {
	return `Takes everything, rows, documents and the signer's store, from the data folder to
MongoDB or back. Both are what the configuration names: data_dir, store.mongodb. All
nodes are stopped for it. Rows are moved as they are, encrypted. At the end source and
target are read and compared, collection by collection; the lists are printed.

    yunzhang move --from embedded --to mongodb
    yunzhang move --from mongodb --to embedded --config /etc/yunzhang/yunzhang.toml

Then set store.engine to the new place and start. The source stays and is marked: no
node works on it any more. A move that broke off is run again and goes on where it was.`
}

// Run moves.
func (m moveCmd) Run(e *env) error {
	if m.From == m.To {
		return usageError{e.say("--from 和 --to 相同", "--from and --to are the same")}
	}
	cfg, err := m.load(e)
	if err != nil {
		return err
	}
	cfg.Store.Engine = config.OnMongo // checks store.mongodb, which is one of the two
	if err := cfg.Validate(); err != nil {
		return err
	}
	was, is, err := app.Move(e.ctx, cfg, m.From, m.To, func(where, collection string, rows int) {
		fmt.Fprintf(e.err, "%s.%s  %d\n", where, collection, rows)
	})
	m.compare(e, was, is)
	if err != nil {
		return m.mend(e, err)
	}
	e.printf(e.say("已全部搬移并核对一致。请把 store.engine 设为 %q 后启动。\n", "Everything was moved and is equal. Set store.engine = %q, then start.\n"), m.To)
	return nil
}

// compare prints the sums of both sides.
func (m moveCmd) compare(e *env, was, is []store.Sum) {
	for i, s := range was {
		if i >= len(is) {
			return
		}
		e.printf("%s %-22s %8d  %s\n", sign(s == is[i]), s.Name, s.Rows, s.SM3.Hex()[:32])
		if s != is[i] {
			e.printf("  %-22s %8d  %s\n", m.To, is[i].Rows, is[i].SM3.Hex()[:32])
		}
	}
}

// mend adds to an error what to do about it.
func (m moveCmd) mend(e *env, err error) error {
	for reason, advice := range map[error]string{
		store.ErrNotEmpty: e.say("换一个空的数据目录或数据库", "name an empty data folder or database"),
		store.ErrRunning:  e.say("先停掉所有节点", "stop every node first"),
		store.ErrDiffers:  e.say("目标没有启用；清空后再搬一次", "the target was not taken into use; empty it and move again"),
		store.ErrFenced:   e.say("目标没有启用；停掉所有节点，清空目标后再搬一次", "the target was not taken into use; stop every node, empty it and move again"),
		store.ErrMoving:   e.say("先完成上一次搬移", "finish the earlier move first"),
	} {
		if errors.Is(err, reason) {
			return fmt.Errorf("%w → %s", err, advice)
		}
	}
	return err
}
