package mobileapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/mobileapi/client"
	"yunzhang.dev/web/httpx"
)

// batchOf has the fake scan show n documents.
func (w *world) batchOf(n int) {
	w.scans.docs = nil
	for i := range n {
		w.scans.docs = append(w.scans.docs, fmt.Appendf(nil, "%%PDF-1.7 %d", i+1))
	}
}

// A batch of five hundred by the phone double: list fetched and recomputed,
// searched, every document looked at, approved.
func TestPhoneApprovesALargeBatch(t *testing.T) {
	t.Parallel()
	l := mobileapi.DefaultLimits()
	l.Address = httpx.Rate{} // the clock stands still: what an address may ask for does not come back
	w := newWorld(t, l)
	w.batchOf(statement.MaxDocs)
	ctx := t.Context()
	p, x := w.enrolPhone(t, zhao())
	s, err := p.Scan(ctx, theCode)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Statement.Docs) != statement.MaxDocs || !s.Statement.Listed() {
		t.Fatalf("%d documents", len(s.Statement.Docs))
	}
	if found := s.Find("文件77"); !slices.Equal(found, []int{77}) || len(s.Find("")) != statement.MaxDocs || len(s.Find("no")) != 0 {
		t.Errorf("found %v", found)
	}
	text := ""
	for _, l := range s.Summary() {
		text += l.Label + l.Value
	}
	if !strings.Contains(text, "共 500 份、1000 页") || strings.Contains(text, "文件77.pdf") {
		t.Errorf("shown: %s", text)
	}
	u := unlock(t, p)
	if _, err := u.Approve(ctx, s, theMatch); !errors.Is(err, client.ErrUnseen) {
		t.Errorf("approved unseen: %v", err)
	}
	if d, err := p.Document(ctx, s, 500); err != nil || string(d.Bytes) != "%PDF-1.7 500" {
		t.Errorf("%s, %v", d.Bytes, err)
	}
	if _, err := p.Document(ctx, s, 501); !errors.Is(err, client.ErrDocument) {
		t.Errorf("document 501: %v", err)
	}
	if err := p.Look(ctx, s); err != nil {
		t.Fatal(err)
	}
	if n := x.count("GET /v1/claims/" + s.ID + "/manifest"); n != 1 {
		t.Errorf("%d manifests", n)
	}
	if state, err := u.Approve(ctx, s, theMatch); err != nil || state != "approved" {
		t.Errorf("%s, %v", state, err)
	}
}

// AT-042, the phone double: a manifest of 500 with one entry changed, reordered,
// duplicated, or the count off, is refused before anything is shown.
func TestAT042ThePhoneRefusesAnotherList(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	w.batchOf(statement.MaxDocs)
	p, _ := w.enrolPhone(t, zhao())
	lines := func(change func([][]byte) [][]byte) func([]byte) []byte {
		return func(m []byte) []byte {
			return bytes.Join(change(bytes.SplitAfter(m, []byte("\n"))), nil)
		}
	}
	for name, list := range map[string]func([]byte) []byte{
		"one entry changed": func(m []byte) []byte { return bytes.Replace(m, []byte("文件250.pdf"), []byte("文件X.pdf"), 1) },
		"reordered": lines(func(l [][]byte) [][]byte {
			l[10], l[11] = l[11], l[10]
			return l
		}),
		"reordered and numbered anew": lines(func(l [][]byte) [][]byte {
			a, b := bytes.Clone(l[10]), bytes.Clone(l[11])
			l[10] = bytes.Replace(b, []byte("doc.12:"), []byte("doc.11:"), 1)
			l[11] = bytes.Replace(a, []byte("doc.11:"), []byte("doc.12:"), 1)
			return l
		}),
		"duplicated": lines(func(l [][]byte) [][]byte {
			l[11] = bytes.Replace(l[10], []byte("doc.11:"), []byte("doc.12:"), 1)
			return l
		}),
		"one less": lines(func(l [][]byte) [][]byte { return slices.Delete(l, 499, 500) }),
		"one more": func(m []byte) []byte { return append(bytes.Clone(m), "doc.501: x\n"...) },
		"nothing":  func([]byte) []byte { return nil },
	} {
		w.scans.list, w.scans.device = list, ""
		if _, err := p.Scan(t.Context(), theCode); !errors.Is(err, client.ErrStatement) {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.scans.list, w.scans.device = nil, ""
	if _, err := p.Scan(t.Context(), theCode); err != nil {
		t.Errorf("the list itself: %v", err)
	}
}

// The phone shows the server's words only as long as they say what the
// statement says.
func TestPhoneShowsTheServersWords(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{statement.Chinese, statement.English} {
		w := newWorld(t, mobileapi.Limits{})
		p, _ := w.enrolPhone(t, zhao(), func(c *client.Config) { c.Lang = lang })
		s, err := p.Scan(t.Context(), theCode)
		if err != nil {
			t.Fatal(err)
		}
		if s.Display.Lang != lang || s.Display.Seals[0] != "示例科技有限公司（单位公章）" {
			t.Errorf("%+v", s.Display)
		}
		b, err := s.Display.Bytes()
		if err != nil || gm.SM3(b) != s.Statement.Display {
			t.Errorf("not what the statement names: %v", err)
		}
	}
}

// A device may fetch a whole batch at once, and no more.
func TestDocumentsHaveTheirOwnLimit(t *testing.T) {
	t.Parallel()
	l := mobileapi.DefaultLimits()
	l.Device.Burst, l.Documents.Burst = 5, 8
	w := newWorld(t, l)
	c, _ := w.scanned(t)
	path := "/v1/claims/" + c.ID + "/documents/1"
	for i := range 8 {
		if got := w.get(t, w.agent, path); got.status != 200 {
			t.Fatalf("document %d: %d", i+1, got.status)
		}
	}
	w.get(t, w.agent, path).want(t, fault.SlowDown)
	if got := w.get(t, w.agent, "/v1/me"); got.status != 200 {
		t.Errorf("another request: %d", got.status)
	}
}
