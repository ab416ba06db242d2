package mongosim

import (
	"bufio"
	"errors"
	"net"
	"sync"
	"time"
)

// conn is one connection of a client to a member.
type conn struct {
	m       *Member
	nc      net.Conn
	id      int32
	appName string
	gone    chan struct{}
	once    sync.Once
	lastID  int32
}

// errGone ends a connection without an answer.
var errGone = errors.New("mongosim: connection broken")

func (m *Member) accept() {
	defer m.set.wg.Done()
	for {
		nc, err := m.listener.Accept()
		if err != nil {
			return
		}
		m.set.mu.Lock()
		m.set.conns++
		c := &conn{m: m, nc: nc, id: m.set.conns, gone: make(chan struct{})}
		if m.dead || m.set.closed {
			c.hangUp()
		} else {
			m.conns[c] = true
			m.set.wg.Add(1)
			go c.serve()
		}
		m.set.mu.Unlock()
	}
}

// hangUp breaks the connection as a dying process does.
func (c *conn) hangUp() {
	c.once.Do(func() {
		if t, ok := c.nc.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // best effort: a reset instead of an end
		}
		c.nc.Close()
		close(c.gone)
	})
}

func (c *conn) serve() {
	defer c.m.set.wg.Done()
	defer func() {
		c.hangUp()
		c.m.set.mu.Lock()
		delete(c.m.conns, c)
		c.m.set.mu.Unlock()
	}()
	r := bufio.NewReaderSize(c.nc, 16<<10)
	for {
		q, err := readRequest(r)
		if err != nil {
			return
		}
		if err := c.answer(q); err != nil {
			return
		}
	}
}

// answer runs one request. A hello that may be answered again and again keeps
// the connection to itself.
func (c *conn) answer(q *request) error {
	to := q.id
	for {
		d, again, err := c.m.run(c, q)
		if err != nil {
			return err
		}
		if q.silent {
			return nil
		}
		c.lastID++
		if _, err := c.nc.Write(q.appendReply(c.lastID, to, d, again)); err != nil {
			return err
		}
		if !again {
			return nil
		}
		to = c.lastID
	}
}

// await gives the lock away until cond holds. It fails when the connection
// breaks, and reports false when the deadline (zero: none) passes.
func (c *conn) await(deadline time.Time, cond func() bool) (bool, error) {
	s := c.m.set
	var timer <-chan time.Time
	for {
		select {
		case <-c.gone:
			return false, errGone
		default:
		}
		if s.closed {
			return false, errGone
		}
		if !c.m.paused && cond() {
			return true, nil
		}
		if !deadline.IsZero() && timer == nil {
			wait := time.Until(deadline)
			if wait <= 0 {
				return false, nil
			}
			t := time.NewTimer(wait)
			defer t.Stop()
			timer = t.C
		}
		woken := s.woken
		s.mu.Unlock()
		late := false
		select {
		case <-woken:
		case <-c.gone:
		case <-timer:
			late = true
		}
		s.mu.Lock()
		if late && !c.m.paused {
			return cond(), nil
		}
		if late {
			timer, deadline = nil, time.Now().Add(time.Second)
		}
	}
}

// hold waits while the process is stopped.
func (c *conn) hold() error {
	_, err := c.await(time.Time{}, func() bool { return true })
	return err
}
