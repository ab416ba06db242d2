package cos

import (
	"bytes"
	"slices"
	"strconv"
)

// lexer reads values from one buffer: the file, or a decoded object stream.
type lexer struct {
	src    []byte
	pos    int
	depth  int
	values int // how many values may still be read
	// Stacks of the containers being read, so that each is allocated once and
	// in its exact size.
	items   []any
	entries []Entry
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelim(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// peek gives the byte at an offset from here, 0 past the end.
func (l *lexer) peek(ahead int) byte {
	if l.pos+ahead < len(l.src) {
		return l.src[l.pos+ahead]
	}
	return 0
}

func (l *lexer) atEnd() bool { return l.pos >= len(l.src) }

// skip passes white space and comments.
func (l *lexer) skip() {
	for l.pos < len(l.src) {
		c := l.src[l.pos]
		switch {
		case isSpace(c):
			l.pos++
		case c == '%':
			l.skipLine()
		default:
			return
		}
	}
}

func (l *lexer) skipLine() {
	n := bytes.IndexAny(l.src[l.pos:], "\r\n")
	if n < 0 {
		l.pos = len(l.src)
		return
	}
	l.pos += n
}

// word passes the given keyword and reports whether it was there.
func (l *lexer) word(w string) bool {
	end := l.pos + len(w)
	if end > len(l.src) || string(l.src[l.pos:end]) != w {
		return false
	}
	if end < len(l.src) && !isSpace(l.src[end]) && !isDelim(l.src[end]) {
		return false
	}
	l.pos = end
	return true
}

// value reads the next value. A bare word comes back as Keyword.
func (l *lexer) value() (any, error) {
	l.skip()
	if l.atEnd() {
		return nil, damaged(l.pos, "unexpected end")
	}
	if l.values--; l.values < 0 {
		return nil, overLimit("values")
	}
	switch c := l.src[l.pos]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '<' && l.peek(1) == '<':
		return l.nested(l.dict)
	case c == '<':
		return l.hex()
	case c == '[':
		return l.nested(l.array)
	case isDigit(c) || c == '+' || c == '-' || c == '.':
		return l.number()
	case isDelim(c):
		return nil, damaged(l.pos, "unexpected %q", c)
	}
	return l.bare(), nil
}

// operand is value where an operator has no place.
func (l *lexer) operand() (any, error) {
	at := l.pos
	v, err := l.value()
	if k, ok := v.(Keyword); ok && err == nil {
		if k == "null" {
			return nil, nil
		}
		return nil, damaged(at, "unexpected word")
	}
	return v, err
}

// nested guards the two recursive readers.
func (l *lexer) nested(read func() (any, error)) (any, error) {
	if l.depth++; l.depth > MaxDepth {
		return nil, overLimit("nesting")
	}
	v, err := read()
	l.depth--
	return v, err
}

func (l *lexer) array() (any, error) {
	start, base := l.pos, len(l.items)
	l.pos++
	for {
		l.skip()
		if l.peek(0) == ']' {
			l.pos++
			a := &Array{Items: slices.Clone(l.items[base:]), Src: l.src[start:l.pos:l.pos], Off: start}
			l.items = l.items[:base]
			return a, nil
		}
		v, err := l.operand()
		if err != nil {
			return nil, err
		}
		l.items = append(l.items, v)
	}
}

func (l *lexer) dict() (any, error) {
	start, base := l.pos, len(l.entries)
	l.pos += 2
	for {
		l.skip()
		if l.peek(0) == '>' && l.peek(1) == '>' {
			l.pos += 2
			d := &Dict{Entries: slices.Clone(l.entries[base:]), Src: l.src[start:l.pos:l.pos], Off: start}
			l.entries = l.entries[:base]
			return d, nil
		}
		if l.peek(0) != '/' {
			return nil, damaged(l.pos, "a key was expected")
		}
		key, err := l.name()
		if err != nil {
			return nil, err
		}
		l.skip()
		e := Entry{Key: key, Start: l.pos - start}
		if e.Value, err = l.operand(); err != nil {
			return nil, err
		}
		e.End = l.pos - start
		l.entries = append(l.entries, e)
	}
}

// regular passes a run of regular characters and gives it.
func (l *lexer) regular() []byte {
	start := l.pos
	for l.pos < len(l.src) && !isSpace(l.src[l.pos]) && !isDelim(l.src[l.pos]) {
		l.pos++
	}
	return l.src[start:l.pos]
}

func (l *lexer) name() (Name, error) {
	l.pos++
	raw := l.regular()
	if bytes.IndexByte(raw, '#') < 0 {
		return Name(raw), nil
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if raw[i] != '#' {
			out = append(out, raw[i])
			continue
		}
		if i+2 >= len(raw) || unhex(raw[i+1]) > 15 || unhex(raw[i+2]) > 15 {
			return "", damaged(l.pos, "bad escape in a name")
		}
		out = append(out, unhex(raw[i+1])<<4|unhex(raw[i+2]))
		i += 2
	}
	return Name(out), nil
}

func (l *lexer) bare() any {
	switch w := string(l.regular()); w {
	case "true":
		return true
	case "false":
		return false
	default:
		return Keyword(w)
	}
}

// number reads an integer, a real, or the reference that begins with one.
func (l *lexer) number() (any, error) {
	start := l.pos
	raw := l.regular()
	if n, ok := plainInt(raw); ok {
		if ref, ok := l.reference(n); ok {
			return ref, nil
		}
		return n, nil
	}
	if n, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return n, nil
	}
	if !realShape(raw) {
		return nil, damaged(start, "bad number")
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil, damaged(start, "bad number")
	}
	return f, nil
}

// reference looks whether "n" goes on as "n g R"; if not it moves nothing.
func (l *lexer) reference(num int64) (Ref, bool) {
	mark := l.pos
	l.skip()
	gen, ok := plainInt(l.regular())
	if ok {
		l.skip()
		if ok = l.word("R"); ok && num < MaxObjects && gen <= 65535 {
			return Ref{Num: int(num), Gen: int(gen)}, true
		}
	}
	l.pos = mark
	return Ref{}, false
}

// plainInt reads up to 18 digits without a sign.
func plainInt(raw []byte) (int64, bool) {
	if len(raw) == 0 || len(raw) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range raw {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// realShape admits what ISO 32000-1 §7.3.3 calls a real: no exponent, no
// "Inf", at most one point, at least one digit.
func realShape(raw []byte) bool {
	if len(raw) > 0 && (raw[0] == '+' || raw[0] == '-') {
		raw = raw[1:]
	}
	digits, points := 0, 0
	for _, c := range raw {
		switch {
		case isDigit(c):
			digits++
		case c == '.':
			points++
		default:
			return false
		}
	}
	return digits > 0 && points <= 1
}
