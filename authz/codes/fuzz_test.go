package codes_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"yunzhang.dev/authz/codes"
)

func TestParseRegion(t *testing.T) {
	t.Parallel()
	for in, province := range map[string]string{
		"110000": "110000", "370211": "370000", "370200": "370000", "500112": "500000", "659001": "650000",
		"100000": "100000", "710000": "710000", "820000": "820000", "460400": "460000",
	} {
		if r, err := codes.ParseRegion(in); err != nil || string(r) != in || string(r.Province()) != province {
			t.Errorf("%s: %q %v", in, r, err)
		}
	}
	for _, in := range []string{"", "37021", "3702111", "160000", "000000", "100001", "600000", "910000", "37021a", "370011", "３７０２１１"} {
		if r, err := codes.ParseRegion(in); err == nil {
			t.Errorf("%q accepted as %q", in, r)
		}
	}
}

func TestCleanNameRefusesWhatHasNoInk(t *testing.T) {
	t.Parallel()
	for _, r := range []rune{0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x180E, 0x200D, 0x2060, 0x2800, 0x3000, 0x3164, 0xFE0F, 0xFFA0, 0xE0100, 0xE0041} {
		if got, err := codes.CleanName("张" + string(r) + "三"); err == nil {
			t.Errorf("%U accepted in %q", r, got)
		}
	}
}

// What a parser accepts it accepts unchanged when asked again.
func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"91350100M000100Y43", " 91350100m000100y43", "11010519491231002x", "+86 138-0013-8000", "370211"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if u, err := codes.ParseUSCC(s); err == nil {
			stays(t, string(u), func(s string) (string, error) { u, err := codes.ParseUSCC(s); return string(u), err }, 18)
		}
		if c, err := codes.ParseCitizenID(s); err == nil {
			stays(t, string(c), func(s string) (string, error) { c, err := codes.ParseCitizenID(s); return string(c), err }, 18)
		}
		if p, err := codes.ParsePhone(s); err == nil {
			stays(t, string(p), func(s string) (string, error) { p, err := codes.ParsePhone(s); return string(p), err }, 11)
		}
		if r, err := codes.ParseRegion(s); err == nil {
			stays(t, string(r), func(s string) (string, error) { r, err := codes.ParseRegion(s); return string(r), err }, 6)
		}
		masks(t, s)
	})
}

func stays(t *testing.T, value string, parse func(string) (string, error), length int) {
	t.Helper()
	again, err := parse(value)
	if err != nil || again != value || len(value) != length {
		t.Errorf("%q becomes %q, %v", value, again, err)
	}
}

// A mask never shows the whole of what is longer than the mask.
func masks(t *testing.T, s string) {
	t.Helper()
	for _, mask := range []string{codes.MaskName(s), codes.MaskID(s), codes.MaskPhone(s), codes.MaskAccount(s)} {
		if utf8.ValidString(s) && utf8.RuneCountInString(s) > 4 && strings.Contains(mask, s) {
			t.Errorf("%q shows in %q", s, mask)
		}
	}
}

func FuzzCleanName(f *testing.F) {
	for _, s := range []string{"张三", " 示例科技（杭州）有限公司", "e\u0301", "a\u202eb", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := codes.CleanName(s)
		if err != nil {
			if name != "" {
				t.Errorf("%q in spite of an error", name)
			}
			return
		}
		again, err := codes.CleanName(name)
		if err != nil || again != name || !norm.NFC.IsNormalString(name) || name == "" {
			t.Errorf("%q becomes %q, then %q, %v", s, name, again, err)
		}
	})
}
