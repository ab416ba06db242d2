package app_test

import (
	"testing"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// otherCompany is a second company of the sandbox.
func otherCompany() app.Organization {
	return app.Organization{
		USCC: "91440300MA5FXMRT81", Name: "深圳另一科技有限公司", Kinds: []string{"statutory"},
		Legal: app.Person{Name: "王五", IDNumber: "440304198506170016", Phone: "13700137001"},
	}
}

// stranger enrols the legal representative of the other company, with a seal.
func (p *party) stranger(t *testing.T) *client.Phone {
	t.Helper()
	wang, err := p.Phone("wang")
	check(t, err)
	check(t, p.EnrolLegal(t.Context(), wang, otherCompany()))
	_, err = drive.ClaimSeal(t.Context(), wang, otherCompany(), "statutory")
	check(t, err)
	return wang
}

func newPartyOfTwo(t *testing.T, o app.Options) *party {
	t.Helper()
	o.World = drive.World()
	o.World.Organizations = append(o.World.Organizations, otherCompany())
	dir := t.TempDir()
	base, c, a := startIn(t, dir, o)
	return gather(t, dir, 10, base, c, a)
}

// AT-004: user name first, scanned by somebody else.
func TestAT004LogInOfAnotherIsRefused(t *testing.T) {
	t.Parallel()
	p := newPartyOfTwo(t, app.Options{})
	wang := p.stranger(t)
	p.bindAtOnce(t, p.system, "lisi")
	r, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "lisi"}})
	check(t, err)
	defer r.Page.Close()
	_, err = drive.Claim(t.Context(), wang, r)
	wantCode(t, err, "subject")
	m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "wrong_subject" })
	check(t, err)
	if m.Who != "" || m.Match != "" {
		t.Errorf("the page learns of the stranger: %+v", m)
	}
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "open" {
		t.Errorf("%+v, %v", st, err)
	}
	check(t, drive.Confirm(t.Context(), p.agent, r))
	result, err := p.system.Fetch(t.Context(), r)
	check(t, err)
	if result.Account != "lisi" || result.Person != p.agent.Person() {
		t.Errorf("logged in: %+v", result)
	}
	_, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "nobody"}})
	wantCode(t, err, "binding")
	_, err = p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "lisi", Person: wang.Person()}})
	wantCode(t, err, "subject")
}

// AT-008: an account that is not bound to the organization cannot even ask.
func TestAT008StampForAnotherOrganizationIsNotOpened(t *testing.T) {
	t.Parallel()
	p := newPartyOfTwo(t, app.Options{})
	wang := p.stranger(t)
	check(t, p.app.Bind(t.Context(), p.system.App, "wangwu", otherCompany().USCC, wang.Person()))
	p.bindAtOnce(t, p.system, "lisi")
	for _, row := range []struct {
		what, account, uscc, person, code string
	}{
		{"an account that is bound to nothing", "mallory", uscc, "", "binding"},
		{"an account of another organization", "wangwu", uscc, "", "subject"},
		{"another person than the account's", "lisi", uscc, p.legal.Person(), "subject"},
		{"no account", "", uscc, "", "bad-request"},
		{"no organization", "lisi", "", "", "bad-request"},
	} {
		d, err := p.system.Upload(t.Context(), "攻击者的文件.pdf", samplePDF(t, "ff.pdf"))
		check(t, err)
		ask := drive.StampAsk(row.account, row.uscc, d.ID, 1, 130, 200)
		ask.Subject.Person = row.person
		if _, err = p.system.Ask(t.Context(), ask); drive.Code(err) != row.code {
			t.Errorf("%s: %v, want %s", row.what, err, row.code)
		}
		if d, err = p.system.Document(t.Context(), d.ID); err != nil || d.State != "ready" {
			t.Errorf("%s: the document is %+v, %v", row.what, d, err)
		}
	}
	// What was bound does not outlive its end: neither a scan nor an approval
	// stands on a binding that is over.
	r, doc := p.ask(t, p.system, "lisi")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	check(t, p.system.Unbind(t.Context(), "lisi"))
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "binding")
	p.untouched(t, p.system, doc, 10)
}

// AT-019, second half: three scans by people who are not meant end the request,
// and the account's owner gets a new one at once.
func TestAT019StrangersBlockTheRequest(t *testing.T) {
	t.Parallel()
	p := newPartyOfTwo(t, app.Options{})
	wang := p.stranger(t)
	r, _ := p.ask(t, p.system, "lisi")
	for range 2 {
		_, err := drive.Claim(t.Context(), wang, r)
		wantCode(t, err, "subject")
	}
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "open" {
		t.Errorf("after two: %+v, %v", st, err)
	}
	_, err := drive.Claim(t.Context(), wang, r)
	wantCode(t, err, "subject")
	if st, err := p.system.Status(t.Context(), r.Ticket); err != nil || st.State != "blocked" {
		t.Errorf("after three: %+v, %v", st, err)
	}
	r, _ = p.ask(t, p.system, "lisi")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	// First half: the page shows who has it, masked, and can say "not me".
	m, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "claimed" })
	check(t, err)
	if m.Who != "李*（尾号 34 的手机）" {
		t.Errorf("the page shows %q", m.Who)
	}
	check(t, r.Page.Cancel())
	_, err = r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Type == "ended" && m.State == "cancelled" })
	check(t, err)
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "wrong-state")
	r, _ = p.ask(t, p.system, "lisi")
	check(t, drive.Confirm(t.Context(), p.agent, r))
}
