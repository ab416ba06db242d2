package statement_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// displayed is an approval that was shown in a language.
func displayed(t *testing.T, a statement.Approval, lang string) (statement.Approval, []byte) {
	t.Helper()
	b, err := a.Render(lang, []string{"示例科技有限公司公章"}).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	a.Display = gm.SM3(b)
	return a, b
}

func TestWhatIsShownIsWhatIsSigned(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{statement.Chinese, statement.English} {
		for _, n := range []int{2, 120} {
			a, b := displayed(t, batch(t, n), lang)
			d, err := a.Shows(b)
			if err != nil || d.Lang != lang || d.Seals[0] != "示例科技有限公司公章" {
				t.Fatalf("%s, %d documents: %+v, %v", lang, n, d, err)
			}
			text := render(d.Lines)
			for _, want := range []string{a.App.Name, a.Origin, a.Principal.Name, "“示例科技有限公司公章”", a.Context} {
				if !strings.Contains(text, want) {
					t.Errorf("%s, %d documents: no %q in\n%s", lang, n, want, text)
				}
			}
			if listed := strings.Contains(text, "申请书-001.pdf"); listed != (n == 2) {
				t.Errorf("%s, %d documents: single ones listed: %v", lang, n, listed)
			}
		}
	}
}

func TestLargeBatchesAreSummedUp(t *testing.T) {
	t.Parallel()
	a := batch(t, 120)
	zh, en := render(a.Render(statement.Chinese, nil).Lines), render(a.Render(statement.English, nil).Lines)
	for text, want := range map[string]string{zh: "共 120 份、240 页", en: "120 documents, 240 pages in all"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	if !strings.Contains(zh, "在 120 份文件上盖章，盖章后与实物印章具有同等法律效力") {
		t.Errorf("no consequence in\n%s", zh)
	}
}

func TestDisplaysThatSaySomethingElseAreRefused(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*statement.Display){
		"another application": func(d *statement.Display) { d.Lines[1].Value = "别的系统" },
		"a line less":         func(d *statement.Display) { d.Lines = d.Lines[1:] },
		"a line more": func(d *statement.Display) {
			d.Lines = append(d.Lines, statement.Line{Label: "说明", Value: "无后果"})
		},
		"in another order":     func(d *statement.Display) { d.Lines[0], d.Lines[1] = d.Lines[1], d.Lines[0] },
		"under another locale": func(d *statement.Display) { d.Lang = statement.English },
		"another seal's name":  func(d *statement.Display) { d.Seals[0] = "别的章" },
	} {
		a := batch(t, 2)
		d := a.Render(statement.Chinese, []string{"公章"})
		change(&d)
		b, err := d.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		a.Display = gm.SM3(b) // the server signs up to it
		if _, err := a.Shows(b); !errors.Is(err, fault.StatementBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, b := displayed(t, batch(t, 2), statement.Chinese)
	a.Display = gm.SM3(b, []byte{0})
	if _, err := a.Shows(b); !errors.Is(err, fault.StatementBad) {
		t.Errorf("another digest: %v", err)
	}
}

func TestDisplaysOfAnotherTemplateAreShownAsTheyCome(t *testing.T) {
	t.Parallel()
	a := batch(t, 2)
	b, err := statement.Display{
		Lang: statement.Chinese, Template: "approval/99", Lines: []statement.Line{{Label: "事项", Value: "盖章: 两份"}},
	}.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	a.Display = gm.SM3(b)
	if d, err := a.Shows(b); err != nil || d.Lines[0].Value != "盖章: 两份" {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestDisplaysAreStrict(t *testing.T) {
	t.Parallel()
	_, good := displayed(t, batch(t, 2), statement.Chinese)
	for name, b := range map[string][]byte{
		"nothing":        nil,
		"no text":        []byte("cseal-display/1\nlocale: zh\ntemplate: approval/2\n"),
		"another locale": bytes.Replace(good, []byte("locale: zh"), []byte("locale: fr"), 1),
		"a line unknown": append(bytes.Clone(good), "more: x\n"...),
		"hidden text":    bytes.Replace(good, []byte("后果"), []byte("后\u200b果"), 1),
		"no label":       bytes.Replace(good, []byte("text: 后果: "), []byte("text: : "), 1),
	} {
		if _, err := statement.ParseDisplay(b); !errors.Is(err, fault.StatementBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
