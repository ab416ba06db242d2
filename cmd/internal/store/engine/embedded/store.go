package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"yunzhang.dev/cmd/internal/store/engine"
)

// Options of a store.
type Options struct {
	// Now is the clock. Required.
	Now func() time.Time
	// Readers bounds how many views run at once; the others wait. Each takes a
	// connection of about 2 MiB. Zero: DefaultReaders.
	Readers int
	// Rehearse, for tests, is a seed: every function given to Update runs once
	// with its effects undone before it runs for good, and units are made to
	// lose races at random, so that a function which cannot be run again is
	// found. Zero: off.
	Rehearse uint64
}

// DefaultReaders is enough to keep a machine of a few dozen cores reading; a
// view that waits in the network holds its connection.
const DefaultReaders = 16

// Store is an engine on one folder. It implements [engine.Engine].
type Store struct {
	clock     clock
	lock      *os.File
	line      *line
	readers   *readers
	rehearsal *rehearsal
	bell      *bell
	tail      tail

	declared atomic.Pointer[catalogue]
	stop     chan struct{} // closed by Close
	stopOnce sync.Once

	// The owner of the turn owns what follows.
	w      *conn
	next   int64 // number of the next row
	closed bool
	failed error // a commit of unknown outcome: no more writing
}

var _ engine.Engine = (*Store)(nil)

// Open opens the store in a folder, which is made when it is not there. It
// refuses a folder that another process uses, a clock far behind the newest
// record, and files of another format.
func Open(dir string, o Options) (*Store, error) {
	if o.Now == nil {
		return nil, errors.New("embedded: no clock given")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	s := &Store{clock: clock{now: o.Now}, lock: lock, stop: make(chan struct{}), bell: newBell()}
	s.line = newLine(s.commit)
	if o.Rehearse != 0 {
		s.rehearsal = newRehearsal(o.Rehearse)
	}
	if err := s.load(filepath.Join(dir, "store.db"), o.Readers); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", dir, err), s.release())
	}
	return s, nil
}

func (s *Store) load(file string, readers int) (err error) {
	if s.w, err = dial(file, "journal_mode(WAL)"); err != nil {
		return err
	}
	if err := s.w.script(schema); err != nil {
		return err
	}
	last, err := s.readMeta()
	if err != nil {
		return err
	}
	if err := s.clock.start(last); err != nil {
		return err
	}
	s.tail.restart(s.next - 1)
	s.declared.Store(&catalogue{})
	s.readers = newReaders(file, readers, s.stop)
	return nil
}

func (s *Store) readMeta() (last int64, err error) {
	found := int64(0)
	err = s.w.query(getMeta, func(row []driver.Value) error {
		found, last, s.next = row[0].(int64), row[1].(int64), row[2].(int64)
		return nil
	})
	if err == nil && found != format {
		err = fmt.Errorf("it has format %d and this program reads format %d", found, format)
	}
	return last, err
}

// Close implements [engine.Engine].
func (s *Store) Close() error {
	s.stopOnce.Do(func() { close(s.stop) })
	if err := s.line.enter(context.Background()); err != nil {
		return err
	}
	again := s.closed
	s.closed = true
	err := s.line.leave(true)
	if again {
		return nil
	}
	return errors.Join(err, s.readers.close(), s.release())
}

// release gives back the writing connection and the folder.
func (s *Store) release() error {
	var err error
	if s.w != nil {
		err = s.w.close()
	}
	return errors.Join(err, s.lock.Close())
}
