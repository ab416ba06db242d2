package mongosim

import (
	"encoding/binary"
	"net"
	"time"
)

// Member is one mongod. What a test does to it takes effect at once.
type Member struct {
	Index int

	set      *Set
	addr     string
	listener net.Listener
	conns    map[*conn]bool

	// What survives a crash.
	term    int64
	log     log
	durable int // end of what is on disk

	// What does not.
	dead    bool
	closing bool // shutting down: everything is answered with 11600
	paused  bool
	held    bool
	due     bool
	frozen  time.Time // not electable before
	delay   time.Duration
	skew    time.Duration
	primary bool
	commit  int // end of what a majority is known to have
	clock   timestamp
	epoch   int // counts step-downs and crashes
	boot    [12]byte
	topo    int64
	txns    map[string]*txn
	locks   map[string]*txn
	cursors map[int64]cursor
	points  map[string]*failPoint
}

func newMember(s *Set, i int, l net.Listener) *Member {
	m := &Member{Index: i, set: s, listener: l, addr: l.Addr().String(), conns: map[*conn]bool{}, points: map[string]*failPoint{}}
	m.start()
	return m
}

// start gives a member the memory of a new process.
func (m *Member) start() {
	binary.BigEndian.PutUint64(m.boot[:], m.set.next())
	m.topo = 0
	m.txns, m.locks, m.cursors = map[string]*txn{}, map[string]*txn{}, map[int64]cursor{}
}

// Addr is the host and port of the member.
func (m *Member) Addr() string { return m.addr }

// up: the process runs and is not stopped.
func (m *Member) up() bool { return !m.dead && !m.paused }

// s2s reports whether two members reach each other.
func s2s(a, b *Member) bool {
	return a.up() && b.up() && !a.set.cuts[pair(a.Index, b.Index)]
}

func pair(a, b int) [2]int { return [2]int{min(a, b), max(a, b)} }

// changed tells whoever awaits a hello that the member has changed.
func (m *Member) changed() {
	m.topo++
	m.set.broadcast()
}

// Kill ends the process at once: connections break, and what is not on disk is
// gone. Its port stays reserved and refuses by resetting connections.
func (m *Member) Kill() { m.do(m.kill) }

func (m *Member) kill() {
	if m.dead {
		return
	}
	m.dead, m.closing, m.paused = true, false, false
	m.leave()
	m.hangUp()
	m.log.entries = m.log.entries[: m.durable-m.log.base : m.durable-m.log.base]
	m.commit = min(m.commit, m.durable)
}

// Shutdown ends the process in order, as a rolling restart does: a primary
// steps down, everything is written to disk, and until Options.Election is over
// commands are answered with InterruptedAtShutdown; then connections break.
func (m *Member) Shutdown() { m.do(m.shutdown) }

func (m *Member) shutdown() {
	if m.dead {
		return
	}
	m.durable = m.log.end()
	m.set.replicate()
	m.closing = true
	m.leave()
	m.set.later(m.set.opts.Election, func() { m.kill(); m.set.settle() })
}

// Restart starts a member that was killed or shut down again.
func (m *Member) Restart() { m.do(m.restart) }

func (m *Member) restart() {
	if m.closing {
		m.kill()
	}
	if m.dead {
		m.dead = false
		m.clock = m.log.last().at
		m.start()
	}
}

// Pause stops the process without ending it (SIGSTOP): connections stay, and
// nothing is answered.
func (m *Member) Pause() { m.do(func() { m.paused = !m.dead }) }

// Resume lets a paused member go on; it believes what it believed before.
func (m *Member) Resume() { m.do(func() { m.paused = false }) }

// Cut takes the network between this member and the others away; clients still
// reach it.
func (m *Member) Cut() { m.do(m.cut) }

func (m *Member) cut() {
	for _, o := range m.set.members {
		if o != m {
			m.set.cuts[pair(m.Index, o.Index)] = true
		}
	}
}

// Heal gives it back.
func (m *Member) Heal() { m.do(m.heal) }

func (m *Member) heal() {
	for _, o := range m.set.members {
		delete(m.set.cuts, pair(m.Index, o.Index))
	}
}

// Hold makes a secondary stale: it takes no entries until it is released.
func (m *Member) Hold() { m.do(func() { m.held = true }) }

// Release ends Hold.
func (m *Member) Release() { m.do(func() { m.held = false }) }

// Delay makes a secondary slow: it has an entry only so long after the
// primary.
func (m *Member) Delay(d time.Duration) { m.do(func() { m.delay, m.due = d, false }) }

// Skew puts the member's clock forward, or back.
func (m *Member) Skew(d time.Duration) { m.do(func() { m.skew = d }) }

// StepDown makes a primary a secondary. Unlike replSetStepDown it does not wait
// for anybody to catch up.
func (m *Member) StepDown() { m.do(m.stepDown) }

// Elect holds an election with this member as the candidate, and reports
// whether it won.
func (m *Member) Elect() (won bool) {
	m.do(func() { won = m.set.elect(m) })
	return won
}

// IsPrimary reports whether the member believes that it is the primary.
func (m *Member) IsPrimary() bool {
	m.set.mu.Lock()
	defer m.set.mu.Unlock()
	return m.primary && !m.dead
}

func (m *Member) do(f func()) {
	m.set.mu.Lock()
	defer m.set.mu.Unlock()
	f()
	m.set.settle()
}

// hangUp breaks all connections.
func (m *Member) hangUp() {
	for c := range m.conns {
		c.hangUp()
	}
}
