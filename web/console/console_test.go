package console_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/console"
)

func TestAcceptAndReview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list := into[[]console.Application](t, w.do(w.clerk, "GET", "/v1/console/applications", nil))
	if len(list) != 1 || list[0].ID != "ap_1" || list[0].Uploaded != nil || list[0].Claim != gm.SM3([]byte("claim")) {
		t.Fatalf("%+v", list)
	}
	if one := into[console.Application](t, w.do(w.clerk, "GET", "/v1/console/applications/ap_1", nil)); string(one.Uploaded) != "picture" {
		t.Errorf("%+v", one)
	}
	out := into[console.Outcome](t, w.order(w.clerk, opinion(cloudseal.ActAccept, statement.Approve)))
	if out.Application == nil || out.Application.State != cloudseal.Accepted {
		t.Fatalf("%+v", out)
	}
	out = into[console.Outcome](t, w.order(w.reviewer, opinion(cloudseal.ActReview, statement.Approve)))
	if out.Application == nil || out.Application.State != cloudseal.Issued || out.Application.Seal != "33010600000001" {
		t.Fatalf("%+v", out)
	}
}

func TestRejectionTellsAllDefectsUnderTheSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := opinion(cloudseal.ActAccept, statement.Reject, "印模不清晰", "单位名称不一致")
	d := into[console.Draft](t, w.do(w.clerk, "POST", "/v1/console/drafts", o))
	r, err := statement.ParseReview(d.Statement)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := o.Hash()
	if err != nil {
		t.Fatal(err)
	}
	want := statement.Ref{ID: "ap_1", Hash: hash}
	if r.Act != cloudseal.ActAccept || r.Opinion != statement.Reject || r.Subject != want || r.Note != "印模不清晰；单位名称不一致" || r.Org.Name != authztest.OrgName {
		t.Errorf("%+v", r)
	}
	if d.StatementSM3 != gm.SM3(d.Statement) || len(d.Summary) < 5 {
		t.Errorf("%+v", d)
	}
	out := into[console.Outcome](t, w.order(w.clerk, o))
	if out.Application.State != cloudseal.Rejected || len(w.desk.given) != 2 || w.desk.given[1].ZH != "单位名称不一致" {
		t.Errorf("%+v, %+v", out, w.desk.given)
	}
}

// What is performed is what was signed, for the operator who signed it, once.
func TestOrdersCannotBeExchanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := opinion(cloudseal.ActAccept, statement.Reject, "印模不清晰")
	for name, edit := range map[string]func(*console.Order){
		"opinion":     func(o *console.Order) { o.Opinion, o.Defects = statement.Approve, nil },
		"defects":     func(o *console.Order) { o.Defects = []string{"其他"} },
		"application": func(o *console.Order) { o.Application = "ap_2" },
		"act":         func(o *console.Order) { *o = console.Order{Act: console.ActInvite, Roles: []string{"clerk"}} },
	} {
		if a := w.order(w.clerk, o, edit); a.status != 409 || !strings.Contains(string(a.body), fault.StatementChanged.Code) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	if w.state() != cloudseal.Waiting {
		t.Fatal("something was performed")
	}
	d := into[console.Draft](t, w.do(w.clerk, "POST", "/v1/console/drafts", o))
	sig, err := w.clerk.Key.Sign(d.Statement)
	if err != nil {
		t.Fatal(err)
	}
	path := "/v1/console/acts/" + d.ActID + "/sign"
	w.refused(w.do(w.reviewer, "POST", path, console.Signature{Order: o, SigSM2: sig}), fault.Absent)
	w.refused(w.do(w.clerk, "POST", path, console.Signature{Order: o, SigSM2: sig[:len(sig)-1]}), fault.Signature)
	into[console.Outcome](t, w.do(w.clerk, "POST", path, console.Signature{Order: o, SigSM2: sig}))
	w.refused(w.do(w.clerk, "POST", path, console.Signature{Order: o, SigSM2: sig}), fault.WrongState)
}

func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invite := console.Order{Act: console.ActInvite, Roles: []string{authz.RoleClerk}}
	people := map[string]*authztest.Actor{"admin": w.admin, "clerk": w.clerk, "reviewer": w.reviewer, "auditor": w.auditor, "stranger": w.legal}
	for _, c := range []struct {
		method, path string
		body         any
		may          string
	}{
		{"GET", "/v1/console/status", nil, "admin clerk reviewer auditor"},
		{"GET", "/v1/console/applications", nil, "clerk reviewer"},
		{"GET", "/v1/console/applications/ap_1", nil, "clerk reviewer"},
		{"GET", "/v1/console/apps", nil, "admin auditor"},
		{"GET", "/v1/console/alarms", nil, "admin auditor"},
		{"POST", "/v1/console/audit/verify", nil, "auditor"},
		{"POST", "/v1/console/drafts", opinion(cloudseal.ActAccept, statement.Approve), "clerk"},
		{"POST", "/v1/console/drafts", invite, "admin"},
	} {
		for name, who := range people {
			a := w.do(who, c.method, c.path, c.body)
			if may := strings.Contains(c.may, name); may != (a.status < 300) {
				t.Errorf("%s %s as %s: %d %s", c.method, c.path, name, a.status, a.body)
			}
			if a.status >= 300 {
				w.refused(a, fault.RoleMissing)
			}
			if a.nonce == "" {
				t.Errorf("%s as %s: no nonce", c.path, name)
			}
		}
		w.refused(w.do(nil, c.method, c.path, c.body), fault.Unauthorized)
	}
}

func TestReviewNeedsAcceptance(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.refused(w.order(w.reviewer, opinion(cloudseal.ActReview, statement.Approve)), fault.WrongState)
	other := opinion(cloudseal.ActAccept, statement.Approve)
	other.Claim = gm.SM3([]byte("another claim"))
	w.refused(w.order(w.clerk, other), fault.StatementChanged)
	other.Application = "ap_9"
	w.refused(w.order(w.clerk, other), fault.Absent)
}

func TestInviteAnOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := into[console.Outcome](t, w.order(w.admin, console.Order{Act: console.ActInvite, Roles: []string{authz.RoleClerk, authz.RoleReviewer}}))
	if out.Invitation == "" {
		t.Fatalf("%+v", out)
	}
	if _, err := w.Enrol(t.Context(), authztest.Applicant{
		Kind: authz.EnrolOperator, Invitation: out.Invitation, Name: "新同事", IDNumber: "110101199003070118", Phone: "13700007118",
	}); err != nil {
		t.Fatal(err)
	}
	w.refused(w.order(w.admin, console.Order{Act: console.ActInvite, Roles: []string{authz.RoleAuditor, authz.RoleClerk}}), fault.BadRequest)
}

func system(t *testing.T) *console.NewSystem {
	t.Helper()
	key, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return &console.NewSystem{
		Name: "社会保险网上申报系统", Origins: []string{"https://declare.example.cn"}, Actions: []string{"bind", "stamp"},
		SealKinds: []string{"statutory"}, Key: base64.RawURLEncoding.EncodeToString(key.Public().SPKI()),
	}
}

func TestRegisterASystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := into[console.Outcome](t, w.order(w.admin, console.Order{Act: console.ActRegister, System: system(t)}))
	if out.System == nil || out.System.ID != "app_1" || out.System.Key != "k_1" || len(out.System.Actions) != 2 {
		t.Fatalf("%+v", out)
	}
	if list := into[[]console.System](t, w.do(w.auditor, "GET", "/v1/console/apps", nil)); len(list) != 1 || list[0].Name != "社会保险网上申报系统" {
		t.Errorf("%+v", list)
	}
}

func TestStopAndRestoreASystem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	into[console.Outcome](t, w.order(w.admin, console.Order{Act: console.ActRegister, System: system(t)}))
	stop := console.Order{Act: console.ActStop, SystemID: "app_1", Reason: "密钥外泄"}
	for _, who := range []*authztest.Actor{w.clerk, w.reviewer, w.auditor} {
		w.refused(w.do(who, "POST", "/v1/console/drafts", stop), fault.RoleMissing)
	}
	d := into[console.Draft](t, w.do(w.admin, "POST", "/v1/console/drafts", stop))
	r, err := statement.ParseReview(d.Statement)
	if err != nil || r.Act != console.ActStop || r.Subject.ID != "app_1" || r.Note != "密钥外泄" {
		t.Errorf("%+v, %v", r, err)
	}
	into[console.Outcome](t, w.order(w.admin, stop))
	list := into[[]console.System](t, w.do(w.auditor, "GET", "/v1/console/apps", nil))
	if len(list) != 1 || list[0].State != "frozen" || list[0].Stopped != "密钥外泄" {
		t.Errorf("%+v", list)
	}
	into[console.Outcome](t, w.order(w.admin, console.Order{Act: console.ActRestore, SystemID: "app_1", Reason: "已更换密钥"}))
	if list := into[[]console.System](t, w.do(w.admin, "GET", "/v1/console/apps", nil)); list[0].State != "active" || list[0].Stopped != "" {
		t.Errorf("%+v", list)
	}
	w.refused(w.order(w.admin, console.Order{Act: console.ActStop, SystemID: "app_9", Reason: "x"}), fault.Absent)
	w.refused(w.order(w.admin, console.Order{Act: console.ActUnlock, DeviceID: w.legal.Device.ID, Reason: "x"}), fault.WrongState)
	w.refused(w.order(w.admin, console.Order{Act: console.ActUnlock, DeviceID: "dv_9", Reason: "x"}), fault.Absent)
}

func TestOrdersOfTheWrongForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := opinion(cloudseal.ActAccept, statement.Approve)
	spoil := func(f func(*console.Order)) console.Order {
		o := good
		f(&o)
		return o
	}
	sys := func(f func(*console.NewSystem)) console.Order {
		n := system(t)
		f(n)
		return console.Order{Act: console.ActRegister, System: n}
	}
	for name, o := range map[string]console.Order{
		"act":                spoil(func(o *console.Order) { o.Act = "freeze" }),
		"opinion":            spoil(func(o *console.Order) { o.Opinion = "maybe" }),
		"reject without":     spoil(func(o *console.Order) { o.Opinion = statement.Reject }),
		"approve with":       spoil(func(o *console.Order) { o.Defects = []string{"x"} }),
		"long defect":        opinion(cloudseal.ActAccept, statement.Reject, strings.Repeat("长", 201)),
		"hidden text":        opinion(cloudseal.ActAccept, statement.Reject, "a\u202eb"),
		"no claim":           spoil(func(o *console.Order) { o.Claim = gm.Digest{} }),
		"more than needed":   spoil(func(o *console.Order) { o.Roles = []string{"clerk"} }),
		"unknown role":       {Act: console.ActInvite, Roles: []string{"root"}},
		"no role":            {Act: console.ActInvite},
		"no system":          {Act: console.ActRegister},
		"system's action":    sys(func(n *console.NewSystem) { n.Actions = []string{"sign"} }),
		"system's kind":      sys(func(n *console.NewSystem) { n.SealKinds = []string{"rubber"} }),
		"system's key":       sys(func(n *console.NewSystem) { n.Key = "AAAA" }),
		"system's origins":   sys(func(n *console.NewSystem) { n.Origins = nil }),
		"system's name":      sys(func(n *console.NewSystem) { n.Name = "" }),
		"too many to mend":   opinion(cloudseal.ActAccept, statement.Reject, strings.Split(strings.Repeat("缺,", 21), ",")[:21]...),
		"stop nothing":       {Act: console.ActStop, Reason: "x"},
		"stop for nothing":   {Act: console.ActStop, SystemID: "app_1"},
		"stop and more":      {Act: console.ActRestore, SystemID: "app_1", Reason: "x", Roles: []string{"clerk"}},
		"a rubber signature": spoil(func(o *console.Order) { o.System = system(t) }),
	} {
		who := w.admin
		if o.Application != "" {
			who = w.clerk
		}
		if a := w.do(who, "POST", "/v1/console/drafts", o); a.status != 400 {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestStatusAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 4 {
		w.desk.put(&cloudseal.Application{Row: unit.Row{ID: fmt.Sprintf("ap_%d", 2+i)}, State: cloudseal.Waiting})
	}
	s := into[console.Status](t, w.do(w.clerk, "GET", "/v1/console/status", nil))
	if s.Waiting != 2 || s.Accepted != 0 || s.Name != "受理员" || len(s.Roles) != 1 || s.Version != "test" {
		t.Errorf("%+v", s)
	}
	if one := into[console.Application](t, w.do(w.clerk, "GET", "/v1/console/applications/ap_5", nil)); one.ID != "ap_5" {
		t.Errorf("%+v", one)
	}
	list := into[[]console.Application](t, w.do(w.clerk, "GET", "/v1/console/applications?state=waiting&after=ap_2", nil))
	if len(list) != 2 || list[0].ID != "ap_3" {
		t.Errorf("%+v", list)
	}
	w.refused(w.do(w.clerk, "GET", "/v1/console/applications?state=lost", nil), fault.BadRequest)
}

func TestAuditWalk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if c := into[console.Chain](t, w.do(w.auditor, "POST", "/v1/console/audit/verify", nil)); !c.Holds || c.Seq != 7 || c.Broken != 0 {
		t.Errorf("%+v", c)
	}
	w.trail.err = &audit.Broken{Chain: "main", Seq: 8, Reason: "content"}
	if c := into[console.Chain](t, w.do(w.auditor, "POST", "/v1/console/audit/verify", nil)); c.Holds || c.Broken != 8 || c.Reason != "content" {
		t.Errorf("%+v", c)
	}
	w.trail.err = errors.New("disk")
	w.refused(w.do(w.auditor, "POST", "/v1/console/audit/verify", nil), fault.InternalError)
}

func TestDraftsLapse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	o := opinion(cloudseal.ActAccept, statement.Approve)
	d := into[console.Draft](t, w.do(w.clerk, "POST", "/v1/console/drafts", o))
	sig, err := w.clerk.Key.Sign(d.Statement)
	if err != nil {
		t.Fatal(err)
	}
	w.later(11 * time.Minute)
	w.refused(w.do(w.clerk, "POST", "/v1/console/acts/"+d.ActID+"/sign", console.Signature{Order: o, SigSM2: sig}), fault.Expired)
}
