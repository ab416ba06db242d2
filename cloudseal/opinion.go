package cloudseal

import (
	"context"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
)

// Accept is the acceptance clerk's opinion on a waiting application: on to the
// reviewer, or back with defects, all in one notice. act is his signed
// ActAccept.
func (s *Service) Accept(ctx context.Context, application, act string, defects ...Defect) (*Application, error) {
	return s.decide(ctx, application, func(tx unit.Tx, app *Application) error {
		if app.State != Waiting {
			return fault.ApplicationClosed
		}
		o, err := s.opinion(tx, app, act, ActAccept, OfficeClerk)
		if err != nil {
			return err
		}
		app.Acceptance = o
		if o.Opinion != statement.Approve {
			return reject(tx, app, defects)
		}
		app.State = Accepted
		return nil
	})
}

// Review is the issue reviewer's opinion on an accepted application: the seal
// is issued, or the application ends. act is his signed ActReview. Whoever
// accepted cannot review (fault.SamePerson).
func (s *Service) Review(ctx context.Context, application, act string, defects ...Defect) (*Application, error) {
	app, err := s.decide(ctx, application, func(tx unit.Tx, app *Application) error {
		if app.State != Accepted {
			return fault.ApplicationClosed
		}
		o, err := s.opinion(tx, app, act, ActReview, OfficeReviewer)
		if err != nil {
			return err
		}
		if o.Person == app.Acceptance.Person {
			return fault.SamePerson
		}
		app.Review = o
		if o.Opinion != statement.Approve {
			return reject(tx, app, defects)
		}
		app.State, app.DecidedAt = Issuing, tx.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return s.issueNow(ctx, app), nil
}

// decide runs one step on an application and records it.
func (s *Service) decide(ctx context.Context, id string, step func(unit.Tx, *Application) error) (app *Application, err error) {
	err = s.Work.Update(ctx, func(tx unit.Tx) error {
		if app, err = s.t.Applications.Get(tx, id); err != nil {
			return absentAs(err, fault.Absent)
		}
		if err := step(tx, app); err != nil {
			return err
		}
		return s.t.Applications.Replace(tx, app)
	})
	return app, err
}

func (s *Service) opinion(tx unit.Tx, app *Application, act, kind, office string) (Opinion, error) {
	a, err := s.Acts.Take(tx, act, office, app.ID)
	if err != nil {
		return Opinion{}, err
	}
	if a.Act != kind || a.Subject.ID != app.ID {
		return Opinion{}, fault.StatementChanged
	}
	if a.Person.ID == app.Applicant {
		return Opinion{}, fault.SamePerson
	}
	err = s.record(tx, audit.Record{
		Actor: a.Person.ID, Role: office, Action: "application." + a.Opinion, Object: app.ID, Org: app.Org, Evidence: a.Signed.Hash(),
	})
	return Opinion{Person: a.Person.ID, Opinion: a.Opinion, Note: a.Note, Statement: a.Signed, At: tx.Now()}, err
}

// reject ends an application with everything that has to be mended: the
// applicant claims anew, once, not once a defect.
func reject(tx unit.Tx, app *Application, defects []Defect) error {
	app.State, app.DecidedAt, app.Open = Rejected, tx.Now(), app.ID
	app.Defects = append(app.Defects, defects...)
	return nil
}

// Applications lists the applications in a state, oldest first, for whoever
// decides them; after names the last one seen, "" to begin.
func (s *Service) Applications(ctx context.Context, state AppState, after string) (apps []*Application, err error) {
	q := unit.Query{Index: "state", Key: []any{string(state)}, Limit: 100}
	if after != "" {
		q.After = []any{after}
	}
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		apps, err = s.t.Applications.Find(tx, q)
		return err
	})
	return apps, err
}

// ApplicationsOf lists an organization's applications.
func (s *Service) ApplicationsOf(ctx context.Context, org string) (apps []*Application, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		apps, err = s.t.Applications.Find(tx, unit.Query{Index: "org", Key: []any{org}})
		return err
	})
	return apps, err
}
