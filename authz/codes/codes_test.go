package codes_test

import (
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/authz/codes"
)

func TestParseUSCC(t *testing.T) {
	t.Parallel()
	valid := strings.Fields(`91110000802100433B 9144030071526726XG 914403001922038216 91330100799655058B
		91350100M000100Y43 91110108802094766H 91320404MA22FHG7XX 11370306MB2867521U 115300000151003540 12100000000018032A`)
	for _, s := range valid {
		if got, err := codes.ParseUSCC(s); err != nil || string(got) != s {
			t.Errorf("%s: %q, %v", s, got, err)
		}
		if got, err := codes.ParseUSCC(" " + strings.ToLower(s)); err != nil || string(got) != s {
			t.Errorf("%s in lower case: %q, %v", s, got, err)
		}
	}
	invalid := []string{"91500106MA2CE71F65", "9150010807MGZHI002", "92350100MA00000000", "", "9111000080210043", "91110000802100433B0", "９1110000802100433B"}
	for _, s := range invalid {
		if _, err := codes.ParseUSCC(s); err == nil {
			t.Errorf("%q accepted", s)
		}
	}
	u, _ := codes.ParseUSCC(valid[0])
	if u.Region() != "110000" {
		t.Errorf("region %s", u.Region())
	}
}

// Every single wrong character must be noticed: that is what the check
// character is for.
func TestUSCCNoticesEveryWrongCharacter(t *testing.T) {
	t.Parallel()
	const good = "91350100M000100Y43"
	for i := range good {
		for _, c := range "0123456789ABCDEFGHJKLMNPQRTUWXY" {
			bad := good[:i] + string(c) + good[i+1:]
			if _, err := codes.ParseUSCC(bad); (err == nil) != (bad == good) {
				t.Errorf("%s: %v", bad, err)
			}
		}
	}
}

func TestParseCitizenID(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"11010519491231002X", "440524188001010014", "110101198003074333"} {
		if got, err := codes.ParseCitizenID(s); err != nil || string(got) != s {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range []string{"110105194912310021", "11010519491331002X", "1101051949123100", "abc", ""} {
		if _, err := codes.ParseCitizenID(s); err == nil {
			t.Errorf("%q accepted", s)
		}
	}
	if got := fmt.Sprint(codes.CitizenID("11010519491231002X")); strings.Contains(got, "1949") {
		t.Errorf("prints %s", got)
	}
}

func TestParsePhone(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"13800138000", "+86 138-0013-8000", "008613800138000"} {
		if got, err := codes.ParsePhone(s); err != nil || string(got) != "13800138000" || got.E164() != "+8613800138000" {
			t.Errorf("%s: %q, %v", s, string(got), err)
		}
	}
	for _, s := range []string{"12800138000", "1380013800", "+1 13800138000", "1380013800a", ""} {
		if _, err := codes.ParsePhone(s); err == nil {
			t.Errorf("%q accepted", s)
		}
	}
	if got := fmt.Sprint(codes.Phone("13800138034")); got != "尾号 34" {
		t.Errorf("prints %s", got)
	}
}

func TestCleanName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		" 张三 ": "张三", "阿卜杜拉·买买提": "阿卜杜拉·买买提", "示例科技（杭州）有限公司": "示例科技（杭州）有限公司",
		"e\u0301": "\u00e9", "John Smith": "John Smith",
	} {
		if got, err := codes.CleanName(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", " ", "a\nb", "a\u202eb", "a\u200bb", "a\u2028b", "a\tb", "\xff", "a\u2066b", "a\ufeff", "a  b", strings.Repeat("长", 101)} {
		if got, err := codes.CleanName(in); err == nil {
			t.Errorf("%q accepted as %q", in, got)
		}
	}
}

func TestMasks(t *testing.T) {
	t.Parallel()
	rows := []struct{ got, want string }{
		{codes.MaskName("张三丰"), "张*"}, {codes.MaskName(""), "*"},
		{codes.MaskID("11010519491231002X"), "1****************X"}, {codes.MaskID("123"), "***"},
		{codes.MaskPhone("13800138034"), "尾号 34"}, {codes.MaskPhone("1"), "尾号 **"},
		{codes.MaskAccount("zhangsan"), "zh***an"}, {codes.MaskAccount("ab"), "a***"},
	}
	for _, r := range rows {
		if r.got != r.want {
			t.Errorf("%q, want %q", r.got, r.want)
		}
	}
}
