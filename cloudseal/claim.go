package cloudseal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
)

// The acts of an application's life, as review statements name them.
const (
	ActClaim  = "claim-seal"         // legal representative; subject: kind and hash of the uploaded picture
	ActAccept = "accept-application" // acceptance clerk; subject: application
	ActReview = "review-application" // issue reviewer; subject: application
)

// maxUpload bounds the picture of an impression before anything looks at it.
const maxUpload = 4 << 20

// Claim is what a legal representative asks for.
type Claim struct {
	Act     string // the signed act: ActClaim
	Org     string // USCC
	Kind    impression.Kind
	Picture []byte // uploaded, nil for the way without
}

// Claim opens the application for a seal. Where filing, registry and picture
// agree the seal is issued at once and the application comes back Issued;
// otherwise it waits for clerk and reviewer, with everything that was found. The
// same act again gives what came of it.
func (s *Service) Claim(ctx context.Context, c Claim) (*Application, error) {
	if app, err := s.claimedBy(ctx, c.Act); app != nil || err != nil {
		return app, err
	}
	if !slices.Contains(s.Kinds, c.Kind) {
		return nil, fault.SealKindBad
	}
	if len(c.Picture) > maxUpload {
		return nil, fault.ImpressionBad
	}
	var holder Holder
	err := s.Work.View(ctx, func(tx unit.Tx) (err error) {
		holder, err = s.mayClaim(tx, c)
		return err
	})
	if err != nil {
		return nil, err
	}
	filed, err := s.Filings.Impression(ctx, holder.USCC, string(c.Kind))
	if errors.Is(err, registry.ErrNotFiled) {
		return nil, fault.FilingMissing
	}
	if err != nil {
		return nil, fault.RegistrySilent.Because(fmt.Errorf("seal filing: %w", err))
	}
	defects, err := s.compare(holder, filed, c.Picture)
	if err != nil {
		return nil, err
	}
	app, err := s.open(ctx, c, filed, defects)
	if err != nil {
		return nil, err
	}
	return s.issueNow(ctx, app), nil
}

// applicationOf names the application that a claim opens.
func applicationOf(act string) string {
	_, random, _ := strings.Cut(act, "_")
	return "ap_" + random
}

// claimedBy gives the application that an act has opened already, nil when there
// is none.
func (s *Service) claimedBy(ctx context.Context, act string) (app *Application, err error) {
	err = s.Work.Update(ctx, func(tx unit.Tx) error {
		if app, err = s.t.Applications.Get(tx, applicationOf(act)); errors.Is(err, unit.ErrAbsent) {
			app = nil
			return nil
		}
		return err
	})
	if err != nil || app == nil {
		return nil, err
	}
	return s.issueNow(ctx, app), nil
}

// issueNow issues an approved application. When something it needs is away the
// application stays Issuing, which is what it is, and Recover goes on with it.
func (s *Service) issueNow(ctx context.Context, app *Application) *Application {
	if app.State != Issuing {
		return app
	}
	issued, err := s.issue(ctx, app.ID)
	if err != nil {
		s.Log.ErrorContext(ctx, "seal not issued yet", "application", app.ID, "error", err)
		return app
	}
	return issued
}

// mayClaim checks what a claim needs of the organization.
func (s *Service) mayClaim(tx unit.Tx, c Claim) (Holder, error) {
	holder, err := s.Holders.Holder(tx, c.Org)
	if err != nil {
		return Holder{}, err
	}
	switch {
	case !holder.Active:
		return Holder{}, fault.OrgInactive
	case !holder.Agreement:
		return Holder{}, fault.AgreementMissing
	}
	living, err := s.t.Seals.Find(tx, unit.Query{Index: "owned", Key: []any{owned(c.Org, c.Kind)}, Limit: 1})
	if err != nil {
		return Holder{}, err
	}
	if len(living) > 0 {
		return Holder{}, fault.SealExists
	}
	return holder, nil
}

func owned(org string, kind impression.Kind) string { return org + ":" + string(kind) }

// compare lists what does not agree: nothing means that no person is needed.
func (s *Service) compare(holder Holder, filed registry.Filed, uploaded []byte) ([]Defect, error) {
	var defects []Defect
	if filed.Name != holder.Name {
		defects = append(defects, Defect{"name-differs", "备案印章名称与登记名称不一致", "The filed name is not the registered one."})
	}
	if len(uploaded) == 0 {
		return defects, nil
	}
	score, err := s.Similar(filed.PNG, uploaded)
	if err != nil {
		return nil, err
	}
	if score < impression.Agreement {
		defects = append(defects, Defect{"picture-differs", "上传的印模与备案印模不一致", "The uploaded picture does not look like the filed impression."})
	}
	return defects, nil
}

// open takes the signed act and writes the application.
func (s *Service) open(ctx context.Context, c Claim, filed registry.Filed, defects []Defect) (app *Application, err error) {
	err = s.Work.Update(ctx, func(tx unit.Tx) error {
		holder, err := s.mayClaim(tx, c)
		if err != nil {
			return err
		}
		id := applicationOf(c.Act)
		act, err := s.Acts.Take(tx, c.Act, "", id)
		if err != nil {
			return err
		}
		if err := checkClaim(act, c, holder); err != nil {
			return err
		}
		app = &Application{
			Row: unit.Row{ID: id}, Procedure: "claim", Org: holder.USCC, OrgName: holder.Name, Region: holder.Region,
			Kind: c.Kind, Applicant: act.Person.ID, Claim: act.Signed, Uploaded: c.Picture,
			Filed: keepFiled(filed), State: Issuing, Defects: defects, Open: owned(holder.USCC, c.Kind),
			DecideBy: tx.Now().Add(s.Limits.DecideWithin), CreatedAt: tx.Now(),
		}
		if len(defects) > 0 {
			app.State = Waiting
		}
		if err := s.t.Applications.Insert(tx, app); err != nil {
			return takenAs(err, fault.SealExists)
		}
		return s.record(tx, audit.Record{
			Actor: act.Person.ID, Role: "legal", Action: "seal.claim", Object: id, Org: app.Org,
			Evidence: act.Signed.Hash(), Detail: string(c.Kind) + " " + string(app.State),
		})
	})
	return app, err
}

func keepFiled(f registry.Filed) FiledImpression {
	return FiledImpression{Name: f.Name, Number: f.Code, PNG: f.PNG, Width: f.Width, Height: f.Height}
}

// checkClaim: the act says exactly this, by the one who represents the
// organization now.
func checkClaim(act SignedAct, c Claim, holder Holder) error {
	want := statement.Ref{ID: string(c.Kind)}
	if len(c.Picture) > 0 {
		want.Hash = gm.SM3(c.Picture)
	}
	switch {
	case act.Act != ActClaim || act.Opinion != statement.Approve || act.Subject != want || act.Org.USCC != holder.USCC:
		return fault.StatementChanged
	case holder.Legal.ID == "" || act.Person.ID != holder.Legal.ID:
		return fault.NotLegalRep
	}
	return nil
}
