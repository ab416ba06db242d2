package cloudseal

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cloudseal/status"
)

// maxSerial is the largest number in the last eight digits of a seal code.
const maxSerial = 99_999_999

// issue makes the seal of an approved application: key pair, code,
// certificate, seal, history (domain.md, order of making). Each result is
// written before the next step uses it, so that a broken-off issue goes on with
// the same code, key, certificate and seal; Recover does that.
func (s *Service) issue(ctx context.Context, id string) (*Application, error) {
	app, err := s.assignCode(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("issue %s: code: %w", id, err)
	}
	public, err := s.Signer.Create(ctx, app.Code, 1, app.Org)
	if err != nil {
		return nil, fmt.Errorf("issue %s: key: %w", id, err)
	}
	if app, err = s.makeSeal(ctx, app, public); err != nil {
		return nil, fmt.Errorf("issue %s: seal: %w", id, err)
	}
	if err := s.Signer.Certify(ctx, app.Code, 1, app.Certificate, app.DER); err != nil {
		return nil, fmt.Errorf("issue %s: certify: %w", id, err)
	}
	if app, err = s.publish(ctx, id); err != nil {
		return nil, fmt.Errorf("issue %s: publish: %w", id, err)
	}
	return app, nil
}

// assignCode gives the application its seal code: division and serial
// (standards.md §5.1). A number once given is never given again.
func (s *Service) assignCode(ctx context.Context, id string) (*Application, error) {
	return s.decide(ctx, id, func(tx unit.Tx, app *Application) error {
		if app.State != Issuing || app.Code != "" {
			return nil
		}
		if len(app.Region) != 6 {
			return fmt.Errorf("division %q of %s has not six digits", app.Region, app.Org)
		}
		n, err := s.count(tx, "seal-code "+app.Region)
		if err != nil {
			return err
		}
		if n > maxSerial {
			return fmt.Errorf("division %s has no seal codes left", app.Region)
		}
		app.Code = fmt.Sprintf("%s%08d", app.Region, n)
		return nil
	})
}

// count gives the next number of a counter, from 1.
func (s *Service) count(tx unit.Tx, name string) (int, error) {
	c, err := s.t.Counters.Get(tx, name)
	if errors.Is(err, unit.ErrAbsent) {
		err = s.t.Counters.Insert(tx, &Counter{Row: unit.Row{ID: name}, Last: 1})
		return 1, takenAs(err, unit.ErrConflict)
	}
	if err != nil {
		return 0, err
	}
	c.Last++
	return c.Last, s.t.Counters.Replace(tx, c)
}

// makeSeal writes certificate and seal into the application, unless it has
// them: the signer accepts one of each for a key.
func (s *Service) makeSeal(ctx context.Context, app *Application, public gm.PublicKey) (*Application, error) {
	if len(app.DER) > 0 {
		return app, nil
	}
	from := seconds(s.Now())
	certificate, err := s.Issuer.IssueSealCertificate(
		ca.SealSubject{Code: app.Code, USCC: app.Org, Name: app.OrgName}, public,
		ca.Period{From: from, To: from.Add(s.Limits.Validity)})
	if err != nil {
		return nil, err
	}
	der, err := s.sealData(app, certificate, from)
	if err != nil {
		return nil, err
	}
	return s.decide(ctx, app.ID, func(_ unit.Tx, app *Application) error {
		if len(app.DER) == 0 {
			app.Certificate, app.DER = certificate, der
		}
		return nil
	})
}

// sealData builds the SESeal and has the maker sign it (GB/T 38540 §6.2).
func (s *Service) sealData(app *Application, certificate []byte, from time.Time) ([]byte, error) {
	info, err := ses.SealInfo(ses.SealSpec{
		Vendor: s.Vendor, Code: app.Code, Type: app.Kind.Code(), Name: app.Filed.Name, Signers: [][]byte{certificate},
		Created: from, ValidFrom: from, ValidTo: from.Add(s.Limits.Validity),
		Picture: ses.Picture{
			Type: "PNG", Data: app.Filed.PNG,
			Width: int(math.Round(app.Filed.Width)), Height: int(math.Round(app.Filed.Height)),
		},
	})
	if err != nil {
		return nil, err
	}
	sig, err := s.Maker.Sign(info)
	if err != nil {
		return nil, err
	}
	return ses.AssembleSeal(info, s.MakerCertificate, sig)
}

// publish writes seal, certificate and the first event: from now on it is
// usable.
func (s *Service) publish(ctx context.Context, id string) (*Application, error) {
	return s.decide(ctx, id, func(tx unit.Tx, app *Application) error {
		if app.State != Issuing {
			return nil
		}
		seal, cert, err := newSeal(tx, app)
		if err != nil {
			return err
		}
		if err := s.t.Seals.Insert(tx, seal); err != nil {
			return takenAs(err, fault.SealExists)
		}
		if err := s.t.Certificates.Insert(tx, cert); err != nil {
			return err
		}
		err = s.t.Events.Insert(tx, &Event{
			Row: unit.Row{ID: EventID(seal.ID, 1)}, Seal: seal.ID, N: 1, State: status.Usable, From: seal.ValidFrom, Act: app.ID,
		})
		if err != nil {
			return err
		}
		app.State, app.DecidedAt, app.Open = Issued, tx.Now(), app.ID
		return s.record(tx, audit.Record{
			Actor: "system", Action: "seal.issue", Object: seal.ID, Org: app.Org, Evidence: seal.Hash, Detail: string(app.Kind) + " " + app.ID,
		})
	})
}

func newSeal(tx unit.Tx, app *Application) (*Seal, *Certificate, error) {
	cert, err := ca.Describe(app.Certificate)
	if err != nil {
		return nil, nil, err
	}
	data, err := ses.ParseSeal(app.DER)
	if err != nil {
		return nil, nil, err
	}
	return &Seal{
			Row: unit.Row{ID: app.Code}, Org: app.Org, OrgName: app.OrgName, Kind: app.Kind, Name: app.Filed.Name,
			State: status.Usable, Events: 1, Version: 1, Serial: cert.Serial, Hash: data.Hash(),
			ValidFrom: data.ValidFrom, ValidTo: data.ValidTo, Owned: owned(app.Org, app.Kind), Told: true, CreatedAt: tx.Now(),
		}, &Certificate{
			Row: unit.Row{ID: cert.Serial}, Seal: app.Code, Version: 1, DER: app.Certificate, SealDER: app.DER, NotBefore: cert.Period.From, NotAfter: cert.Period.To,
		}, nil
}

// EventID names an event of a seal's history.
func EventID(seal string, n int) string { return fmt.Sprintf("%s.%d", seal, n) }
