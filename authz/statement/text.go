package statement

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var (
	errEmpty     = errors.New("empty")
	errUTF8      = errors.New("not UTF-8")
	errBlank     = errors.New("white space at an end")
	errCharacter = errors.New("a character that could deceive")
	errNormal    = errors.New("not in normal form C")
	errForm      = errors.New("not of its form")
	errRange     = errors.New("out of range")
	errMissing   = errors.New("missing")
	errNotHere   = errors.New("not for this purpose")
)

// invisible are letters and marks that draw nothing although they are neither
// control nor format characters.
var invisible = map[rune]bool{
	'\u034f': true, '\u115f': true, '\u1160': true, '\u17b4': true, '\u17b5': true,
	'\u2800': true, '\u3164': true, '\uffa0': true,
}

// CheckText reports why s cannot stand in a statement, nil when it can. Callers
// use it where a text enters the system, so that no statement fails later.
func CheckText(s string) error {
	switch {
	case s == "":
		return errEmpty
	case !utf8.ValidString(s):
		return errUTF8
	}
	for _, r := range s {
		if deceives(r) {
			return errCharacter
		}
	}
	switch {
	case strings.TrimSpace(s) != s:
		return errBlank
	case !norm.NFC.IsNormalString(s):
		return errNormal
	}
	return nil
}

// deceives reports characters that make a text look like another: C0, C1 and
// DEL, format characters (bidirectional controls, zero width, BOM, tags), line
// and paragraph separators, unassigned non-characters, invisible letters.
func deceives(r rune) bool {
	if plain(r) {
		return false
	}
	if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point) {
		return true
	}
	return invisible[r]
}

// plain reports most of what is ever written: printable ASCII and the Chinese
// characters of the basic block. None of them is in a class above, and each is
// its own normal form.
func plain(r rune) bool { return ' ' <= r && r <= '~' || '\u4e00' <= r && r <= '\u9fff' }
