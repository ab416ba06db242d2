package binding

import (
	"context"
	"errors"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/qrflow"
)

// maxRefreshed bounds how many organizations one claim asks the registry about:
// nobody acts for more of them in earnest.
const maxRefreshed = 50

// Claim takes a scan. When the registry's word on the organization is too old to
// decide by, the registry is asked about the claimant's organizations and the
// claim is made once more: only the claim itself finds out, for a log-in, which
// of them it is about. fault.RegistrySilent when the registry does not answer
// either; everything else as qrflow.Service.Claim.
func (s *Service) Claim(ctx context.Context, c qrflow.Claimant, scan qrflow.Scan, kept unit.Kept[qrflow.Claim]) (qrflow.Claim, error) {
	claim, err := s.flow.ClaimKept(ctx, c, scan, kept)
	if !errors.Is(err, fault.RegistrySilent) {
		return claim, err
	}
	if err := s.refreshPlaces(ctx, c.Person); err != nil {
		return qrflow.Claim{}, err
	}
	return s.flow.ClaimKept(ctx, c, scan, kept)
}

// refreshPlaces refreshes the organizations in which a person has a place. One
// that cannot be refreshed stays as old as it is, and the claim refuses it; it
// must not stand in the way of the others.
func (s *Service) refreshPlaces(ctx context.Context, person string) error {
	places, err := s.authz.Places(ctx, person)
	if err != nil {
		return err
	}
	asked := 0
	for _, p := range places {
		if p.State != authz.Active || asked == maxRefreshed {
			continue
		}
		asked++
		if err := s.authz.Refresh(ctx, p.Org); err != nil {
			s.log.WarnContext(ctx, "registry not asked again", "org", p.Org, "error", err)
		}
	}
	return nil
}
