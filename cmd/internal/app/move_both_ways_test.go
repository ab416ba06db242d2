package app_test

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"testing"

	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// usesOfMover is one more than the documents that are stamped before the last
// place: it runs out there.
const usesOfMover = 4

// mover is a party whose system changes its place. One of its nodes runs at a
// time, always under one address.
type mover struct {
	*party
	made []deed // in the order of their slots
}

// deed is a document that was stamped, and what it is found by.
type deed struct {
	document, ticket string
	stamped          []byte
}

// newMover is a mover that has stamped two documents, one of them in several
// pieces on MongoDB, and whose node has ended.
func newMover(t *testing.T, dir string, s config.Store) (*mover, config.Config) {
	t.Helper()
	p, stop := newStoppableParty(t, dir, s, usesOfMover)
	m := &mover{party: p}
	large := cloudsealtest.PDF(20, mongo.ChunkSize*3/2)
	if len(large) <= mongo.ChunkSize {
		t.Fatalf("%d bytes are one piece", len(large))
	}
	m.stampNext(t, "large.pdf", large)
	m.stampNext(t, "small.pdf", samplePDF(t, "ff.pdf"))
	m.inOrder(t)
	stop()
	return m, p.Config
}

// work has a node begin where everything was moved to, and end.
func (m *mover) work(t *testing.T, c config.Config) {
	t.Helper()
	a, stop := runNode(t, c, app.Options{World: drive.World(), Unlimited: true})
	m.app, m.Code = a, a.LastCode
	m.inOrder(t)
	m.stampNext(t, "further.pdf", samplePDF(t, "Test3.pdf"))
	m.inOrder(t)
	stop()
}

// stampNext has a document stamped and looks at it.
func (m *mover) stampNext(t *testing.T, title string, file []byte) {
	t.Helper()
	m.bindAtOnce(t, m.system, "mover")
	d, err := m.system.Upload(t.Context(), title, file)
	check(t, err)
	r, err := m.system.Ask(t.Context(), drive.StampAsk("mover", uscc, d.ID, 1, 130, 200))
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), m.agent, r))
	_, err = m.system.Fetch(t.Context(), r)
	check(t, err)
	stamped, err := m.system.Stamped(t.Context(), d.ID)
	check(t, err)
	if !bytes.HasPrefix(stamped, file) {
		t.Errorf("%s: what is stamped is another document", title)
	}
	m.made = append(m.made, deed{d.ID, r.Ticket, stamped})
}

// inOrder: everything that was ever stamped is given out as it was and is genuine,
// each on its own slot, and everything that was written about it agrees.
func (m *mover) inOrder(t *testing.T) {
	t.Helper()
	var tickets []string
	for i, one := range m.made {
		stamped, err := m.system.Stamped(t.Context(), one.document)
		check(t, err)
		if !bytes.Equal(stamped, one.stamped) {
			t.Errorf("document %d became another", i+1)
		}
		bundle, err := m.system.Evidence(t.Context(), one.ticket)
		check(t, err)
		verdict(t, stamped, bundle, i+1)
		tickets = append(tickets, one.ticket)
	}
	stamped, refused, err := m.app.Agree(t.Context(), m.delegation, tickets) // with the audit chain
	if err != nil || stamped != len(m.made) || refused != 0 {
		t.Errorf("%d stamped, %d refused: %v", stamped, refused, err)
	}
	m.spent(t)
}

// spent: what is left of the delegation is what was not used, and not one more.
func (m *mover) spent(t *testing.T) {
	t.Helper()
	left := usesOfMover - len(m.made)
	if got := m.left(t); got != left {
		t.Errorf("%d uses left, want %d", got, left)
	}
	r, _ := m.askBatch(t, "mover", left+1)
	_, err := drive.Claim(t.Context(), m.agent, r)
	wantCode(t, err, "delegation-limit")
	check(t, m.system.Cancel(t.Context(), r.Ticket))
}

// moveTo takes everything from where one configuration has it to where another has
// it, and gives the sums of both ends, by name.
func moveTo(t *testing.T, from, to config.Config) (was, is map[string]store.Sum) {
	t.Helper()
	before, behind, err := app.Move(t.Context(), to, from.Store.Engine, to.Store.Engine, func(string, string, int) {})
	check(t, err)
	was, is = sumsByName(before), sumsByName(behind)
	if len(was) == 0 || !maps.Equal(was, is) {
		t.Errorf("%v became %v", was, is)
	}
	return was, is
}

func sumsByName(sums []store.Sum) map[string]store.Sum {
	all := map[string]store.Sum{}
	for _, s := range sums {
		all[s.Name] = s
	}
	return all
}

// refusedAt: no node works in a place that was left.
func refusedAt(t *testing.T, c config.Config) {
	t.Helper()
	a, err := app.New(c, app.Options{World: drive.World(), Drawer: draws, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, store.ErrMoved) {
		t.Errorf("a node at an old place, %s in %s: %v", c.Store.Engine, c.DataDir, err)
	}
	if err == nil {
		check(t, a.Close())
	}
}

// resting are collections that a stamp and its requests do not write.
var resting = []string{
	"main.people", "main.applications", "main.acts", "main.appKeys", "main.certs", "main.sealEvents", "signer.keys",
}

// rested: what nobody worked on left a place as it had come.
func rested(t *testing.T, arrived, leaving map[string]store.Sum) {
	t.Helper()
	for _, name := range resting {
		if s := arrived[name]; s.Rows == 0 || s != leaving[name] {
			t.Errorf("%+v left as %+v", s, leaving[name])
		}
	}
	for _, name := range []string{"blobs", "main.audit", "signer.journal"} {
		if arrived[name].Rows >= leaving[name].Rows {
			t.Errorf("nothing was done: %+v left as %+v", arrived[name], leaving[name])
		}
	}
}

// A system that has stamped goes from a folder to MongoDB and to another folder,
// and works in each place as if it had always been there.
func TestMoveBothWaysOfASystemThatStamps(t *testing.T) {
	t.Parallel()
	dir, set := t.TempDir(), mongotest.Start(t, mongotest.Options{})
	m, first := newMover(t, dir, freshStore(t, set, config.Embedded))
	shared, second := first, first
	shared.Store.Engine, second.DataDir = config.OnMongo, filepath.Join(dir, "second")
	_, arrived := moveTo(t, first, shared)
	refusedAt(t, first)
	m.work(t, shared)
	leaving, _ := moveTo(t, shared, second)
	rested(t, arrived, leaving)
	refusedAt(t, shared)
	m.work(t, second)
	refusedAt(t, first)

	// Once more both ways, and no node in between.
	other, third := second, second
	other.Store = freshStore(t, set, config.OnMongo)
	third.Store, third.DataDir = other.Store, filepath.Join(dir, "third")
	third.Store.Engine = config.Embedded
	_, arrived = moveTo(t, second, other)
	leaving, _ = moveTo(t, other, third)
	if !maps.Equal(arrived, leaving) {
		t.Errorf("%v left as %v", arrived, leaving)
	}
}

// freshStore has fresh databases of a set beside the folder; engine says which of the two
// a node works on.
func freshStore(t *testing.T, set *mongotest.Set, engine string) config.Store {
	t.Helper()
	s := storetest.On(t, set)
	s.Engine = engine
	return s
}
