package statement_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// AT-032: whatever is not the one spelling is refused when it is read.
func TestAT032ParseRefuses(t *testing.T) {
	t.Parallel()
	replace := func(old, new string) string {
		if !strings.Contains(annexA, old) {
			t.Fatalf("the annex has no %q", old)
		}
		return strings.Replace(annexA, old, new, 1)
	}
	cases := map[string]string{
		"empty":                "",
		"no last LF":           strings.TrimSuffix(annexA, "\n"),
		"one more LF":          annexA + "\n",
		"CR LF":                strings.ReplaceAll(annexA, "\n", "\r\n"),
		"CR in a value":        replace("张三", "张\r三"),
		"NUL":                  replace("张三", "张\x00三"),
		"C1 control":           replace("张三", "张\u0085三"),
		"DEL":                  replace("张三", "张\u007f三"),
		"right-to-left":        replace("委托书.ofd", "委托书\u202efdo."),
		"isolate":              replace("张三", "\u2066张三"),
		"arabic letter mark":   replace("张三", "张\u061c三"),
		"zero width space":     replace("张三", "张\u200b三"),
		"zero width joiner":    replace("张三", "张\u200d三"),
		"word joiner":          replace("张三", "张\u2060三"),
		"BOM inside":           replace("张三", "张\ufeff三"),
		"BOM in front":         "\ufeff" + annexA,
		"line separator":       replace("张三", "张\u2028三"),
		"paragraph separator":  replace("张三", "张\u2029三"),
		"soft hyphen":          replace("张三", "张\u00ad三"),
		"tag character":        replace("张三", "张三\U000e0041"),
		"hangul filler":        replace("张三", "张\u3164三"),
		"not UTF-8":            replace("张三", "张\xff三"),
		"NFD":                  replace("张三", "Jose\u0301"),
		"compatibility han":    replace("张三", "\uf900"), // a CJK compatibility ideograph: NFC has another
		"trailing blank":       replace("张三", "张三 "),
		"ideographic blank":    replace("张三", "张三\u3000"),
		"two blanks":           replace("agent: us_8a1f77c0 ", "agent: us_8a1f77c0  "),
		"no blank after colon": replace("agent: us", "agent:us"),
		"blank before colon":   replace("agent: us", "agent : us"),
		"upper case key":       replace("agent: us", "Agent: us"),
		"upper case hash":      replace("device: fc03", "device: FC03"),
		"short hash":           replace("device: fc03", "device: fc0"),
		"blank line":           replace("agent: us", "\nagent: us"),
		"extra line":           replace("agent: us", "role: admin\nagent: us"),
		"line after the end":   annexA + "match: 418\n",
		"missing line":         replace("origin: https://declare.example.gov.cn\n", ""),
		"duplicate line":       replace("issuer: seal.example.gov.cn\n", "issuer: seal.example.gov.cn\nissuer: seal.example.gov.cn\n"),
		"reordered": replace("purpose: stamp\ndecision: approve\n",
			"decision: approve\npurpose: stamp\n"),
		"other kind":            replace("cseal-approval/1", "cseal-approval/2"),
		"other purpose":         replace("purpose: stamp", "purpose: login"),
		"unknown purpose":       replace("purpose: stamp", "purpose: grant"),
		"unknown decision":      replace("decision: approve", "decision: maybe"),
		"no documents":          annexA[:strings.Index(annexA, "docs: ")] + annexA[strings.Index(annexA, "limits: "):],
		"fewer documents":       replace("docs: 2", "docs: 1"),
		"more documents":        replace("docs: 2", "docs: 3"),
		"leading zero":          replace("docs: 2", "docs: 02"),
		"plus":                  replace("uses-after=17", "uses-after=+17"),
		"negative":              replace("uses-after=17", "uses-after=-1"),
		"other root":            replace("docs-root: 8ddd", "docs-root: 9ddd"),
		"documents swapped":     replace("doc.1: ", "doc.2: "),
		"page beyond the pages": replace("place=p3:", "place=p4:"),
		"page zero":             replace("place=p3:", "place=p0:"),
		"two decimals":          replace("120.0,640.0", "120.00,640.0"),
		"no decimal":            replace("120.0,640.0", "120,640.0"),
		"exponent":              replace("120.0,640.0", "1.2e2,640.0"),
		"not a number":          replace("120.0,640.0", "NaN,640.0"),
		"infinite":              replace("120.0,640.0", "Inf,640.0"),
		"negative place":        replace("120.0,640.0", "-120.0,640.0"),
		"negative zero":         replace("120.0,640.0", "-0.0,640.0"),
		"no width":              replace("42.0x42.0", "0.0x42.0"),
		"time with a zone":      replace("02:10:05Z", "02:10:05+00:00"),
		"time with a fraction":  replace("02:10:05Z", "02:10:05.5Z"),
		"expires before":        replace("expires-at: 2026-11-22T02:15:05Z", "expires-at: 2026-11-22T02:10:05Z"),
		"padded nonce":          replace("VAB4\n", "VAB4=\n"),
		"short nonce":           replace("VAB4\n", "VAA\n"),
		"loose base64":          replace("VAB4\n", "VAB5\n"), // the last two bits must be zero
		"no number":             replace("match: 417", "match: "),
		"two digits":            replace("match: 417", "match: 41"),
		"four digits":           replace("match: 417", "match: 4170"),
		"wide digits":           replace("match: 417", "match: ４１７"),
		"letter":                replace("match: 417", "match: 41a"),
		"short code":            replace("91330100MA00000000", "91330100MA0000000"),
		"owner with limits":     replace("delegation: dg_77ab01c2 d1ad72f049c5922ad89201fc8a0e1fc15123d1b744e240590e6a258d939f9d5a", "delegation: owner"),
		"delegate no limits":    replace("limits: uses-after=17 expires=2026-12-31T15:59:59Z\n", ""),
		"seal named":            replace("pages=3 place", "pages=3 seal=s1 place"),
		"seal zero named":       replace("pages=3 place", "pages=3 seal=s0 place"),
		"foreign scheme":        replace("origin: https", "origin: ftp"),
		"origin with a path":    replace("declare.example.gov.cn\n", "declare.example.gov.cn/a\n"),
		"too long":              replace("张三", strings.Repeat("张", statement.MaxSize/3)),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, match, err := statement.ParseApproval([]byte(text))
			if !errors.Is(err, fault.StatementBad) {
				t.Fatalf("accepted, or another error: %v", err)
			}
			if match != "" || a.Purpose != "" {
				t.Error("an error came with a value")
			}
			if err != nil && strings.Contains(err.Error(), "张") {
				t.Errorf("the error names a person: %v", err)
			}
		})
	}
}

// A changed byte is refused, or it says something else and is built again as
// just that: no two texts are read as one.
func TestParseEveryFlip(t *testing.T) {
	t.Parallel()
	accepted := 0
	for i := range len(annexA) {
		changed := []byte(annexA)
		changed[i] ^= 0x04
		a, match, err := statement.ParseApproval(changed)
		if err != nil {
			continue
		}
		accepted++
		if head, _ := a.Head(); !bytes.Equal(statement.Complete(head, match), changed) {
			t.Fatalf("byte %d: read as something else than it says", i)
		}
	}
	if accepted == 0 || accepted > len(annexA)/2 {
		t.Errorf("%d of %d changed statements are well formed", accepted, len(annexA))
	}
}

// AT-032, the other side: nothing of the kind is ever built.
func TestHeadRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*statement.Approval){
		"line feed in a title":     func(a *statement.Approval) { a.Docs[0].Title = "a\nmatch: 417" },
		"line feed in a name":      func(a *statement.Approval) { a.Agent.Name = "张三\ndelegation: owner" },
		"bidi in a title":          func(a *statement.Approval) { a.Docs[0].Title = "a\u202eb" },
		"NFD":                      func(a *statement.Approval) { a.App.Name = "e\u0301" },
		"blank in an id":           func(a *statement.Approval) { a.Agent.ID = "us 1" },
		"no name":                  func(a *statement.Approval) { a.Agent.Name = "" },
		"no title":                 func(a *statement.Approval) { a.Docs[0].Title = "" },
		"no seal":                  func(a *statement.Approval) { a.Seals = nil },
		"seal without hash":        func(a *statement.Approval) { a.Seals[0].Hash = gm.Digest{} },
		"no device":                func(a *statement.Approval) { a.Device = gm.Digest{} },
		"no dtbs":                  func(a *statement.Approval) { a.Docs[0].DTBS = gm.Digest{} },
		"zero time":                func(a *statement.Approval) { a.IssuedAt = time.Time{} },
		"another root":             func(a *statement.Approval) { a.DocsRoot = gm.SM3([]byte("x")) },
		"second document no seal":  func(a *statement.Approval) { a.Docs[0].Seal = 1 },
		"seal that is not there":   func(a *statement.Approval) { a.Docs[0].Seal, a.Docs[1].Seal = 1, 2 },
		"seal twice":               func(a *statement.Approval) { a.Seals = append(a.Seals, a.Seals[0]); number(a) },
		"bind without an account":  func(a *statement.Approval) { a.Purpose, a.Docs, a.Limits = statement.Bind, nil, nil },
		"login without an account": func(a *statement.Approval) { a.Purpose, a.Docs, a.Limits = statement.Login, nil, nil },
		"root without documents": func(a *statement.Approval) {
			a.Purpose, a.Account, a.Docs, a.Limits, a.DocsRoot = statement.Login, "u1", nil, nil, gm.SM3()
		},
		"too many documents": func(a *statement.Approval) { *a = batch(t, statement.MaxDocs+1) },
		"a list and one seal for all": func(a *statement.Approval) {
			*a = batch(t, statement.MaxInline+1)
			for i := range a.Docs {
				a.Docs[i].Seal = 0
			}
		},
		"another count":                func(a *statement.Approval) { *a = batch(t, 60); a.Count = 61 },
		"a count without lines":        func(a *statement.Approval) { a.Docs, a.Count, a.DocsRoot = nil, 50, gm.SM3() },
		"a list without its root":      func(a *statement.Approval) { a.Docs, a.Count = nil, 51 },
		"a list with a bad line":       func(a *statement.Approval) { *a = batch(t, 60); a.Docs[59].Title = "a\nb" },
		"a list with a foreign seal":   func(a *statement.Approval) { *a = batch(t, 60); a.Docs[59].Seal = 2 },
		"a list with another root":     func(a *statement.Approval) { *a = batch(t, 60); a.DocsRoot = gm.SM3() },
		"a list with a place too many": func(a *statement.Approval) { *a = batch(t, 60); a.Docs[3].Place.Page = 9 },
		"64 KiB and one":               func(a *statement.Approval) { a.Context = strings.Repeat("x", statement.MaxSize-1200) },
		"huge place":                   func(a *statement.Approval) { a.Docs[0].Place.X = 1e9 },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := annexAValues(t)
			change(&a)
			if head, err := a.Head(); !errors.Is(err, fault.StatementBad) || head != nil {
				t.Errorf("built, or another error: %v", err)
			}
		})
	}
}

// number gives every document the first seal by name.
func number(a *statement.Approval) {
	for i := range a.Docs {
		a.Docs[i].Seal = 1
	}
}

// The longest statement that is allowed can be built and read.
func TestLargestStatement(t *testing.T) {
	t.Parallel()
	a := annexAValues(t)
	head, err := a.Head()
	if err != nil {
		t.Fatal(err)
	}
	a.Context = strings.Repeat("x", len(a.Context)+statement.MaxSize-len(head)-statement.MatchDigits-1)
	if head, err = a.Head(); err != nil {
		t.Fatal(err)
	}
	whole := statement.Complete(head, "000")
	if len(whole) != statement.MaxSize {
		t.Fatalf("%d bytes", len(whole))
	}
	if _, _, err := statement.ParseApproval(whole); err != nil {
		t.Errorf("cannot be read: %v", err)
	}
	a.Context += "x"
	if _, err := a.Head(); err == nil {
		t.Error("one byte more was built")
	}
}
