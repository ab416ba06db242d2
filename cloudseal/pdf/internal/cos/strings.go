package cos

import "bytes"

// hex reads a hexadecimal string up to its ">". What stands between is not
// looked at here.
func (l *lexer) hex() (any, error) {
	start := l.pos
	n := bytes.IndexByte(l.src[start:], '>')
	if n < 0 {
		return nil, damaged(start, "string without an end")
	}
	l.pos = start + n + 1
	return String{Raw: l.src[start:l.pos:l.pos], Off: start}, nil
}

// literal reads a string in balanced parentheses.
func (l *lexer) literal() (any, error) {
	start, open := l.pos, 0
	for ; l.pos < len(l.src); l.pos++ {
		switch l.src[l.pos] {
		case '\\':
			l.pos++
		case '(':
			open++
		case ')':
			if open--; open == 0 {
				l.pos++
				return String{Raw: l.src[start:l.pos:l.pos], Off: start}, nil
			}
		}
	}
	l.pos = len(l.src)
	return nil, damaged(start, "string without an end")
}

// unhex gives the value of a digit, 16 for white space, 255 for anything else.
func unhex(c byte) byte {
	switch {
	case isDigit(c):
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	case isSpace(c):
		return 16
	}
	return 255
}

// decodeHex is lenient as readers are; who judges a signature looks at Raw.
func decodeHex(in []byte) []byte {
	out := make([]byte, 0, len(in)/2+1)
	high, half := byte(0), false
	for _, c := range in {
		v := unhex(c)
		if v > 15 {
			continue
		}
		if half = !half; half {
			high = v << 4
			continue
		}
		out = append(out, high|v)
	}
	if half {
		out = append(out, high)
	}
	return out
}

func decodeLiteral(in []byte) []byte {
	if !bytes.ContainsAny(in, "\\\r") {
		return bytes.Clone(in)
	}
	out := make([]byte, 0, len(in))
	for i := 0; i < len(in); i++ {
		switch c := in[i]; {
		case c == '\\' && i+1 < len(in):
			n, b, keep := escape(in[i+1:])
			if i += n; keep {
				out = append(out, b)
			}
		case c == '\r':
			if i+1 < len(in) && in[i+1] == '\n' {
				i++
			}
			out = append(out, '\n')
		default:
			out = append(out, c)
		}
	}
	return out
}

// escape decodes what follows a backslash: how many bytes it takes, the byte it
// stands for, and whether there is one (a line continuation has none).
func escape(in []byte) (n int, b byte, keep bool) {
	switch c := in[0]; c {
	case 'n':
		return 1, '\n', true
	case 'r':
		return 1, '\r', true
	case 't':
		return 1, '\t', true
	case 'b':
		return 1, '\b', true
	case 'f':
		return 1, '\f', true
	case '\n':
		return 1, 0, false
	case '\r':
		if len(in) > 1 && in[1] == '\n' {
			return 2, 0, false
		}
		return 1, 0, false
	}
	for n < 3 && n < len(in) && '0' <= in[n] && in[n] <= '7' {
		b = b<<3 | (in[n] - '0')
		n++
	}
	if n > 0 {
		return n, b, true
	}
	return 1, in[0], true
}
