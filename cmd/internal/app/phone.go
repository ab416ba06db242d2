package app

import (
	"context"
	"errors"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/qrflow"
)

// scans lets phones take part in tickets.
type scans struct {
	work    unit.Work
	flow    *qrflow.Service
	binding *binding.Service
	seals   *cloudseal.Service
}

func claimant(who authz.Caller) (qrflow.Claimant, error) {
	key, err := gm.ParsePublicKey(who.Device.Key)
	if err != nil {
		return qrflow.Claimant{}, err
	}
	phone := who.Person.Phone
	return qrflow.Claimant{
		Person: who.Person.ID, Device: who.Device.ID, Name: who.Person.Name, PhoneTail: phone[max(0, len(phone)-2):], Key: key, From: who.From,
	}, nil
}

// Claim implements mobileapi.Scans.
func (s scans) Claim(ctx context.Context, who authz.Caller, f mobileapi.Frame, lang string, kept unit.Kept[*mobileapi.Scan]) (*mobileapi.Scan, error) {
	c, err := claimant(who)
	if err != nil {
		return nil, err
	}
	c.Lang = lang
	var scan *mobileapi.Scan
	_, err = s.binding.Claim(ctx, c, qrflow.Scan{Handle: f.Handle, N: f.N, MAC: f.MAC}, unit.KeptAs(kept, func(claim qrflow.Claim) (_ *mobileapi.Scan, err error) {
		scan, err = scanOf(claim)
		return scan, err
	}))
	return scan, err
}

func scanOf(claim qrflow.Claim) (*mobileapi.Scan, error) {
	display, err := binding.Display(claim)
	if err != nil {
		return nil, err
	}
	return &mobileapi.Scan{ID: claim.ID, Head: claim.Head, Display: display, DecideBy: claim.Deadline}, nil
}

// Manifest implements mobileapi.Scans.
func (s scans) Manifest(ctx context.Context, who authz.Caller, claim string) ([]byte, error) {
	c, err := claimant(who)
	if err != nil {
		return nil, err
	}
	return s.binding.Manifest(ctx, s.binding.ByClaim(c, claim))
}

// Document implements mobileapi.Scans.
func (s scans) Document(ctx context.Context, who authz.Caller, claim string, i int) (*mobileapi.Document, error) {
	c, err := claimant(who)
	if err != nil {
		return nil, err
	}
	b, err := s.binding.Shown(ctx, s.binding.ByClaim(c, claim), i)
	if err != nil {
		return nil, err
	}
	return &mobileapi.Document{MediaType: "application/pdf", Bytes: b}, nil
}

// waitingSecond is what a phone is told of an approval that needs another one.
const waitingSecond = "waiting-second"

// Approve implements mobileapi.Scans.
func (s scans) Approve(ctx context.Context, who authz.Caller, a mobileapi.Approval, kept unit.Kept[string]) (string, error) {
	c, err := claimant(who)
	if err != nil {
		return "", err
	}
	r, err := s.binding.Approve(ctx, c, qrflow.ApproveRequest{
		Claim: a.Claim, HeadHash: a.Head, Match: a.Match, Sig: a.Sig, Second: a.Second,
		Kept: unit.KeptAs(kept, func(r qrflow.Result) (string, error) { return stateOf(r), nil }),
	})
	return stateOf(r), err
}

func stateOf(r qrflow.Result) string {
	if r.Waits {
		return waitingSecond
	}
	return string(r.State)
}

// Refuse implements mobileapi.Scans.
func (s scans) Refuse(ctx context.Context, who authz.Caller, claim string, r mobileapi.Refusal) (string, error) {
	c, err := claimant(who)
	if err != nil {
		return "", err
	}
	if r.Report {
		state, err := s.binding.Report(ctx, c, claim)
		return string(state), err
	}
	return string(qrflow.Rejected), s.flow.Reject(ctx, c, claim)
}

// applications lists declaration systems for whoever delegates.
type applications struct {
	work    unit.Work
	binding *binding.Service
}

// Apps implements mobileapi.Applications.
func (a applications) Apps(ctx context.Context) ([]mobileapi.App, error) {
	apps, err := a.binding.Apps(ctx)
	out := make([]mobileapi.App, 0, len(apps))
	for _, app := range apps {
		out = append(out, appOf(app))
	}
	return out, err
}

// App implements mobileapi.Applications.
func (a applications) App(ctx context.Context, id string) (out mobileapi.App, err error) {
	err = a.work.View(ctx, func(tx unit.Tx) error {
		app, err := a.binding.App(tx, id)
		if err == nil {
			out = appOf(app)
		}
		return err
	})
	return out, err
}

func appOf(app *binding.App) mobileapi.App {
	return mobileapi.App{ID: app.ID, Name: app.Name, Origins: app.Origins, Actions: app.Actions, SealKinds: app.SealKinds}
}

// claims opens applications for seals.
type claims struct {
	work  unit.Work
	seals *cloudseal.Service
	blobs cloudseal.Blobs
}

// uploads is the tenant under which pictures wait for their claim's signature.
const uploads = "uploads"

// Prepare implements mobileapi.Claims.
func (c claims) Prepare(ctx context.Context, uscc, kind string, picture []byte) (statement.Ref, error) {
	ref := statement.Ref{ID: kind}
	if err := c.seals.Claimable(ctx, uscc, kind); err != nil || len(picture) == 0 {
		return ref, err
	}
	ref.Hash = gm.SM3(picture)
	return ref, c.blobs.Put(ctx, uploads, ref.Hash, picture)
}

// Claim implements mobileapi.Claims.
func (c claims) Claim(ctx context.Context, act *authz.Act) (*mobileapi.Claimed, error) {
	r, err := statement.ParseReview(act.Statement.Bytes)
	if err != nil {
		return nil, fault.StatementBad.Because(err)
	}
	claim := cloudseal.Claim{Act: act.ID, Org: r.Org.USCC, Kind: impression.Kind(r.Subject.ID)}
	if !r.Subject.Hash.IsZero() {
		claim.Picture, err = c.blobs.Get(ctx, uploads, r.Subject.Hash)
		if errors.Is(err, unit.ErrAbsent) {
			return nil, fault.ImpressionBad.Because(err)
		}
		if err != nil {
			return nil, err
		}
	}
	app, err := c.seals.Claim(ctx, claim)
	if err != nil {
		return nil, err
	}
	return claimedOf(app), nil
}

func claimedOf(app *cloudseal.Application) *mobileapi.Claimed {
	out := &mobileapi.Claimed{Application: app.ID, State: string(app.State), DecideBy: app.DecideBy}
	if app.State == cloudseal.Issued {
		out.Seal = app.Code
	}
	for _, d := range app.Defects {
		out.Defects = append(out.Defects, mobileapi.Defect{Code: d.Code, Text: mobileapi.Words{ZH: d.ZH, EN: d.EN}})
	}
	return out
}
