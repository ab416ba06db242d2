package statement

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"yunzhang.dev/authz/fault"
)

// layout is the table of a kind: its first line, the others in order, and what
// must hold between them. One table serves building and reading.
type layout[T any] struct {
	first string
	lines []line[T]
	check func(*T) error // nil: nothing more
}

// line is one line, or a group of lines, of a statement about a T.
type line[T any] struct {
	build func(*builder, *T)
	read  func(*reader, *T)
}

// one is a line that is always there.
func one[T, V any](key string, c codec[V], at func(*T) *V) line[T] {
	return line[T]{
		build: func(b *builder, v *T) { put(b, key, c, *at(v)) },
		read:  func(r *reader, v *T) { get(r, key, c, at(v)) },
	}
}

// maybe is a line that is left out when there is no value.
func maybe[T, V any](key string, c codec[V], at func(*T) *V, absent func(V) bool) line[T] {
	return line[T]{
		build: func(b *builder, v *T) {
			if !absent(*at(v)) {
				put(b, key, c, *at(v))
			}
		},
		read: func(r *reader, v *T) {
			if r.next(key) {
				get(r, key, c, at(v))
			}
		},
	}
}

// none is the usual "absent": the zero value.
func none[V comparable](v V) bool {
	var zero V
	return v == zero
}

// builder collects lines; the first error stays.
type builder struct {
	buf bytes.Buffer
	err error
}

func put[V any](b *builder, key string, c codec[V], v V) {
	if b.err != nil {
		return
	}
	value, err := c.format(v)
	switch {
	case err != nil:
		b.fail(key, err)
	case b.buf.Len()+len(key)+len(value) > MaxSize:
		b.fail(key, errors.New("the statement is too long"))
	default:
		b.buf.WriteString(key + ": " + value + "\n")
	}
}

// fail keeps the key only: values may name people.
func (b *builder) fail(key string, err error) {
	if b.err == nil {
		b.err = fmt.Errorf("line %q: %w", key, err)
	}
}

// reader walks over lines; the first error stays.
type reader struct {
	rest string
	err  error
}

// next reports whether the line that follows has this key.
func (r *reader) next(key string) bool {
	return r.err == nil && strings.HasPrefix(r.rest, key+": ")
}

func get[V any](r *reader, key string, c codec[V], into *V) {
	if r.err != nil {
		return
	}
	text, rest, ended := strings.Cut(r.rest, "\n")
	value, found := strings.CutPrefix(text, key+": ")
	if !found || !ended {
		r.err = fmt.Errorf("line %q: %w", key, errMissing)
		return
	}
	v, err := c.parse(value)
	if err != nil {
		r.err = fmt.Errorf("line %q: %w", key, errForm)
		return
	}
	*into, r.rest = v, rest
}

// build gives the bytes of v, or fault.StatementBad.
func (l layout[T]) build(v *T) ([]byte, error) {
	b := &builder{}
	b.buf.WriteString(l.first + "\n")
	for _, ln := range l.lines {
		ln.build(b, v)
	}
	if b.err == nil && l.check != nil {
		b.err = l.check(v)
	}
	if b.err == nil && b.buf.Len() > MaxSize {
		b.err = errors.New("the statement is too long")
	}
	if b.err != nil {
		return nil, fault.StatementBad.Becausef("build %s: %w", l.first, b.err)
	}
	return b.buf.Bytes(), nil
}

// parse reads data and accepts it only if building gives the same bytes: that
// one comparison holds the whole encoding, whatever a codec let pass.
func (l layout[T]) parse(data []byte) (T, error) {
	var v, zero T
	if len(data) > MaxSize {
		return zero, fault.StatementBad.Becausef("read %s: too long", l.first)
	}
	rest, ok := strings.CutPrefix(string(data), l.first+"\n")
	if !ok {
		return zero, fault.StatementBad.Becausef("read %s: another kind", l.first)
	}
	r := &reader{rest: rest}
	for _, ln := range l.lines {
		ln.read(r, &v)
	}
	if r.err != nil {
		return zero, fault.StatementBad.Becausef("read %s: %w", l.first, r.err)
	}
	again, err := l.build(&v)
	if err != nil {
		return zero, err
	}
	if !bytes.Equal(again, data) {
		return zero, fault.StatementBad.Becausef("read %s: not canonical", l.first)
	}
	return v, nil
}
