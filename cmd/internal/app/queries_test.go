package app_test

import (
	"context"
	"errors"
	"testing"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// leastForms of queries there are when the flows of the test have run: fewer
// would mean that it looks at something else.
const leastForms = 90

// Every query that the program sends to MongoDB is a declared one, and on a real
// server explain names the index that it must use: not only for the collections
// of the engine's own tests.
func TestQueriesOfTheProgram(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{})
	j := &mongotest.Judge{}
	dir, o := t.TempDir(), app.Options{Unlimited: true, World: drive.World(), Monitor: j.Monitor()}
	base, c, a := startNode(t, dir, o, (*app.App).Run, func(c *config.Config) { c.Store = storetest.On(t, set) })
	p := gatherAlone(t, dir, 10, base, c, a)
	p.everything(t)
	main, journal := a.MongoEngines()
	m := c.Store.MongoDB
	forms := j.Verdict(t, main, set, m.Database) + j.Verdict(t, journal, set, m.SignerDatabase)
	t.Logf("%d forms of queries", forms)
	if forms < leastForms {
		t.Errorf("only %d forms of queries", forms)
	}
}

// everything does once what people and jobs do.
func (p *party) everything(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	check(t, p.stampOnce(ctx, t))
	r, err := p.system.Ask(ctx, ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "zhangsan"}})
	check(t, err)
	check(t, drive.Confirm(ctx, p.agent, r))
	_, err = p.system.Fetch(ctx, r)
	check(t, err)
	check(t, p.look(ctx, t))
	_, err = p.legal.Freeze(ctx, p.seal, "怀疑被冒用")
	check(t, err)
	check(t, drive.Unfreeze(ctx, p.legal, p.seal))
	d, err := p.legal.DraftRevocation(ctx, "delegation", p.delegation, "不再需要")
	_, err = drive.Sign(ctx, p.legal, d, err)
	check(t, err)
	check(t, errors.Join(p.app.VerifyAudit(ctx), p.app.Recover(ctx), p.app.Sweep(ctx)))
}

func (p *party) stampOnce(ctx context.Context, t *testing.T) error {
	t.Helper()
	d, err := p.system.Upload(ctx, "登记表.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	p.bindAtOnce(t, p.system, "zhangsan")
	r, err := p.system.Ask(ctx, drive.StampAsk("zhangsan", uscc, d.ID, 1, 130, 200))
	check(t, err)
	scan, err := drive.Claim(ctx, p.agent, r)
	check(t, err)
	check(t, drive.Approve(ctx, p.agent, r, scan))
	_, err = p.system.Fetch(ctx, r)
	check(t, err)
	_, err = p.system.Stamped(ctx, d.ID)
	check(t, err)
	_, err = p.system.Evidence(ctx, r.Ticket)
	return err
}

// look reads every list that a phone has.
func (p *party) look(ctx context.Context, t *testing.T) error {
	t.Helper()
	org := place(t, p).OrganizationID
	_, _, e1 := p.legal.Register(ctx, org, "", 10)
	_, _, e2 := p.agent.Activity(ctx, "", 10)
	_, _, e3 := p.legal.Seconds(ctx, "", 10)
	_, e4 := p.legal.DelegationsOf(ctx, org)
	_, e5 := p.agent.Delegations(ctx)
	_, e6 := p.legal.Seals(ctx, org)
	_, e7 := p.legal.Members(ctx, org)
	_, e8 := p.legal.Apps(ctx)
	_, e9 := p.legal.Impressions(ctx, org)
	return errors.Join(e1, e2, e3, e4, e5, e6, e7, e8, e9)
}
