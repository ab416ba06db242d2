package mongosim

import "time"

// settle is called after whatever may have changed who reaches whom: entries
// flow, a primary that learns of a newer term steps down, and what takes time
// (an election, a step-down for want of a majority) is put on the clock.
func (s *Set) settle() {
	for _, p := range s.members {
		for _, q := range s.members {
			if p.primary && q != p && q.term > p.term && s2s(p, q) {
				p.term = q.term
				p.leave()
			}
		}
	}
	s.replicate()
	for _, m := range s.members {
		if m.primary && m.up() && !m.seesMajority() {
			s.later(2*s.opts.Election, func() {
				if m.primary && m.up() && !m.seesMajority() {
					m.leave()
					s.settle()
				}
			})
		}
	}
	if s.wanting() {
		s.later(s.opts.Election, func() { s.tryElect() })
	}
}

// wanting: some majority has no primary.
func (s *Set) wanting() bool {
	for _, m := range s.members {
		if m.up() && m.seesMajority() && !m.seesPrimary() {
			return true
		}
	}
	return false
}

func (m *Member) seesMajority() bool { return len(m.reached()) > len(m.set.members)/2 }

func (m *Member) seesPrimary() bool {
	for _, o := range m.reached() {
		if o.primary && o.seesMajority() {
			return true
		}
	}
	return false
}

// reached lists the members this one reaches, itself first.
func (m *Member) reached() []*Member {
	rs := []*Member{m}
	for _, o := range m.set.members {
		if o != m && s2s(m, o) {
			rs = append(rs, o)
		}
	}
	return rs
}

// tryElect lets the most advanced member that can win stand for election; among
// equals the seed and the term decide.
func (s *Set) tryElect() {
	if !s.wanting() {
		return
	}
	var best *Member
	var rank uint64
	soonest := time.Duration(0)
	for _, m := range s.members {
		if !m.up() || m.closing || !m.seesMajority() || m.seesPrimary() {
			continue
		}
		if wait := m.frozen.Sub(s.opts.Clock()); wait > 0 {
			if soonest == 0 || wait < soonest {
				soonest = wait
			}
			continue
		}
		r := mix(s.opts.Seed ^ uint64(m.term+1)<<8 ^ uint64(m.Index))
		if best == nil || ahead(m, best) || !ahead(best, m) && r > rank {
			best, rank = m, r
		}
	}
	switch {
	case best != nil && s.elect(best):
		s.settle()
	case best != nil || soonest > 0:
		s.later(max(soonest, s.opts.Election), func() { s.tryElect() })
	}
}

// ahead reports whether a's log goes further than b's.
func ahead(a, b *Member) bool {
	x, y := a.log.last(), b.log.last()
	return x.term > y.term || x.term == y.term && x.pos > y.pos
}

// elect makes the candidate primary in a new term if a majority grants it:
// those who reach it and are not ahead of it.
func (s *Set) elect(m *Member) bool {
	if !m.up() || m.closing {
		return false
	}
	votes, term := 0, int64(0)
	for _, v := range m.reached() {
		term = max(term, v.term)
		if !ahead(v, m) {
			votes++
		}
	}
	if votes <= len(s.members)/2 {
		return false
	}
	for _, v := range m.reached() {
		v.term = term + 1
		if v.primary {
			v.leave()
		}
	}
	s.stats.Elections++
	m.primary = true
	m.changed()
	m.append(&entry{after: m.state(), changes: []change{{kind: kindNoop}}})
	m.durable = m.log.end()
	s.replicate()
	return true
}

// stepDown makes a primary a secondary; somebody will be elected.
func (m *Member) stepDown() {
	if m.primary {
		m.leave()
		m.frozen = m.set.opts.Clock().Add(m.set.opts.Election)
	}
}

// leave ends what only a primary has: its transactions, and the waits of its
// writers.
func (m *Member) leave() {
	m.primary = false
	m.epoch++
	m.txns, m.locks = map[string]*txn{}, map[string]*txn{}
	m.changed()
}
