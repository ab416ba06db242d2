package cloudseal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
)

func want(t *testing.T, what string, err error, f *fault.Error) {
	t.Helper()
	if !errors.Is(err, f) {
		t.Errorf("%s: %v, want %s", what, err, f.Code)
	}
}

func TestClaimIsIssuedAtOnceWhenEverythingAgrees(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	app, err := w.Claim(nil)
	if err != nil {
		t.Fatal(err)
	}
	if app.State != cloudseal.Issued || app.Code != "33010000000001" || len(app.Defects) > 0 {
		t.Fatalf("state %s, code %q, defects %v", app.State, app.Code, app.Defects)
	}
	seal, err := w.Service.Seal(t.Context(), app.Code)
	if err != nil {
		t.Fatal(err)
	}
	data, err := ses.ParseSeal(seal.DER)
	if err != nil {
		t.Fatal(err)
	}
	if err := ses.CheckOwnSeal(data); err != nil {
		t.Error(err)
	}
	p := cloudsealtest.Impression(t)
	switch {
	case data.Code != app.Code || data.Name != cloudsealtest.Org.Name || data.Type != 1:
		t.Errorf("code %s, name %s, type %d", data.Code, data.Name, data.Type)
	case !bytes.Equal(data.Picture.Data, p.PNG) || data.Picture.Width != 40 || data.Picture.Height != 40:
		t.Error("not the filed impression at its size")
	case data.ValidTo.Sub(data.ValidFrom) != 3*365*24*time.Hour || !data.ValidFrom.Equal(cloudsealtest.Start):
		t.Errorf("valid %v to %v", data.ValidFrom, data.ValidTo)
	case data.CertList.Type != 1 || len(data.CertList.Certs) != 1:
		t.Error("not one whole certificate in the list")
	}
	r := verify.Seal(seal.DER, w.Service.Trust(t.Context()))
	if r.Verdict != verify.Genuine {
		t.Errorf("verdict %s: %+v", r.Verdict, r.Checks)
	}
	events, err := w.Service.History(t.Context(), app.Code)
	if err != nil || len(events) != 1 || events[0].State != status.Usable {
		t.Errorf("history %+v, %v", events, err)
	}
}

func TestCodesCountUp(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	p := cloudsealtest.Impression(t)
	w.Filings.Put(cloudsealtest.Org.USCC, registry.Filed{Kind: "finance", Name: cloudsealtest.Org.Name, PNG: p.PNG, Width: 38, Height: 38})
	first := w.Seal()
	act := w.Act(w.Legal, cloudseal.ActClaim, "", statement.Ref{ID: "finance"})
	app, err := w.Service.Claim(t.Context(), cloudseal.Claim{Act: act, Org: cloudsealtest.Org.USCC, Kind: impression.Finance})
	if err != nil || first.ID != "33010000000001" || app.Code != "33010000000002" {
		t.Fatalf("%s, %v, %v", first.ID, app, err)
	}
	w.Update(func(tx unit.Tx) error {
		seals, err := w.Service.SealsOf(tx, cloudsealtest.Org.USCC)
		if err != nil || len(seals) != 2 {
			t.Errorf("%d seals, %v", len(seals), err)
		}
		return nil
	})
}

func TestClaimIsRefused(t *testing.T) {
	t.Parallel()
	statutory := statement.Ref{ID: string(impression.Statutory)}
	holder := func(edit func(*cloudseal.Holder)) func(w *cloudsealtest.World) {
		return func(w *cloudsealtest.World) {
			h := cloudseal.Holder{USCC: cloudsealtest.Org.USCC, Name: cloudsealtest.Org.Name, Region: "330100", Active: true, Agreement: true, Legal: w.Legal.Person}
			edit(&h)
			w.Holders.Put(h)
		}
	}
	for _, c := range []struct {
		name   string
		change func(w *cloudsealtest.World)
		by     string // who signs; "" the legal representative
		edit   func(*statement.Review)
		claim  cloudseal.Claim
		want   *fault.Error
	}{
		{name: "no agreement", change: holder(func(h *cloudseal.Holder) { h.Agreement = false }), want: fault.AgreementMissing},
		{name: "organization frozen", change: holder(func(h *cloudseal.Holder) { h.Active = false }), want: fault.OrgInactive},
		{name: "nobody represents it", change: holder(func(h *cloudseal.Holder) { h.Legal = statement.Person{} }), want: fault.NotLegalRep},
		{name: "another one represents it", change: holder(func(h *cloudseal.Holder) { h.Legal.ID = "us_new" }), want: fault.NotLegalRep},
		{name: "by the agent", by: "agent", want: fault.NotLegalRep},
		{name: "signed for another kind", edit: func(r *statement.Review) { r.Subject.ID = "finance" }, want: fault.StatementChanged},
		{name: "signed for another act", edit: func(r *statement.Review) { r.Act = "freeze-seal" }, want: fault.StatementChanged},
		{name: "signed as a no", edit: func(r *statement.Review) { r.Opinion = statement.Reject }, want: fault.StatementChanged},
		{name: "signed for another organization", edit: func(r *statement.Review) { r.Org.USCC = "91110000802100433B" }, want: fault.StatementChanged},
		{name: "another picture than signed", claim: cloudseal.Claim{Picture: cloudsealtest.Impression(t).PNG}, want: fault.StatementChanged},
		{name: "a kind not on offer", claim: cloudseal.Claim{Kind: impression.Signature}, want: fault.SealKindBad},
		{name: "no filing of the kind", claim: cloudseal.Claim{Kind: impression.Contract}, want: fault.FilingMissing},
		{name: "filing down", change: func(w *cloudsealtest.World) { w.Filings.Down = true }, want: fault.RegistrySilent},
		{name: "unknown organization", claim: cloudseal.Claim{Org: "91110000802100433B"}, want: fault.Absent},
		{name: "a picture that is none", claim: cloudseal.Claim{Picture: []byte("GIF89a")}, want: fault.ImpressionBad},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := cloudsealtest.NewWorld(t)
			if c.change != nil {
				c.change(w)
			}
			signer := w.Legal
			if c.by == "agent" {
				signer = w.Agent
			}
			edit := c.edit
			if edit == nil {
				edit = func(*statement.Review) {}
			}
			claim := c.claim
			claim.Act = w.Act(signer, cloudseal.ActClaim, "", statutory, edit)
			if claim.Org == "" {
				claim.Org = cloudsealtest.Org.USCC
			}
			if claim.Kind == "" {
				claim.Kind = impression.Statutory
			}
			_, err := w.Service.Claim(t.Context(), claim)
			want(t, "claim", err, c.want)
			apps, err := w.Service.ApplicationsOf(t.Context(), cloudsealtest.Org.USCC)
			if err != nil || len(apps) > 0 {
				t.Errorf("%d applications, %v", len(apps), err)
			}
		})
	}
}

// The answer to a claim was lost: asked again it is the same, and no second seal.
func TestAClaimIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	claim := cloudseal.Claim{Org: cloudsealtest.Org.USCC, Kind: impression.Statutory}
	claim.Act = w.Act(w.Legal, cloudseal.ActClaim, "", statement.Ref{ID: string(impression.Statutory)})
	first, err := w.Service.Claim(t.Context(), claim)
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Service.Claim(t.Context(), claim)
	if err != nil || again.ID != first.ID || again.State != cloudseal.Issued || again.Code != first.Code {
		t.Errorf("%v: %+v", err, again)
	}
}

func TestASecondSealOfAKindIsRefused(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	_, err := w.Claim(nil)
	want(t, "claim", err, fault.SealExists)
}

func TestClaimWithThePictureOfTheFiledSeal(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	app, err := w.Claim(cloudsealtest.Impression(t).PNG)
	if err != nil || app.State != cloudseal.Issued {
		t.Fatalf("%+v, %v", app, err)
	}
}

// waiting makes a claim that clerk and reviewer must decide: the uploaded
// picture is another organization's seal.
func waiting(t *testing.T, w *cloudsealtest.World) *cloudseal.Application {
	t.Helper()
	other, err := impression.New().Draw(impression.Spec{Kind: impression.Statutory, Name: "济南另外一家贸易公司"})
	if err != nil {
		t.Fatal(err)
	}
	app, err := w.Claim(other.PNG)
	if err != nil {
		t.Fatal(err)
	}
	if app.State != cloudseal.Waiting || len(app.Defects) != 1 || app.Defects[0].Code != "picture-differs" || app.DecideBy.IsZero() {
		t.Fatalf("state %s, defects %v", app.State, app.Defects)
	}
	return app
}

func TestAFiledNameThatDiffersGoesToTheClerk(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	p := cloudsealtest.Impression(t)
	w.Filings.Put(cloudsealtest.Org.USCC, registry.Filed{Kind: "statutory", Name: "杭州示例有限公司", PNG: p.PNG, Width: 40, Height: 40})
	app, err := w.Claim(nil)
	if err != nil || app.State != cloudseal.Waiting || app.Defects[0].Code != "name-differs" {
		t.Fatalf("%+v, %v", app, err)
	}
	// While it is open nothing else can be claimed.
	_, err = w.Claim(nil)
	want(t, "second claim", err, fault.SealExists)
}

func TestClerkAndReviewerIssue(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	app := waiting(t, w)
	subject := statement.Ref{ID: app.ID}
	list, err := w.Service.Applications(t.Context(), cloudseal.Waiting, "")
	if err != nil || len(list) != 1 {
		t.Fatalf("%d waiting, %v", len(list), err)
	}
	accept := w.Act(w.Clerk, cloudseal.ActAccept, cloudseal.OfficeClerk, subject)
	if app, err = w.Service.Accept(t.Context(), app.ID, accept); err != nil || app.State != cloudseal.Accepted {
		t.Fatalf("%+v, %v", app, err)
	}
	review := w.Act(w.Reviewer, cloudseal.ActReview, cloudseal.OfficeReviewer, subject)
	if app, err = w.Service.Review(t.Context(), app.ID, review); err != nil || app.State != cloudseal.Issued {
		t.Fatalf("%+v, %v", app, err)
	}
	if app.Acceptance.Person != "us_clerk" || app.Review.Person != "us_reviewer" || app.Review.Statement.Hash().IsZero() {
		t.Errorf("opinions %+v %+v", app.Acceptance, app.Review)
	}
}

func TestOpinionsAreRefused(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	app := waiting(t, w)
	subject := statement.Ref{ID: app.ID}
	clerk, reviewer := cloudseal.OfficeClerk, cloudseal.OfficeReviewer
	for _, c := range []struct {
		name string
		act  string
		want *fault.Error
	}{
		{"a reviewer accepts", w.Act(w.Reviewer, cloudseal.ActAccept, reviewer, subject), fault.RoleMissing},
		{"the act of a review", w.Act(w.Clerk, cloudseal.ActReview, clerk, subject), fault.StatementChanged},
		{"about another application", w.Act(w.Clerk, cloudseal.ActAccept, clerk, statement.Ref{ID: "ap_other"}), fault.StatementChanged},
		{"the applicant himself", w.Act(w.Legal, cloudseal.ActAccept, clerk, subject), fault.SamePerson},
	} {
		_, err := w.Service.Accept(t.Context(), app.ID, c.act)
		want(t, c.name, err, c.want)
	}
	_, err := w.Service.Review(t.Context(), app.ID, w.Act(w.Reviewer, cloudseal.ActReview, reviewer, subject))
	want(t, "review before acceptance", err, fault.ApplicationClosed)

	if _, err := w.Service.Accept(t.Context(), app.ID, w.Act(w.Clerk, cloudseal.ActAccept, clerk, subject)); err != nil {
		t.Fatal(err)
	}
	_, err = w.Service.Review(t.Context(), app.ID, w.Act(w.Clerk, cloudseal.ActReview, reviewer, subject))
	want(t, "the clerk reviews", err, fault.SamePerson)
	_, err = w.Service.Accept(t.Context(), app.ID, w.Act(w.Clerk, cloudseal.ActAccept, clerk, subject))
	want(t, "accepted again", err, fault.ApplicationClosed)
	_, err = w.Service.Accept(t.Context(), "ap_unknown", "ac_x")
	want(t, "unknown application", err, fault.Absent)
}

func TestARejectionNamesAllDefectsAndFreesTheKind(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	app := waiting(t, w)
	no := w.Act(w.Clerk, cloudseal.ActAccept, cloudseal.OfficeClerk, statement.Ref{ID: app.ID}, func(r *statement.Review) {
		r.Opinion, r.Note = statement.Reject, "印模不清"
	})
	app, err := w.Service.Accept(t.Context(), app.ID, no, cloudseal.Defect{Code: "picture-blurred"}, cloudseal.Defect{Code: "form-incomplete"})
	if err != nil || app.State != cloudseal.Rejected || len(app.Defects) != 3 || app.Acceptance.Note != "印模不清" {
		t.Fatalf("%+v, %v", app, err)
	}
	if app, err = w.Claim(nil); err != nil || app.State != cloudseal.Issued {
		t.Fatalf("claim after a rejection: %+v, %v", app, err)
	}
}

// The issue breaks off at each external step, before or after it took effect;
// Recover ends it with one seal, whose key, certificate and data agree.
func TestABrokenOffIssueGoesOn(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	for _, step := range []string{"signer.create", "signer.certify", "commit 2", "commit 3", "commit 4"} {
		for _, applied := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s applied %v", step, applied), func(t *testing.T) {
				t.Parallel()
				w := cloudsealtest.NewWorld(t)
				act := w.Act(w.Legal, cloudseal.ActClaim, "", statement.Ref{ID: "statutory"})
				broken := false
				once := func(call string) (bool, error) {
					if call == step && !broken {
						broken = true
						return applied, errAway
					}
					return true, nil
				}
				n := 0
				w.Signer.Weather = once
				w.DB.OnCommit(func() (bool, error) { n++; return once(fmt.Sprintf("commit %d", n)) })
				app, err := w.Service.Claim(t.Context(), cloudseal.Claim{Act: act, Org: cloudsealtest.Org.USCC, Kind: impression.Statutory})
				if err != nil || app.State != cloudseal.Issuing || !broken {
					t.Fatalf("%+v, %v, broken %v", app, err, broken)
				}
				w.Restart()
				if err := w.Service.Recover(t.Context()); err != nil {
					t.Fatal(err)
				}
				seal, err := w.Service.Seal(t.Context(), "33010000000001")
				if err != nil {
					t.Fatal(err)
				}
				if r := verify.Seal(seal.DER, w.Service.Trust(t.Context())); r.Verdict != verify.Genuine {
					t.Errorf("verdict %s", r.Verdict)
				}
				d := w.Upload(cloudsealtest.PDF(1, 1000))
				w.Begin(w.Ask("tk_1", seal, d))
				if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
					t.Errorf("the seal does not stamp: %v", err)
				}
			})
		}
	}
}

func TestDivisionsRunOutOfNothingButCodes(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Update(func(tx unit.Tx) error {
		return w.Tables.Counters.Insert(tx, &cloudseal.Counter{Row: unit.Row{ID: "seal-code 330100"}, Last: 99_999_999})
	})
	app, err := w.Claim(nil)
	if err != nil || app.State != cloudseal.Issuing {
		t.Fatalf("%+v, %v", app, err)
	}
	if err := w.Service.Recover(t.Context()); err == nil || !strings.Contains(err.Error(), "no seal codes left") {
		t.Errorf("recover: %v", err)
	}
}
