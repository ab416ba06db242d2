package sign

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// Structured fields (RFC 9651), the little of them that is needed and in their
// one canonical spelling. Whoever writes by the standard's algorithm writes so;
// what is spelled otherwise is refused, because then the bytes that were read are
// the bytes that were signed.

const (
	// maxField bounds a field value; ours have about 350 bytes.
	maxField = 4096
	// maxMembers bounds a dictionary; ours have one or two.
	maxMembers = 8

	maxKeyID = 64
	// minNonce is 128 bits in base64url.
	minNonce, maxNonce = 22, 64
)

var errField = errors.New("sign: malformed field")

// members splits a dictionary into raw values by key. A key that comes twice is
// refused: readers differ in which one counts.
func members(field string) (map[string]string, error) {
	if len(field) > maxField {
		return nil, errField
	}
	out := map[string]string{}
	for field != "" {
		if len(out) == maxMembers {
			return nil, errField
		}
		end := memberEnd(field)
		key, value, ok := strings.Cut(field[:end], "=")
		if _, twice := out[key]; !ok || twice || key == "" || value == "" {
			return nil, errField
		}
		out[key] = value
		if field = field[end:]; field == "" {
			break
		}
		field = strings.TrimLeft(field[1:], " \t")
		if field == "" { // a comma with nothing behind it
			return nil, errField
		}
	}
	return out, nil
}

// memberEnd finds the comma that ends the first member: one outside quotes and
// outside a list.
func memberEnd(field string) int {
	quoted, depth := false, 0
	for i := range len(field) {
		switch c := field[i]; {
		case quoted:
			quoted = c != '"'
		case c == '"':
			quoted = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(field)
}

// byteSequence reads :base64: in its canonical spelling.
func byteSequence(value string) ([]byte, error) {
	inner, ok := strings.CutPrefix(value, ":")
	inner, closed := strings.CutSuffix(inner, ":")
	if !ok || !closed {
		return nil, errField
	}
	b, err := base64.StdEncoding.Strict().DecodeString(inner)
	if err != nil || strings.ContainsAny(inner, "\r\n") {
		return nil, errField
	}
	return b, nil
}

// parameters reads ;name=value behind a list. Every name may come once; a value
// is an integer or a string of harmless letters.
func parameters(text string) (ints map[string]int64, strs map[string]string, err error) {
	ints, strs = map[string]int64{}, map[string]string{}
	for text != "" {
		rest, ok := strings.CutPrefix(text, ";")
		if !ok {
			return nil, nil, errField
		}
		end := strings.IndexByte(rest, ';')
		if end < 0 {
			end = len(rest)
		}
		name, value, ok := strings.Cut(rest[:end], "=")
		if !ok || known(ints, name) || known(strs, name) {
			return nil, nil, errField
		}
		if strings.HasPrefix(value, `"`) {
			strs[name], err = quotedWord(value)
		} else {
			ints[name], err = integer(value)
		}
		if err != nil {
			return nil, nil, err
		}
		text = rest[end:]
	}
	return ints, strs, nil
}

func known[V any](m map[string]V, name string) bool { _, ok := m[name]; return ok }

func quotedWord(value string) (string, error) {
	inner, ok := strings.CutPrefix(value, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	if !ok || !closed || !word(inner, 1, maxField) {
		return "", errField
	}
	return inner, nil
}

func integer(value string) (int64, error) {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != value {
		return 0, errField
	}
	return n, nil
}

// word reports a text of letters, digits and "-_.:", which needs no escaping
// wherever it is written.
func word(s string, shortest, longest int) bool {
	if len(s) < shortest || len(s) > longest {
		return false
	}
	for i := range len(s) {
		c := s[i]
		ok := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.:", c) >= 0
		if !ok {
			return false
		}
	}
	return true
}
