package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

var (
	errForeign   = errors.New("keys: this version of the seal belongs to another organization")
	errCertified = errors.New("keys: this version of the seal has another certificate or seal already")
	errSeal      = errors.New("keys: certificate, seal and key do not belong together")
)

// Create makes the key pair of a version of a seal and keeps it. Asking again
// for the same gives the same key, so that a broken-off issue can go on.
func (s *Signer) Create(ctx context.Context, seal string, version int, org string) (gm.PublicKey, error) {
	fresh, err := s.newKey(seal, version, org)
	if err != nil {
		return gm.PublicKey{}, fmt.Errorf("create key of seal %s: %w", seal, err)
	}
	var kept *Key
	err = s.work.Update(ctx, func(tx unit.Tx) (err error) {
		kept, err = s.keys.Get(tx, fresh.ID)
		if err == nil || !errors.Is(err, unit.ErrAbsent) {
			return err
		}
		kept = fresh
		kept.CreatedAt = tx.Now()
		return s.keys.Insert(tx, kept)
	})
	if err != nil {
		return gm.PublicKey{}, fmt.Errorf("create key of seal %s: %w", seal, err)
	}
	if kept.Org != org {
		return gm.PublicKey{}, errForeign
	}
	return gm.ParsePublicKey(kept.Public)
}

func (s *Signer) newKey(seal string, version int, org string) (*Key, error) {
	if seal == "" || org == "" || version < 1 {
		return nil, errors.New("seal, version and organization are needed")
	}
	key, err := gm.GenerateKey()
	if err != nil {
		return nil, err
	}
	defer key.Destroy()
	k := &Key{
		Row: unit.Row{ID: KeyID(seal, version)}, Seal: seal, Version: version, Org: org, Public: key.Public().SPKI(),
	}
	return k, s.wrap(k, key)
}

// Certify attaches the certificate and the finished seal (both DER) to a key;
// from then on it can sign. They are for good: a renewed certificate is a new
// version. Attaching the same again is no error.
func (s *Signer) Certify(ctx context.Context, seal string, version int, certificate, sealDER []byte) error {
	err := s.work.Update(ctx, func(tx unit.Tx) error {
		k, err := s.keys.Get(tx, KeyID(seal, version))
		if err != nil {
			return err
		}
		if len(k.Certificate) > 0 {
			if !bytes.Equal(k.Certificate, certificate) || k.SealHash != gm.SM3(sealDER) {
				return errCertified
			}
			return nil
		}
		if err := belongTogether(k, certificate, sealDER); err != nil {
			return err
		}
		k.Certificate, k.SealHash = certificate, gm.SM3(sealDER)
		return s.keys.Replace(tx, k)
	})
	if err != nil {
		return fmt.Errorf("certify key of seal %s: %w", seal, err)
	}
	return nil
}

// belongTogether checks that the certificate is for this key and that the
// seal, whole and signed by its maker, has this code and admits the
// certificate.
func belongTogether(k *Key, certificate, sealDER []byte) error {
	public, err := certificateKey(certificate)
	if err != nil {
		return fmt.Errorf("%w: %w", errSeal, err)
	}
	if !bytes.Equal(public.SPKI(), k.Public) {
		return errSeal
	}
	seal, err := ses.ParseSeal(sealDER)
	if err != nil {
		return fmt.Errorf("%w: %w", errSeal, err)
	}
	if seal.Code != k.Seal || !seal.Allows(certificate) {
		return errSeal
	}
	return seal.CheckMaker()
}

func certificateKey(der []byte) (gm.PublicKey, error) {
	cert, err := smx509.ParseCertificate(der)
	if err != nil {
		return gm.PublicKey{}, err
	}
	return gm.PublicKeyOf(cert)
}
