package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/event"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// trips lists commands to the database, in order, while it listens.
type trips struct {
	mu   sync.Mutex
	on   bool
	list []string
}

func (c *trips) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		c.mu.Lock()
		defer c.mu.Unlock()
		switch e.CommandName {
		case "hello", "ping", "endSessions", "getMore":
			return
		}
		if c.on {
			c.list = append(c.list, e.CommandName+" "+target(e))
		}
	}}
}

// target is what a command is about: the collection, or those of a bulkWrite.
func target(e *event.CommandStartedEvent) string {
	short := func(ns string) string { return ns[strings.LastIndex(ns, ".")+1:] }
	if name, ok := e.Command.Lookup(e.CommandName).StringValueOK(); ok {
		if e.CommandName == "aggregate" {
			return name + " and what it leads to"
		}
		return name
	}
	if e.CommandName != "bulkWrite" {
		return e.DatabaseName[strings.LastIndex(e.DatabaseName, "_")+1:][:0] + "·"
	}
	var names []string
	values, _ := e.Command.Lookup("nsInfo").Array().Values()
	for _, v := range values {
		names = append(names, short(v.Document().Lookup("ns").StringValue()))
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}

func (c *trips) listen(on bool) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.on, c.list = on, nil
	return list
}

// What one stamp asks of the database, from the approval to the stored document,
// listed by name. Nothing else of the node runs beside it.
func TestWhatAStampAsksOfTheDatabase(t *testing.T) {
	t.Parallel()
	c := &trips{}
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	p := quietParty(t, storetest.On(t, set), app.Options{Monitor: c.monitor(), Unlimited: true})
	var approve, stamp []string
	for range 2 { // the first also makes rows that later ones find
		r, _ := p.ask(t, p.system, fmt.Sprint("count", len(approve)))
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		_, err = p.agent.Documents(t.Context(), scan)
		check(t, err)
		number, err := r.Page.Number(t.Context())
		check(t, err)
		r.Page.Close()
		u, err := p.agent.Unlock(t.Context(), drive.PIN)
		check(t, err)
		c.listen(true)
		_, err = u.Approve(t.Context(), scan, number)
		check(t, err)
		approve = c.listen(true)
		check(t, p.app.Stamp(t.Context(), r.Ticket))
		stamp = c.listen(false)
		u.Close()
	}
	t.Logf("the request that approves: %d commands\n\t%s", len(approve), strings.Join(approve, "\n\t"))
	t.Logf("the stamp of one document: %d commands\n\t%s", len(stamp), strings.Join(stamp, "\n\t"))
	if len(stamp) > stampTrips {
		t.Errorf("%d commands for a stamp, at most %d", len(stamp), stampTrips)
	}
}

// stampTrips is the most commands of one stamp.
const stampTrips = 26

// quietParty is a party on a given store whose node stamps only when it is told.
func quietParty(t testing.TB, s config.Store, o app.Options) *party {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	cfg := settings(t, t.TempDir(), ln.Addr().String())
	cfg.Store = s
	o.World, o.Log = drive.World(), slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	a, err := app.New(cfg, o)
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.RunQuiet(ctx, ln) }()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = a.Close()
	})
	return gather(t, t.TempDir(), 100, "http://"+ln.Addr().String(), cfg, a)
}
