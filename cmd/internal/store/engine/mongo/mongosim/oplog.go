package mongosim

import (
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// timestamp is a BSON timestamp: seconds and a counter.
type timestamp struct{ t, i uint32 }

func (a timestamp) less(b timestamp) bool { return a.t < b.t || a.t == b.t && a.i < b.i }

func (a timestamp) val() val {
	return val{Type: bsoncore.TypeTimestamp, Data: bsoncore.AppendTimestamp(nil, a.t, a.i)}
}

func timestampOf(v val) timestamp {
	t, i, _ := v.TimestampOK()
	return timestamp{t, i}
}

// entry is one entry of the log: what happened, and the database after it.
// Members share entries, so that the same entry is the same pointer.
type entry struct {
	pos     int // from the beginning of the set
	at      timestamp
	term    int64
	wall    int64 // milliseconds
	changes []change
	txn     bool     // the changes of one transaction
	session string   // lsid of whoever wrote it
	number  int64    // and its transaction number
	after   *version // nil once it is older than Options.History
}

// log is the oplog of a member: its entries from position base on.
type log struct {
	base    int
	entries []*entry
}

func (l *log) end() int          { return l.base + len(l.entries) }
func (l *log) at(pos int) *entry { return l.entries[pos-l.base] }
func (l *log) last() *entry      { return l.entries[len(l.entries)-1] }

// now is the member's clock.
func (m *Member) now() time.Time { return m.set.opts.Clock().Add(m.skew) }

// tick gives the time of the next entry: later than anything the member has
// heard of ("Causal Consistency", cluster time).
func (m *Member) tick() timestamp {
	at := timestamp{uint32(m.now().Unix()), 1}
	if !m.clock.less(at) {
		at = timestamp{m.clock.t, m.clock.i + 1}
	}
	m.clock = at
	return at
}

// append writes an entry to a primary's log and passes it on.
func (m *Member) append(e *entry) *entry {
	e.pos, e.at, e.term = m.log.end(), m.tick(), m.term
	e.wall = m.now().UnixMilli()
	m.log.entries = append(m.log.entries, e)
	m.set.replicate()
	return e
}

// state is the database of the member as it stands.
func (m *Member) state() *version { return m.log.last().after }

// replicate lets every member that can take entries from a primary do so, and
// moves the commit points. It is called after every change of a log or a link.
func (s *Set) replicate() {
	for _, p := range s.members {
		if p.primary && p.up() {
			for _, m := range s.members {
				if m != p && m.follows(p) {
					m.pull(p)
				}
			}
			p.advance()
		}
	}
	s.forget()
	s.broadcast()
}

func (m *Member) follows(p *Member) bool {
	return m.up() && !m.primary && m.term <= p.term && s2s(m, p)
}

// pull takes over what the primary has, after rolling back what it has not.
func (m *Member) pull(p *Member) {
	m.term = p.term
	until := p.log.end()
	if m.held || m.delay > 0 {
		until = m.ripe(p)
	}
	if m.log.end() < p.log.base {
		m.log = log{base: p.log.base, entries: append([]*entry(nil), p.log.entries...)} // initial sync
		m.durable = m.log.end()
		return
	}
	common := min(m.log.end(), p.log.end())
	for common > max(m.log.base, p.log.base) && m.log.at(common-1) != p.log.at(common-1) {
		common--
	}
	if common < m.log.end() {
		m.rollBack(common)
	}
	if until > common {
		m.log.entries = append(m.log.entries, p.log.entries[common-p.log.base:until-p.log.base]...)
	}
	m.durable = m.log.end()
	if last := m.log.last().at; m.clock.less(last) {
		m.clock = last
	}
	m.commit = max(m.commit, min(p.commit, m.log.end()))
}

// rollBack undoes the entries from pos on ("Rollbacks During Replica Set
// Failover").
func (m *Member) rollBack(pos int) {
	if pos < m.commit && m.set.opts.Weak == (Weakness{}) {
		panic(fmt.Sprintf("mongosim: member %d would roll back entry %d, which a majority has (commit point %d)", m.Index, pos, m.commit))
	}
	m.set.stats.RolledBack += m.log.end() - pos
	m.log.entries = append([]*entry(nil), m.log.entries[:pos-m.log.base]...)
	m.durable, m.commit = min(m.durable, pos), min(m.commit, pos)
	m.cursors = map[int64]cursor{}
	m.changed()
}

// advance moves a primary's commit point to what a majority has on disk, and
// tells it to those who follow. Entries of earlier terms count only together
// with one of its own.
func (p *Member) advance() {
	for pos := p.log.end(); pos > p.commit && p.log.at(pos-1).term == p.term; pos-- {
		if p.has(pos, true) > len(p.set.members)/2 {
			p.commit = pos
			break
		}
	}
	for _, m := range p.set.members {
		if m != p && m.follows(p) {
			m.commit = max(m.commit, min(p.commit, m.log.end()))
		}
	}
}

// has counts the members known to have the log up to pos, on disk if asked.
func (p *Member) has(pos int, onDisk bool) int {
	n := 0
	for _, m := range p.set.members {
		upTo := m.log.end()
		if onDisk {
			upTo = m.durable
		}
		if m != p && (!m.follows(p) || m.log.base > pos-1) || upTo < pos || pos > 0 && m.log.at(pos-1) != p.log.at(pos-1) {
			continue
		}
		n++
	}
	return n
}

// ripe gives the end of what a slow or stale member may have by now.
func (m *Member) ripe(p *Member) int {
	if m.held {
		return min(m.log.end(), p.log.end())
	}
	pos := p.log.end()
	limit := p.now().Add(-m.delay).UnixMilli()
	for pos > p.log.base && p.log.at(pos-1).wall > limit {
		pos--
	}
	if pos < p.log.end() && !m.due {
		m.due = true
		m.set.later(m.delay, func() { m.due = false; m.set.replicate() })
	}
	return pos
}

// forget drops versions and entries that are older than the options keep.
func (s *Set) forget() {
	low, end := -1, 0
	for _, m := range s.members {
		at := min(m.commit, m.durable) - s.opts.History
		if low < 0 || at < low {
			low = at
		}
		end = max(end, m.log.end())
	}
	longest := s.members[0]
	for _, m := range s.members {
		if m.log.base <= s.pruned && m.log.end() > longest.log.end() || longest.log.base > s.pruned {
			longest = m
		}
	}
	for ; s.pruned < low && s.pruned < longest.log.end(); s.pruned++ {
		if s.pruned >= longest.log.base {
			longest.log.at(s.pruned).after = nil
		}
	}
	for _, m := range s.members {
		if cut := m.log.end() - s.opts.OplogSize; cut > m.log.base+s.opts.OplogSize/4 && cut < min(m.commit, m.durable) {
			m.log.entries = append([]*entry(nil), m.log.entries[cut-m.log.base:]...)
			m.log.base = cut
		}
	}
}
