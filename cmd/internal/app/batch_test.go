package app_test

import (
	"fmt"
	"strings"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/mobileapi/client"
)

// askBatch uploads n documents and asks for a stamp on each.
func (p *party) askBatch(t testing.TB, account string, n int) (*drive.Request, []string) {
	t.Helper()
	p.bindAtOnce(t, p.system, account)
	ask := ds.Ask{Purpose: "stamp", Subject: ds.Subject{Account: account, USCC: uscc}}
	var ids []string
	for i := range n {
		d, err := p.system.Upload(t.Context(), fmt.Sprintf("登记表-%03d.pdf", i+1), cloudsealtest.PDF(1, 2000+16*i))
		check(t, err)
		ids = append(ids, d.ID)
		ask.Documents = append(ask.Documents, ds.Stamp{Document: d.ID, Seal: "statutory", Page: 1, X: 130, Y: 200})
	}
	r, err := p.system.Ask(t.Context(), ask)
	check(t, err)
	t.Cleanup(r.Page.Close)
	return r, ids
}

// A batch whose list is a manifest, from the request to the verdict: one scan, one
// number, one slot a document, and each stamped file proved alone.
func TestLargeBatchFromRequestToVerdict(t *testing.T) {
	t.Parallel()
	n := statement.MaxInline + 1
	p := newParty(t, n+2, app.Options{})
	r, ids := p.askBatch(t, "batch", n)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	if !scan.Statement.Listed() || len(scan.Find("登记表-051")) != 1 {
		t.Fatalf("%d documents in the list", len(scan.Statement.Docs))
	}
	text := ""
	for _, l := range scan.Summary() {
		text += l.Label + ": " + l.Value + "\n"
	}
	for _, want := range []string{"共 51 份", "“福州示例科技有限公司（单位公章）”", "本次后剩余次数: 2", "在 51 份文件上盖章", p.Config.Sites.Demo} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	check(t, drive.Approve(t.Context(), p.agent, r, scan))
	result, err := p.system.Fetch(t.Context(), r)
	check(t, err)
	if len(result.Documents) != n {
		t.Fatalf("%d documents in the result", len(result.Documents))
	}
	used := map[int]bool{}
	for _, i := range []int{0, 25, n - 1} {
		stamped, err := p.system.Stamped(t.Context(), ids[i])
		check(t, err)
		own, err := p.system.DocumentEvidence(t.Context(), ids[i])
		check(t, err)
		if strings.Contains(string(own), `"manifest"`) {
			t.Error("the evidence of one document holds the list of all")
		}
		verdict(t, stamped, own, i+1)
		b, err := verify.ParseBundle(own)
		check(t, err)
		if len(b.Approvals) != 1 {
			t.Errorf("%d approvals", len(b.Approvals))
		}
		used[i+1] = true
	}
	if _, err := p.system.DocumentEvidence(t.Context(), "doc_gone"); ds.CodeOf(err) != "not-found" {
		t.Errorf("evidence of a document that is not there: %v", err)
	}
	// Two uses are left: a batch of three is refused as a whole, one of two is not.
	r, _ = p.askBatch(t, "batch", 3)
	_, err = drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "delegation-limit")
	r, _ = p.askBatch(t, "batch", 2)
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// AT-042, the server: the list that is stored is changed between scan and
// approval; the phone asks again and refuses, and the server refuses what was
// signed.
func TestAT042StoredListIsChanged(t *testing.T) {
	t.Parallel()
	n := statement.MaxInline + 1
	p := newParty(t, n, app.Options{})
	r, ids := p.askBatch(t, "batch", n)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, drive.FreshFor(t.Context(), p.agent, scan)) // so many documents ask for a face
	check(t, p.agent.Look(t.Context(), scan))
	frame, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "qr" })
	check(t, err)
	swap := func() {
		p.write(t, func(tx unit.Tx, m *store.Main) error { return swapLines(tx, m, ids[0], ids[1]) })
	}
	swap()
	if _, err := p.agent.Scan(t.Context(), frame.QR); err == nil {
		t.Error("the phone shows another list under the same statement")
	}
	wantCode(t, p.approveAgain(t, r, scan), "document-changed")
	p.untouched(t, p.system, ids[0], n)
	swap() // back
	check(t, p.approveAgain(t, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// approveAgain confirms what has been looked at before.
func (p *party) approveAgain(t *testing.T, r *drive.Request, scan *client.Scan) error {
	t.Helper()
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, number)
	return err
}

// swapLines has two documents change places in what is stored of their request.
func swapLines(tx unit.Tx, m *store.Main, a, b string) error {
	d, err := m.Seals.Documents.Get(tx, a)
	if err != nil {
		return err
	}
	made, err := m.Seals.Preparations.Find(tx, unit.Query{Index: "hold+index", Key: []any{d.Hold}})
	if err != nil {
		return err
	}
	var pair []*cloudseal.Preparation
	for _, one := range made {
		if one.Document == a || one.Document == b {
			pair = append(pair, one)
		}
	}
	pair[0].Line.Title, pair[1].Line.Title = pair[1].Line.Title, pair[0].Line.Title
	for _, one := range pair {
		if err := m.Seals.Preparations.Replace(tx, one); err != nil {
			return err
		}
	}
	return nil
}
