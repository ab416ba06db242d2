package app_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

// notices is the job that is watched here.
const notices = "send notices"

// sender is a node's table of notices: it counts how often the node does the job,
// which begins with a look for what is due, and can fall asleep over it.
type sender struct {
	unit.Table[binding.Notice]
	turns  atomic.Int64
	doze   sync.Once
	asleep chan struct{} // closed when it is; nil: it never sleeps
	wake   chan struct{}
}

func (s *sender) spoil(m *store.Main) { s.Table, m.Binding.Notices = m.Binding.Notices, s }

func (s *sender) Find(tx unit.Tx, q unit.Query) ([]*binding.Notice, error) {
	s.turns.Add(1)
	return s.Table.Find(tx, q)
}

// Get falls asleep where the node has sent a notice and is about to write that it
// has, behind the check of its lease.
func (s *sender) Get(tx unit.Tx, id string) (*binding.Notice, error) {
	n, err := s.Table.Get(tx, id)
	if err == nil && n.Tries > 0 && s.asleep != nil {
		s.doze.Do(func() {
			close(s.asleep)
			<-s.wake
		})
	}
	return n, err
}

// shifts are two nodes, of which the one that came first does the job. Leases end
// by the clock of the database, which the test sets on; the nodes' own go right.
type shifts struct {
	*arena
	clock   *movable
	senders [2]*sender
}

func newShifts(t *testing.T, first *sender) *shifts {
	t.Helper()
	k := &shifts{clock: &movable{}, senders: [2]*sender{first, {}}}
	set := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Clock: k.clock.Now, TxnLifetime: time.Hour}})
	k.arena = &arena{cluster: newCluster(t, set, 2, 1), mortals: make([]*mortal, 2)}
	t.Cleanup(k.bury)
	for i, s := range k.senders {
		k.options.spoil = s.spoil
		m := &k.configs[i].Store.MongoDB // the remains of a dead node try for as long
		m.Timeout, m.CommitPatience = config.Duration(2*time.Second), config.Duration(3*time.Second)
		k.startMortal(t, i)
		waitFor(t, "the first node at work", func() bool { return first.turns.Load() > 0 })
	}
	return k
}

// due writes a notice about a request, to the people of which it is sent.
func (k *shifts) due(t *testing.T, ticket, id string) {
	t.Helper()
	k.write(t, func(tx unit.Tx, m *store.Main) error {
		return m.Binding.Notices.Insert(tx, &binding.Notice{
			Row: unit.Row{ID: id}, Template: string(notify.Reported), Ticket: ticket, Due: tx.Now(), Expires: tx.Now().Add(time.Hour),
		})
	})
}

func (k *shifts) notice(t *testing.T, id string) (n *binding.Notice) {
	t.Helper()
	k.write(t, func(tx unit.Tx, m *store.Main) (err error) {
		n, err = m.Binding.Notices.Get(tx, id)
		return err
	})
	return n
}

// scanned is a request that somebody has scanned, by way of one node.
func (k *shifts) scanned(t *testing.T, node int) (ticket string) {
	t.Helper()
	k.at(t, drive.Net{Addr: k.configs[node].Listen})
	r, _ := k.ask(t, k.system, "notified")
	_, err := drive.Claim(t.Context(), k.agent, r)
	check(t, err)
	return r.Ticket
}

// A job is one node's as long as that lives, and another's not before the dead
// one's lease is over, and within the time of a lease after that.
func TestJobOfADeadNodeIsTakenOver(t *testing.T) {
	t.Parallel()
	first := &sender{}
	k := newShifts(t, first)
	ticket, second := k.scanned(t, 1), k.senders[1]
	before := first.turns.Load()
	waitFor(t, "two more turns", func() bool { return first.turns.Load() > before+1 })
	if n := second.turns.Load(); n > 0 {
		t.Errorf("the second node did the first one's job %d times", n)
	}
	k.slay(0)
	k.due(t, ticket, "nt_after")
	dead, err := k.app.JobLease(t.Context(), notices)
	check(t, err)
	k.clock.Add(dead.Until.Sub(k.clock.Now()))
	waitFor(t, "the second node at work", func() bool { return k.notice(t, "nt_after").Sent })
	next, err := k.app.JobLease(t.Context(), notices)
	check(t, err)
	life := k.app.JobLife(notices)
	gap := next.Until.Add(-life).Sub(dead.Until)
	t.Logf("a lease of %s, taken over %s after its end", life, gap)
	if dead.Holder != "node1" || next.Holder != "node2" || next.Fence != dead.Fence+1 || gap < 0 || gap > life {
		t.Errorf("%s after %+v came %+v", gap, dead, next)
	}
}

// A node falls asleep between the check of its lease and the end of its unit, and
// another takes its job over. When it wakes it writes nothing, and finds out that
// it has no job.
func TestOvertakenNodeWritesNothing(t *testing.T) {
	t.Parallel()
	first := &sender{asleep: make(chan struct{}), wake: make(chan struct{})}
	wake := sync.OnceFunc(func() { close(first.wake) })
	k := newShifts(t, first)
	t.Cleanup(wake) // else it could not end
	k.due(t, k.scanned(t, 1), "nt_asleep")
	<-first.asleep
	waitFor(t, "the first node says that it has the job", func() bool { return k.has(t, 0) })
	k.clock.Add(k.app.JobLife(notices))
	waitFor(t, "the second node at work", func() bool { return k.senders[1].turns.Load() > 0 })
	wake()
	waitFor(t, "the first node finds out", func() bool { return !k.has(t, 0) })
	if n := k.notice(t, "nt_asleep"); n.Sent || n.Tries != 1 {
		t.Errorf("the node that was overtaken wrote %+v", n)
	}
	k.clock.Add(time.Minute) // what it took for itself is anybody's then
	waitFor(t, "somebody sends it again", func() bool { return k.notice(t, "nt_asleep").Sent })
}

// has reports whether a node says that it does the job.
func (k *shifts) has(t *testing.T, i int) bool {
	t.Helper()
	_, figures := get(t, "http://"+k.configs[i].Listen, k.Config.Sites.App, "/metrics")
	return strings.Contains(figures, `yunzhang_job_held{job="`+notices+`"} 1`)
}
