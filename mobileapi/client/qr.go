package client

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
)

// ErrQR: the text is not a code of the configured system.
var ErrQR = errors.New("phone: not a code of this system")

// Frame is what a rolling code says (protocol.md §2.3).
type Frame struct {
	Handle string // base64url of 16 bytes
	N      uint32 // number of the frame
	MAC    string // base64url of 12 bytes
}

const (
	handleSize = 16
	macSize    = 12
)

// ParseQR reads the text of a code: base, "#1.", handle, number and MAC with
// dots between, and nothing else. base is compared as text, so another host,
// scheme, port, user or spelling is no code of ours; nor is another version.
func ParseQR(base, text string) (Frame, error) {
	rest, ours := strings.CutPrefix(text, base+"#1.")
	parts := strings.Split(rest, ".")
	if base == "" || !ours || len(parts) != 3 {
		return Frame{}, ErrQR
	}
	n, err := strconv.ParseUint(parts[1], 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != parts[1] {
		return Frame{}, ErrQR
	}
	if !spells(parts[0], handleSize) || !spells(parts[2], macSize) {
		return Frame{}, ErrQR
	}
	return Frame{Handle: parts[0], N: uint32(n), MAC: parts[2]}, nil
}

// spells reports whether s is the one spelling of size bytes.
func spells(s string, size int) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == size && base64.RawURLEncoding.EncodeToString(b) == s
}
