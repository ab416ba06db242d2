package mongosim

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// Options of a set. The zero value is usable.
type Options struct {
	Members int // default 3
	// Standalone is a mongod that is no member of a set: one, without
	// transactions, change streams and cluster time.
	Standalone bool
	Seed       uint64 // of elections, identifiers and, unless it has its own, Faults
	// Wire is the version that is announced: 25 for MongoDB 8.0 (default), 21
	// for 7.0, 17 for 6.0.
	Wire int
	// Election is how long members wait before they elect a primary, or a
	// primary that sees no majority steps down. Default 10 ms.
	Election time.Duration
	// Await is how long a hello waits for news at most, whatever the client
	// allows. A driver that missed the cancellation of its own check would
	// otherwise lose the ten seconds of its heartbeat. Default 100 ms.
	Await time.Duration
	// TxnLifetime is transactionLifetimeLimitSeconds. Default one minute.
	TxnLifetime time.Duration
	// OplogSize is how many entries a member's log keeps, and so how far back
	// change streams resume. Default 100,000.
	OplogSize int
	// History is how many committed versions can be read by snapshot reads "at
	// cluster time". Default 1,000.
	History int
	// Clock is the wall clock of all members. Default time.Now.
	Clock func() time.Time
	// Faults are injected by seed. Default none.
	Faults Faults
	// Weak takes a guarantee away, for tests that must notice it.
	Weak Weakness
	// AllCommands also answers commands that only the drivers' tests use.
	AllCommands bool
}

// Weakness takes single guarantees away.
type Weakness struct {
	AckWithoutMajority bool // "w: majority" is acknowledged at once
	ForgetStatements   bool // retried writes are done again
	NoWriteConflict    bool // the last writer wins, nobody is told
	LoseCommits        bool // commitTransaction answers ok and writes nothing, once in 16
	LazyMajorityReads  bool // readConcern majority reads what is there
}

// Set is a running replica set. Its methods may be called from any goroutine.
type Set struct {
	opts    Options
	mu      sync.Mutex
	members []*Member
	cuts    map[[2]int]bool
	woken   chan struct{} // closed and made anew when anything changed
	pruned  int
	closed  bool
	wg      sync.WaitGroup
	stats   Stats
	seq     uint64 // of identifiers
	conns   int32
	faults  faultState
}

// Stats counts what happened.
type Stats struct {
	Commands   map[string]int // by name, hello and ping included
	Faults     map[string]int // by kind
	Elections  int
	RolledBack int // entries
}

// Start makes a set of empty members that has elected member 0.
func Start(o Options) (*Set, error) {
	s := &Set{opts: withDefaults(o), cuts: map[[2]int]bool{}, woken: make(chan struct{})}
	s.stats.Commands, s.stats.Faults = map[string]int{}, map[string]int{}
	s.faults = newFaultState(s.opts)
	for i := range s.opts.Members {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("mongosim: member %d: %w", i, err)
		}
		s.members = append(s.members, newMember(s, i, l))
	}
	first := &entry{after: &version{}, wall: s.opts.Clock().UnixMilli(), at: timestamp{uint32(s.opts.Clock().Unix()), 1}}
	s.mu.Lock()
	for _, m := range s.members {
		m.log.entries = []*entry{first}
		m.clock, m.durable, m.commit = first.at, 1, 1
	}
	s.elect(s.members[0])
	s.mu.Unlock()
	for _, m := range s.members {
		s.wg.Add(1)
		go m.accept()
	}
	return s, nil
}

func withDefaults(o Options) Options {
	o.Members = or(o.Members, 3)
	if o.Standalone {
		o.Members = 1
	}
	o.Wire = or(o.Wire, 25)
	o.Election = or(o.Election, 10*time.Millisecond)
	o.Await = or(o.Await, 100*time.Millisecond)
	o.TxnLifetime = or(o.TxnLifetime, time.Minute)
	o.OplogSize = or(o.OplogSize, 100_000)
	o.History = or(o.History, 1_000)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Faults.Seed == 0 {
		o.Faults.Seed = o.Seed
	}
	return o
}

func or[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}

// Close ends all members and connections and waits for them.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	for _, m := range s.members {
		m.listener.Close()
		m.hangUp()
	}
	s.broadcast()
	s.mu.Unlock()
	s.wg.Wait()
}

// URI is the connection string of the whole set, or of the one that stands alone.
func (s *Set) URI() string {
	var hosts []string
	for _, m := range s.members {
		hosts = append(hosts, m.addr)
	}
	uri := "mongodb://" + strings.Join(hosts, ",") + "/"
	if s.opts.Standalone {
		return uri
	}
	return uri + "?replicaSet=" + setName
}

const setName = "sim"

// Member gives the member of an index.
func (s *Set) Member(i int) *Member { return s.members[i] }

// Primary gives the member that is primary in the newest term, or nil.
func (s *Set) Primary() *Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.leader()
}

func (s *Set) leader() *Member {
	var p *Member
	for _, m := range s.members {
		if m.primary && m.up() && (p == nil || m.term > p.term) {
			p = m
		}
	}
	return p
}

// Stats gives what has been counted so far.
func (s *Set) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.stats
	c.Commands, c.Faults = map[string]int{}, map[string]int{}
	for k, n := range s.stats.Commands {
		c.Commands[k] = n
	}
	for k, n := range s.stats.Faults {
		c.Faults[k] = n
	}
	return c
}

// broadcast wakes whoever waits for a change of the set.
func (s *Set) broadcast() {
	close(s.woken)
	s.woken = make(chan struct{})
}

// later runs f under the lock after d, unless the set has been closed.
func (s *Set) later(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !s.closed {
			f()
		}
	})
}

// next gives the next identifier of the seed.
func (s *Set) next() uint64 {
	s.seq++
	return mix(s.opts.Seed*0x9E3779B97F4A7C15 + s.seq)
}
