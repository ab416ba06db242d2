package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// conn is one connection with its prepared statements. The driver is used
// directly: connections have one owner at a time here, so that the pool and
// the locks of database/sql would only cost.
type conn struct {
	driver.Conn
	stmts [len(statements)]statement
	args  [5]driver.NamedValue
	row   [4]driver.Value
}

type statement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// pragmas of every connection. synchronous=FULL flushes the log at each
// commit, fullfsync makes that real on macOS, and the log is folded back into
// the file after 1000 pages (4 MiB), which the committing unit pays for.
var pragmas = []string{
	"busy_timeout(10000)", "synchronous(FULL)", "fullfsync(1)", "wal_autocheckpoint(1000)",
	"journal_size_limit(67108864)", "temp_store(MEMORY)", "trusted_schema(0)",
}

func dial(file string, extra ...string) (*conn, error) {
	q := url.Values{"_pragma": append(append([]string(nil), pragmas...), extra...)}
	name := url.URL{Scheme: "file", OmitHost: true, Path: file, RawQuery: q.Encode()}
	c, err := new(sqlite.Driver).Open(name.String())
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// script runs statements that are not worth preparing.
func (c *conn) script(sql string, args ...any) error {
	_, err := c.Conn.(driver.ExecerContext).ExecContext(context.Background(), sql, c.bind(args))
	return err
}

// exec runs a prepared statement that gives no rows.
func (c *conn) exec(k stmtKind, args ...any) error {
	s, err := c.prepared(k)
	if err != nil {
		return err
	}
	_, err = s.ExecContext(context.Background(), c.bind(args))
	return err
}

// query runs a prepared statement and calls each with the columns of every
// row; each must not keep the slice. The values in it are the caller's.
func (c *conn) query(k stmtKind, each func(row []driver.Value) error, args ...any) (err error) {
	s, err := c.prepared(k)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), c.bind(args))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := c.row[:statements[k].columns]
	for {
		if err := rows.Next(row); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := each(row); err != nil {
			return err
		}
	}
}

func (c *conn) bind(args []any) []driver.NamedValue {
	for i, a := range args {
		c.args[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return c.args[:len(args)]
}

func (c *conn) prepared(k stmtKind) (statement, error) {
	if s := c.stmts[k]; s != nil {
		return s, nil
	}
	s, err := c.Prepare(statements[k].sql)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", statements[k].sql, err)
	}
	c.stmts[k] = s.(statement)
	return c.stmts[k], nil
}

// close gives the connection back to the system.
func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(append(errs, c.Close())...)
}

// isTaken reports that a statement would have broken a unique key.
func isTaken(err error) bool { return primaryCode(err) == sqlite3.SQLITE_CONSTRAINT }

// isFull reports that the disk has no room: the transaction is gone, and the
// store may go on.
func isFull(err error) bool { return primaryCode(err) == sqlite3.SQLITE_FULL }

func primaryCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return sqlite3.SQLITE_OK
	}
	return e.Code() & 0xff
}
