package mongosim

import (
	"time"
)

// concern is a write concern ("Write Concern").
type concern struct {
	majority bool
	members  int
	journal  bool
	timeout  time.Duration
}

func readConcern(d doc, members int) (concern, error) {
	c := concern{majority: true}
	for _, e := range elements(d) {
		switch v := e.Value(); e.Key() {
		case "w":
			if s, ok := v.StringValueOK(); ok {
				if s != "majority" {
					return c, fail(79, "No write concern mode named '%s' found in replica set configuration", s)
				}
				continue
			}
			c.majority, c.members = false, int(number(v))
			if c.members > members {
				c.members = members + 1
			}
		case "j":
			c.journal = truth(v)
		case "wtimeout":
			c.timeout = time.Duration(number(v)) * time.Millisecond
		case "provenance":
		default:
			return c, refuse("field %s of writeConcern", e.Key())
		}
	}
	return c, nil
}

// awaitConcern waits for what the command wrote, or read in a transaction. A
// miss is reported in the answer: what was written stays written.
func (x *call) awaitConcern() (*failure, error) {
	e, m := x.wrote, x.m
	if e == nil {
		return nil, nil
	}
	if x.concern.majority || x.concern.journal {
		if m.epoch == x.epoch {
			m.durable = m.log.end()
			x.s.replicate()
		}
	}
	if x.s.opts.Weak.AckWithoutMajority {
		return nil, nil
	}
	if x.concern.members > len(x.s.members) {
		return fail(codeUnsatisfiableConcern, "Not enough data-bearing nodes"), nil
	}
	deadline := x.deadline
	if x.concern.timeout > 0 {
		deadline = time.Now().Add(x.concern.timeout)
	}
	lost := false
	ok, err := x.c.await(deadline, func() bool {
		if m.epoch != x.epoch {
			lost = true
			return true
		}
		if x.concern.majority {
			return m.commit > e.pos
		}
		return x.concern.members <= 1 || m.has(e.pos+1, false) >= x.concern.members
	})
	switch {
	case err != nil:
		return nil, err
	case lost && !x.safe(e) && m.closing:
		return fail(codeInterruptedAtShutdown, "interrupted at shutdown"), nil
	case lost && !x.safe(e):
		return fail(codeStateChange, "operation was interrupted"), nil
	case !ok && x.concern.timeout == 0:
		return fail(codeMaxTime, "operation exceeded time limit"), nil
	case !ok:
		return fail(codeWriteConcernTimeout, "waiting for replication timed out"), nil
	}
	return nil, nil
}

// safe: the entry is known to be committed although the member is no longer
// primary.
func (x *call) safe(e *entry) bool {
	m := x.m
	return m.commit > e.pos && e.pos >= m.log.base && m.log.at(e.pos) == e
}
