package codes

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name in characters: registered names of organizations
// stay below 60, ethnic-minority personal names below 30.
const maxName = 100

// CleanName normalizes a name (NFC, blanks around dropped) and refuses what can
// make it look like another: control, format and bidirectional characters,
// characters of no width or no ink (fillers, variation selectors), line and
// paragraph separators, doubled blanks. What it returns it returns unchanged
// when asked again.
func CleanName(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", ErrName
	}
	s = strings.TrimSpace(norm.NFC.String(s))
	if n := utf8.RuneCountInString(s); n == 0 || n > maxName {
		return "", ErrName
	}
	if strings.ContainsFunc(s, unprintable) || strings.Contains(s, "  ") {
		return "", ErrName
	}
	return s, nil
}

func unprintable(r rune) bool {
	return r == utf8.RuneError || r == '\u2800' || // the blank of Braille
		unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp,
			unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.IsSpace(r) && r != ' '
}

// MaskName keeps the first character: 张*.
func MaskName(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	if size == 0 || r == utf8.RuneError {
		return "*"
	}
	return string(r) + "*"
}

// MaskID keeps the first and the last character of a number.
func MaskID(s string) string {
	if len(s) < 8 {
		return strings.Repeat("*", len(s))
	}
	return s[:1] + strings.Repeat("*", len(s)-2) + s[len(s)-1:]
}

// MaskPhone keeps the last two digits: 尾号 34.
func MaskPhone(s string) string {
	if len(s) < 4 {
		return "尾号 **"
	}
	return "尾号 " + s[len(s)-2:]
}

// MaskAccount keeps the two characters at either end of an account name.
func MaskAccount(s string) string {
	r := []rune(s)
	if len(r) <= 4 {
		return string(r[:min(1, len(r))]) + "***"
	}
	return string(r[:2]) + "***" + string(r[len(r)-2:])
}
