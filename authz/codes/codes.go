// Package codes reads the numbers that identify organizations and people in
// China, with their check digits, and masks what must not be shown in full.
// It keeps nothing and asks nobody.
package codes

import (
	"errors"
	"strings"
	"time"
)

// What a parser says. The texts never repeat the number.
var (
	ErrUSCC      = errors.New("codes: not a unified social credit code")
	ErrCitizenID = errors.New("codes: not a citizen ID number")
	ErrPhone     = errors.New("codes: not a mobile phone number")
	ErrName      = errors.New("codes: not an acceptable name")
	ErrRegion    = errors.New("codes: not a division code")
)

// USCC is a checked unified social credit code, 18 characters, upper case (GB
// 32100-2015).
type USCC string

const (
	usccAlphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY" // no I O Z S V
	usccLength   = 18
)

// ParseUSCC checks length, alphabet and check character. Letters may come in
// lower case and blanks around are dropped.
func ParseUSCC(s string) (USCC, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != usccLength {
		return "", ErrUSCC
	}
	sum, weight := 0, 1
	for i := range usccLength - 1 {
		v := strings.IndexByte(usccAlphabet, s[i])
		if v < 0 {
			return "", ErrUSCC
		}
		sum += v * weight
		weight = weight * 3 % 31
	}
	if usccAlphabet[(31-sum%31)%31] != s[usccLength-1] || !isDigits(s[2:8]) {
		return "", ErrUSCC
	}
	return USCC(s), nil
}

// Region is the GB/T 2260 division of the registering authority, six digits.
func (u USCC) Region() string { return string(u[2:8]) }

// Region is a GB/T 2260 division code, six digits.
type Region string

// national stands for the whole country: what the State Council's own offices
// register carries it.
const national = "100000"

// ParseRegion checks the shape and the province. Whether the division exists
// today is not asked: codes are retired, and what they named stays valid. The
// level of a code shows in its zeros, so none follows behind them.
func ParseRegion(s string) (Region, error) {
	if s == national {
		return national, nil
	}
	if len(s) != 6 || !isDigits(s) || !isProvince(s[:2]) {
		return "", ErrRegion
	}
	if s[2:4] == "00" && s[4:] != "00" {
		return "", ErrRegion
	}
	return Region(s), nil
}

// Province is the code of the province: two digits and four zeros.
func (r Region) Province() Region { return r[:2] + "0000" }

// isProvince: 11–15, 21–23, 31–37, 41–46, 50–54, 61–65, 71, 81, 82.
func isProvince(s string) bool {
	last, ok := map[byte]byte{'1': '5', '2': '3', '3': '7', '4': '6', '5': '4', '6': '5', '7': '1', '8': '2'}[s[0]]
	return ok && s[1] <= last && (s[1] >= '1' || s == "50")
}

func isDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// CitizenID is a checked citizen ID number, 18 characters (GB 11643-1999). It
// prints masked.
type CitizenID string

// String masks the number, so that it cannot reach a log by accident.
func (c CitizenID) String() string { return MaskID(string(c)) }

// ParseCitizenID checks length, digits, birth date and check character.
func ParseCitizenID(s string) (CitizenID, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 18 {
		return "", ErrCitizenID
	}
	weights := [17]int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	sum := 0
	for i, w := range weights {
		if s[i] < '0' || s[i] > '9' {
			return "", ErrCitizenID
		}
		sum += int(s[i]-'0') * w
	}
	if "10X98765432"[sum%11] != s[17] {
		return "", ErrCitizenID
	}
	if _, err := time.Parse("20060102", s[6:14]); err != nil {
		return "", ErrCitizenID
	}
	return CitizenID(s), nil
}

// Phone is a mobile number of mainland China, 11 digits. It prints masked.
type Phone string

// String masks the number.
func (p Phone) String() string { return MaskPhone(string(p)) }

// E164 is the international form.
func (p Phone) E164() string { return "+86" + string(p) }

// ParsePhone accepts 11 digits from 13… to 19…, with an optional +86 or 0086
// and blanks or hyphens between.
func ParsePhone(s string) (Phone, error) {
	s = strings.NewReplacer(" ", "", "-", "").Replace(strings.TrimSpace(s))
	for _, prefix := range []string{"+86", "0086"} {
		if rest, ok := strings.CutPrefix(s, prefix); ok {
			s = rest
			break
		}
	}
	if len(s) != 11 || s[0] != '1' || s[1] < '3' || !isDigits(s) {
		return "", ErrPhone
	}
	return Phone(s), nil
}
