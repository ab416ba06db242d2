package app_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
	"yunzhang.dev/mobileapi/client"
)

var update = flag.Bool("update", false, "write the lists of round trips into testdata/roundtrips")

// mostOfAnApproval is promised (MongoDB 8.0 and later).
const mostOfAnApproval = 4

// ledger lists the commands that one node sends to MongoDB, in their order.
type ledger struct {
	mu  sync.Mutex
	all []trip // guarded by mu
}

// trip is one command: one round trip.
type trip struct {
	name  string
	about string // the collections
	unit  string // the transaction, "" outside
}

func (tr *ledger) monitor() *event.CommandMonitor {
	return &event.CommandMonitor{Started: func(_ context.Context, e *event.CommandStartedEvent) {
		switch e.CommandName {
		case "getMore", "killCursors", "endSessions":
			return // of the streams that every node has open
		}
		one := trip{name: e.CommandName, about: strings.Join(collectionsOf(e.Command), " ")}
		if _, in := e.Command.Lookup("autocommit").BooleanOK(); in {
			one.unit = fmt.Sprintf("%x/%d", e.Command.Lookup("lsid", "id").Value, e.Command.Lookup("txnNumber").Int64())
		}
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.all = append(tr.all, one)
	}}
}

// collectionsOf names the collections that a command reads or writes.
func collectionsOf(c bson.Raw) (names []string) {
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	first := c.Index(0)
	if s, ok := first.Value().StringValueOK(); ok {
		add(s)
	}
	for _, list := range []string{"nsInfo", "pipeline"} {
		array, _ := c.Lookup(list).ArrayOK()
		values, _ := array.Values()
		for _, v := range values {
			if ns, ok := v.Document().Lookup("ns").StringValueOK(); ok {
				add(ns[strings.Index(ns, ".")+1:])
			}
			if from, ok := v.Document().Lookup("$lookup", "from").StringValueOK(); ok {
				add(from)
			}
		}
	}
	return names
}

// take gives what was sent since the last call.
func (tr *ledger) take() []trip {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	all := tr.all
	tr.all = nil
	return all
}

// unitThatWrites gives the trips of the one transaction that wrote to a
// collection, and the others.
func unitThatWrites(t *testing.T, all []trip, collection string) (in, out []trip) {
	t.Helper()
	unit := ""
	for _, one := range all {
		if one.writes() && one.unit != "" && slices.Contains(strings.Fields(one.about), collection) {
			unit = one.unit
		}
	}
	if unit == "" {
		t.Fatalf("nothing wrote to %s: %v", collection, all)
	}
	for _, one := range all {
		if one.unit == unit {
			in = append(in, one)
		} else {
			out = append(out, one)
		}
	}
	return in, out
}

func show(t *testing.T, what string, all []trip) {
	t.Helper()
	t.Logf("%s: %d", what, len(all))
	for i, one := range all {
		t.Logf("  %d %s %s", i+1, one.name, one.about)
	}
}

func names(all []trip) string {
	var list []string
	for _, one := range all {
		list = append(list, one.name)
	}
	return strings.Join(list, " ")
}

// TestRoundTripsOfAnApproval lists what an approval and a stamp ask of MongoDB.
// The approval itself, check 20 of protocol.md §2.7, is four round trips on
// MongoDB 8.0 and later; before it there is no command that writes to several
// collections. What changes something is written together with the answer that a
// repetition gets.
func TestRoundTripsOfAnApproval(t *testing.T) {
	t.Parallel()
	for name, wire := range map[string]int{"8.0": 25, "7.0": 21} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			roundTripsOfAnApproval(t, name, wire)
		})
	}
}

func roundTripsOfAnApproval(t *testing.T, name string, wire int) {
	set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Wire: wire}})
	sent := &ledger{}
	dir := t.TempDir()
	o := app.Options{Unlimited: true, World: drive.World(), Monitor: sent.monitor()}
	base, c, a := startNode(t, dir, o, (*app.App).RunQuiet, func(c *config.Config) { c.Store = storetest.On(t, set) })
	p := gatherAlone(t, dir, 10, base, c, a)
	for range 2 { // the slot is new, and once it was used
		r, scan, number := p.readyToApprove(t, sent)
		u, err := p.agent.Unlock(t.Context(), drive.PIN)
		check(t, err)
		sent.take()
		_, err = u.Approve(t.Context(), scan, number)
		check(t, err)
		u.Close()
		all := sent.take()
		answered(t, "an approval", all, "approvals")
		approval, around := unitThatWrites(t, all, "approvals")
		if wire >= 25 && len(approval) > mostOfAnApproval {
			t.Errorf("the approval is %s", names(approval))
		}
		show(t, "its request and the checks before it", around)
		if wire >= 25 {
			wrote(t, "before an approval", around, mostAround, "nonces idempotency")
		}
		r.Page.Close() // what a page asks for is not the stamp's
		check(t, a.Stamp(t.Context(), r.Ticket))
		listed(t, "testdata/roundtrips/"+name+".txt", approval, sent.take())
	}
	for _, ask := range []string{"bind", "login"} {
		p.roundTrips(t, sent, ask, wire)
	}
	check(t, p.system.Unbind(t.Context(), "acct-0001"))
	answered(t, "an unbinding", sent.take(), "bindings")
	lookAtMany(t, a, sent)
}

// lookAtMany: however many pages wait, a look at a hundred of them is one question.
func lookAtMany(t *testing.T, a *app.App, sent *ledger) {
	t.Helper()
	tickets := make([]string, 100)
	for i := range tickets {
		tickets[i] = fmt.Sprint("tk_", i)
	}
	sent.take()
	check(t, a.LookAt(t.Context(), tickets))
	looks := 0
	for _, one := range sent.take() {
		if slices.Contains(strings.Fields(one.about), "tickets") {
			looks++
		}
	}
	if looks == 0 || looks > 3 { // one or two may be of the pages that wait
		t.Errorf("a look at a hundred tickets is %d round trips", looks)
	}
}

// readyToApprove brings a request to where the phone may say yes.
func (p *party) readyToApprove(t *testing.T, sent *ledger) (r *drive.Request, scan *client.Scan, number string) {
	t.Helper()
	sent.take()
	d, err := p.system.Upload(t.Context(), "登记表.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	answered(t, "an upload", sent.take(), "documents")
	p.bindAtOnce(t, p.system, "zhangsan")
	sent.take()
	r, err = p.system.Ask(t.Context(), drive.StampAsk("zhangsan", uscc, d.ID, 1, 130, 200))
	check(t, err)
	answered(t, "a request", sent.take(), "preparations")
	scan, err = drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	answered(t, "a claim", sent.take(), "tickets")
	check(t, p.agent.Look(t.Context(), scan))
	number, err = r.Page.Number(t.Context())
	check(t, err)
	return r, scan, number
}

// listed holds an approval and a stamp to the list of their round trips. What the
// page does meanwhile is not theirs: it looks when it hears of something, and an
// approval on its node says that it has been looked after. Before 8.0 the facts
// that the signer keeps of stops go out in one to three commands, as they come.
func listed(t *testing.T, file string, approval, stamp []trip) {
	t.Helper()
	stamp = slices.DeleteFunc(stamp, func(one trip) bool {
		return one.unit == "" && (one.about == "yz_anchor tickets" || one.about == "events")
	})
	approval = slices.DeleteFunc(approval, func(one trip) bool { return one.about == "pages" })
	stamp = slices.DeleteFunc(stamp, func(one trip) bool { return one.about == "stops" })
	var got strings.Builder
	list(&got, "the approval", approval)
	list(&got, "the stamp", stamp)
	if *update {
		check(t, os.WriteFile(file, []byte(got.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	check(t, err)
	if got.String() != string(want) {
		t.Errorf("%s says otherwise (-update writes it):\n%s", file, got.String())
	}
}

func list(b *strings.Builder, what string, all []trip) {
	fmt.Fprintf(b, "%s: %d round trips\n", what, len(all))
	for _, one := range all {
		one.about = strings.Replace(one.about, "pages apps devices", "apps devices", 1)
		fmt.Fprintln(b, strings.TrimRight("  "+one.name+" "+one.about, " "))
	}
}

// mostAround is how many round trips there may be beside those of the approval: two
// or three of them belong to the page, which looks when it hears of something.
const mostAround = 15

// writes reports whether a trip changes something.
func (one trip) writes() bool {
	return one.name == "bulkWrite" || one.name == "insert" || one.name == "update" || one.name == "delete"
}

// wrote holds a list of round trips to its length and to what it writes, write by
// write.
func wrote(t *testing.T, what string, all []trip, most int, want ...string) {
	t.Helper()
	var got []string
	for _, one := range all {
		if one.writes() {
			got = append(got, one.about)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s writes %q", what, got)
	}
	if len(all) > most {
		t.Errorf("%s is %d round trips, at most %d", what, len(all), most)
	}
}

// answered sees that the unit that wrote to a collection wrote the answer too.
func answered(t *testing.T, what string, all []trip, collection string) {
	t.Helper()
	in, _ := unitThatWrites(t, all, collection)
	if !slices.ContainsFunc(in, func(one trip) bool { return one.writes() && slices.Contains(strings.Fields(one.about), "idempotency") }) {
		t.Errorf("%s is not written with its answer: %v", what, in)
	}
}

// roundTrips counts the approval of a ticket that ends without a stamp.
func (p *party) roundTrips(t *testing.T, sent *ledger, purpose string, wire int) {
	t.Helper()
	ask := ds.Ask{Purpose: purpose, Subject: ds.Subject{Account: "acct-0001"}}
	if purpose == "bind" {
		ask.Subject.USCC = uscc
	}
	r, err := p.system.Ask(t.Context(), ask)
	check(t, err)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	sent.take()
	check(t, drive.Approve(t.Context(), p.agent, r, scan))
	approval, _ := unitThatWrites(t, sent.take(), "approvals")
	show(t, "approval of a "+purpose, approval)
	if got := names(approval); wire >= 25 && got != "aggregate aggregate bulkWrite commitTransaction" {
		t.Errorf("the approval of a %s is %s", purpose, got)
	}
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	if purpose == "bind" {
		_, err = p.system.Save(t.Context(), r.Ticket)
		check(t, err)
	}
}
