package statement_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

var at = time.Date(2026, 11, 22, 2, 10, 5, 0, time.UTC)

func someNonce() string { return base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32)) }

func someDelegation() statement.Delegation {
	return statement.Delegation{
		ID: "dg_1", Nonce: someNonce(), Issuer: "seal.example",
		Org:     statement.Org{USCC: "91330100MA00000000", Name: "示例科技有限公司"},
		Grantor: statement.Person{ID: "us_1", Name: "李四"}, Device: gm.SM3([]byte("d")),
		Agent: statement.Person{ID: "us_2", Name: "张三"}, App: statement.App{ID: "app_1", Name: "申报系统"},
		Actions:   []string{statement.Bind, statement.Login, statement.Stamp},
		Seals:     []statement.Ref{{ID: "es_1", Hash: gm.SM3([]byte("s1"))}, {ID: "es_2", Hash: gm.SM3([]byte("s2"))}},
		NotBefore: at, NotAfter: at.AddDate(1, 0, 0), Max: 10, IssuedAt: at,
	}
}

func someRevocation() statement.Revocation {
	return statement.Revocation{
		Nonce: someNonce(), Issuer: "seal.example", Kind: statement.OfDelegation,
		Subject: statement.Ref{ID: "dg_1", Hash: gm.SM3([]byte("dg"))},
		Org:     statement.Org{USCC: "91330100MA00000000", Name: "示例科技有限公司"},
		Person:  statement.Person{ID: "us_1", Name: "李四"}, Device: gm.SM3([]byte("d")),
		Reason: "离职", IssuedAt: at,
	}
}

func someEnrolment() statement.Enrolment {
	return statement.Enrolment{
		ID: "en_1", Issuer: "seal.example", Person: statement.Person{ID: "us_1", Name: "李四"},
		IDHash: gm.SM3([]byte("id")), Tier: "W", Key: []byte{0x30, 1}, RequestKey: []byte{0x30, 2},
		Passkey: "cGFzcw", PasskeyKey: []byte{0xa5}, Evidence: "sandbox 人脸 rp_1", IssuedAt: at,
	}
}

func someRepresentation() statement.Representation {
	return statement.Representation{
		ID: "rp_1", Issuer: "seal.example", Org: statement.Org{USCC: "91330100MA00000000", Name: "示例科技有限公司"},
		Person: statement.Person{ID: "us_1", Name: "李四"}, Source: "registry-sandbox", CheckedAt: at,
	}
}

func someReview() statement.Review {
	return statement.Review{
		Nonce: someNonce(), Issuer: "seal.example", Act: "approve-agent",
		Subject: statement.Ref{ID: "mb_1"}, Opinion: statement.Approve,
		Org:    statement.Org{USCC: "91330100MA00000000", Name: "示例科技有限公司"},
		Person: statement.Person{ID: "us_1", Name: "李四"}, Device: gm.SM3([]byte("d")), IssuedAt: at,
	}
}

// again builds, reads and builds; it gives the bytes and any error.
func again[T interface{ Bytes() ([]byte, error) }](v T, parse func([]byte) (T, error)) ([]byte, error) {
	first, err := v.Bytes()
	if err != nil {
		return nil, err
	}
	read, err := parse(first)
	if err != nil {
		return nil, err
	}
	if fmt.Sprintf("%+v", read) != fmt.Sprintf("%+v", v) {
		return nil, fmt.Errorf("read %+v, want %+v", read, v)
	}
	second, err := read.Bytes()
	if err == nil && !bytes.Equal(first, second) {
		err = errors.New("built twice, two spellings")
	}
	return first, err
}

// golden holds the encoding of every kind but the approval (Annex A): a change
// of it breaks all statements that people have signed.
func TestGoldenKinds(t *testing.T) {
	t.Parallel()
	hex := func(s string) string { return gm.SM3([]byte(s)).Hex() }
	head := "issuer: seal.example\n"
	cases := []struct {
		name  string
		build func() ([]byte, error)
		want  string
	}{
		{"delegation", func() ([]byte, error) { return again(someDelegation(), statement.ParseDelegation) },
			"cseal-delegation/1\nid: dg_1\nnonce: " + someNonce() + "\n" + head +
				"org: 91330100MA00000000 示例科技有限公司\ngrantor: us_1 李四\ndevice: " + hex("d") +
				"\nagent: us_2 张三\napp: app_1 申报系统\nactions: bind login stamp\nseals: 2\nseal.1: es_1 " + hex("s1") +
				"\nseal.2: es_2 " + hex("s2") + "\nnot-before: 2026-11-22T02:10:05Z\nnot-after: 2027-11-22T02:10:05Z\n" +
				"max: 10\nissued-at: 2026-11-22T02:10:05Z\n"},
		{"revocation", func() ([]byte, error) { return again(someRevocation(), statement.ParseRevocation) },
			"cseal-revocation/1\nnonce: " + someNonce() + "\n" + head + "kind: delegation\nsubject: dg_1 " + hex("dg") +
				"\norg: 91330100MA00000000 示例科技有限公司\nperson: us_1 李四\ndevice: " + hex("d") +
				"\nreason: 离职\nissued-at: 2026-11-22T02:10:05Z\n"},
		{"enrolment", func() ([]byte, error) { return again(someEnrolment(), statement.ParseEnrolment) },
			"cseal-enrolment/1\nid: en_1\n" + head + "person: us_1 李四\nid-hash: " + hex("id") +
				"\ntier: W\nkey: MAE\nrequest-key: MAI\npasskey: cGFzcw\npasskey-key: pQ\nevidence: sandbox 人脸 rp_1\n" +
				"issued-at: 2026-11-22T02:10:05Z\n"},
		{"representation", func() ([]byte, error) { return again(someRepresentation(), statement.ParseRepresentation) },
			"cseal-representation/1\nid: rp_1\n" + head + "org: 91330100MA00000000 示例科技有限公司\nperson: us_1 李四\n" +
				"source: registry-sandbox\nchecked-at: 2026-11-22T02:10:05Z\n"},
		{"review", func() ([]byte, error) { return again(someReview(), statement.ParseReview) },
			"cseal-review/1\nnonce: " + someNonce() + "\n" + head + "act: approve-agent\nsubject: mb_1\nopinion: approve\n" +
				"org: 91330100MA00000000 示例科技有限公司\nperson: us_1 李四\ndevice: " + hex("d") + "\nissued-at: 2026-11-22T02:10:05Z\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.build()
			if err != nil || string(got) != c.want {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, c.want)
			}
		})
	}
}

func TestKindsRefuse(t *testing.T) {
	t.Parallel()
	delegation := func(change func(*statement.Delegation)) func() error {
		return func() error {
			d := someDelegation()
			change(&d)
			_, err := d.Bytes()
			return err
		}
	}
	cases := map[string]func() error{
		"actions not sorted":       delegation(func(d *statement.Delegation) { d.Actions = []string{statement.Stamp, statement.Bind} }),
		"action twice":             delegation(func(d *statement.Delegation) { d.Actions = []string{statement.Bind, statement.Bind} }),
		"unknown action":           delegation(func(d *statement.Delegation) { d.Actions = []string{"grant"} }),
		"no action":                delegation(func(d *statement.Delegation) { d.Actions = nil }),
		"stamps without a seal":    delegation(func(d *statement.Delegation) { d.Seals = nil }),
		"stamps without a limit":   delegation(func(d *statement.Delegation) { d.Max = 0 }),
		"negative limit":           delegation(func(d *statement.Delegation) { d.Max = -1 }),
		"window upside down":       delegation(func(d *statement.Delegation) { d.NotAfter = d.NotBefore }),
		"line feed in a name":      delegation(func(d *statement.Delegation) { d.Agent.Name = "张三\nmax: 99" }),
		"passkey without its key":  func() error { e := someEnrolment(); e.PasskeyKey = nil; _, err := e.Bytes(); return err },
		"key without its passkey":  func() error { e := someEnrolment(); e.Passkey = ""; _, err := e.Bytes(); return err },
		"unknown tier":             func() error { e := someEnrolment(); e.Tier = "A"; _, err := e.Bytes(); return err },
		"no signing key":           func() error { e := someEnrolment(); e.Key = nil; _, err := e.Bytes(); return err },
		"unknown opinion":          func() error { r := someReview(); r.Opinion = "yes"; _, err := r.Bytes(); return err },
		"unknown revocation":       func() error { r := someRevocation(); r.Kind = "seal"; _, err := r.Bytes(); return err },
		"half an organization":     func() error { r := someReview(); r.Org.USCC = ""; _, err := r.Bytes(); return err },
		"representation of nobody": func() error { r := someRepresentation(); r.Person.ID = ""; _, err := r.Bytes(); return err },
	}
	for name, build := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := build(); !errors.Is(err, fault.StatementBad) {
				t.Errorf("built, or another error: %v", err)
			}
		})
	}
}

// Optional parts: each form is read as it was built.
func TestOptionalParts(t *testing.T) {
	t.Parallel()
	login := annexAValues(t)
	login.Purpose, login.Account, login.Docs, login.Limits = statement.Login, "zh***", nil, nil
	login.Delegation, login.Seals = statement.Ref{}, nil
	bind := annexAValues(t)
	bind.Purpose, bind.Account, bind.Docs, bind.Limits = statement.Bind, "zhang", nil, nil
	two := annexAValues(t)
	two.Seals = append(two.Seals, statement.Ref{ID: "es_2", Hash: gm.SM3([]byte("s2"))})
	two.Docs[0].Seal, two.Docs[1].Seal, two.Case = 1, 2, "2026-000123"
	rounded := annexAValues(t)
	rounded.Docs[0].Place.X = 119.96
	for name, c := range map[string]struct {
		a    statement.Approval
		want string
	}{
		"owner logs in":     {login, "\ndelegation: owner\ncontext: "},
		"bind names a seal": {bind, "\nseals: 1\nseal.1: es_01020304 "},
		"two seals":         {two, " pages=1 seal=s2 place=p1:"},
		"tenths":            {rounded, "place=p3:120.0,640.0,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			head, err := c.a.Head()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(head), c.want) {
				t.Errorf("no %q in\n%s", c.want, head)
			}
			read, match, err := statement.ParseApproval(statement.Complete(head, "000"))
			if err != nil || match != "000" {
				t.Fatalf("read: %v", err)
			}
			if back, err := read.Head(); err != nil || !bytes.Equal(back, head) {
				t.Errorf("built again: %v", err)
			}
		})
	}
}

// A statement of one kind is none of another.
func TestKindsAreApart(t *testing.T) {
	t.Parallel()
	b, err := someReview().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := statement.ParseRevocation(b); !errors.Is(err, fault.StatementBad) {
		t.Errorf("a review was read as a revocation: %v", err)
	}
}

func TestDocsRoot(t *testing.T) {
	t.Parallel()
	if statement.DocsRoot(nil) != gm.SM3() {
		t.Error("root of nothing")
	}
	docs := annexAValues(t).Docs
	docs = append(docs, docs[0]) // three leaves: the shape is not balanced
	line := func(i int) []byte {
		d := docs[i]
		return fmt.Appendf(nil, "doc.%d: sm3=%s dtbs=%s pages=%d place=p%d:%.1f,%.1f,42.0x42.0 title=%s",
			i+1, d.SM3, d.DTBS, d.Pages, d.Place.Page, d.Place.X, d.Place.Y, d.Title)
	}
	leaf := func(i int) []byte { d := gm.SM3([]byte{0}, line(i)); return d[:] }
	left, right := gm.SM3([]byte{1}, leaf(0), leaf(1)), leaf(2)
	if got, want := statement.DocsRoot(docs), gm.SM3([]byte{1}, left[:], right); got != want {
		t.Errorf("root %s, want %s", got, want)
	}
	swapped := []statement.Doc{docs[1], docs[0], docs[2]}
	if statement.DocsRoot(swapped) == statement.DocsRoot(docs) {
		t.Error("the order does not count")
	}
}

func TestSummaries(t *testing.T) {
	t.Parallel()
	reject := annexAValues(t)
	reject.Decision = statement.Reject
	own := annexAValues(t)
	own.Delegation, own.Limits = statement.Ref{}, nil
	bind := annexAValues(t)
	bind.Purpose, bind.Account, bind.Docs, bind.Limits = statement.Bind, "zhang", nil, nil
	login := bind
	login.Purpose = statement.Login
	plain := someDelegation()
	plain.Actions, plain.Seals, plain.Max = []string{statement.Login}, nil, 0
	no := someReview()
	no.Opinion = statement.Reject
	cases := map[string]struct {
		of   interface{ Summary(string) []statement.Line }
		want string // in Chinese; in English something must differ
	}{
		"stamp":          {shown{annexAValues(t)}, "平台将用“公章”在 2 份文件上盖章"},
		"place":          {shown{annexAValues(t)}, "不动产登记申请书.pdf，共 3 页；“公章”盖于第 3 页，距左 120.0 毫米、距上 640.0 毫米"},
		"seal":           {shown{annexAValues(t)}, "“公章”，编码 es_01020304"},
		"domain":         {shown{annexAValues(t)}, "系统域名: https://declare.example.gov.cn"},
		"local time":     {shown{annexAValues(t)}, "2026-11-22 10:15:05 北京时间"},
		"uses left":      {shown{annexAValues(t)}, "剩余次数: 17"},
		"owner":          {shown{own}, "法定代表人本人"},
		"reject":         {shown{reject}, "不会产生任何效力"},
		"bind":           {shown{bind}, "绑定"},
		"login":          {shown{login}, "如果不是您本人打开的页面，请拒绝"},
		"delegation":     {someDelegation(), "最多 10 次"},
		"login only":     {plain, "不能用印"},
		"revocation":     {someRevocation(), "撤销授权"},
		"enrolment":      {someEnrolment(), "网页应用"},
		"representation": {someRepresentation(), "法定代表人核验"},
		"review":         {no, "不同意"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			zh, en := render(c.of.Summary(statement.Chinese)), render(c.of.Summary(statement.English))
			if !strings.Contains(zh, c.want) || strings.Contains(en, c.want) && len(c.want) > 2 {
				t.Errorf("no %q only in the Chinese of\n%s\n%s", c.want, zh, en)
			}
			if !strings.Contains(zh, "后果") || !strings.Contains(en, "Consequence") {
				t.Error("no consequence")
			}
		})
	}
}

// shown is an approval as it is rendered for a seal that is called 公章.
type shown struct{ statement.Approval }

func (s shown) Summary(lang string) []statement.Line {
	return s.Render(lang, []string{map[string]string{statement.Chinese: "公章", statement.English: "seal"}[lang]}).Lines
}

func render(lines []statement.Line) string {
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(l.Label + ": " + l.Value + "\n")
	}
	return b.String()
}

func TestCheckText(t *testing.T) {
	t.Parallel()
	for text, good := range map[string]bool{
		"上海市浦东新区 A-1 号": true, "": false, " a": false, "a\u00a0": false, "\u202d": false,
		"𠮷野家": true, "a\ufffeb": false, "ok": true, "a\tb": false,
	} {
		if err := statement.CheckText(text); (err == nil) != good {
			t.Errorf("%q: %v", text, err)
		}
	}
}
