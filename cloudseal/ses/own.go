package ses

import (
	"bytes"
	"fmt"

	"yunzhang.dev/cloudseal/gm"
)

// CheckOwn holds a signature that we are about to publish against the one form
// we write: version 4 throughout, the seal of CheckOwnSeal, signer permitted and
// his signature strict DER, time inside the seal's period and not before the
// seal was made, data hash of 32 bytes, and every byte of it the one that
// building it from its parsed fields would give. Errors wrap ErrProfile or one
// of the checks' errors.
func CheckOwn(sig *Signature) error {
	again, err := ParseSignature(sig.Raw)
	if err != nil {
		return err
	}
	if err := CheckOwnSeal(again.Seal); err != nil {
		return err
	}
	switch {
	case again.Shape != Flat || again.Version != written:
		return profile("version")
	case again.TimeStamp != nil:
		return profile("a time stamp is not written")
	case len(again.DataHash) != len(gm.Digest{}):
		return profile("data hash")
	case !again.Seal.Allows(again.SignerCert):
		return profile("the seal does not permit the signer")
	case !again.Seal.ValidAt(again.Time) || again.Time.Before(again.Seal.Created):
		return profile("time outside the seal's period")
	}
	if err := checkStrict(again.SignerCert, again.TBS, again.Value); err != nil {
		return err
	}
	return again.rebuilds()
}

// CheckOwnSeal is CheckOwn for a seal.
func CheckOwnSeal(seal *Seal) error {
	again, err := ParseSeal(seal.Raw)
	if err != nil {
		return err
	}
	switch {
	case again.Shape != Flat || again.Version != written:
		return profile("version of the seal")
	case again.TimeStamp != nil:
		return profile("a time stamp is not written")
	}
	if err := checkStrict(again.MakerCert, again.Info, again.Value); err != nil {
		return err
	}
	return again.rebuilds()
}

// checkStrict verifies a value in the one form we write.
func checkStrict(certificate, message, value []byte) error {
	key, err := KeyOf(certificate)
	if err != nil {
		return err
	}
	if !key.Verify(message, value) {
		return ErrSignature
	}
	return nil
}

func (s *Seal) rebuilds() error {
	info, err := SealInfo(SealSpec{
		Vendor: s.Vendor, Code: s.Code, Type: s.Type, Name: s.Name, Signers: s.CertList.Certs,
		Created: s.Created, ValidFrom: s.ValidFrom, ValidTo: s.ValidTo, Picture: s.Picture, Exts: s.Exts,
	})
	if err != nil {
		return err
	}
	return same(s.Raw, info, s.MakerCert, s.Value)
}

func (s *Signature) rebuilds() error {
	tbs, err := TBS(TBSSpec{
		Seal: s.Seal.Raw, Time: s.Time, DataHash: gm.Digest(s.DataHash), Property: s.Property, Exts: s.Exts,
	})
	if err != nil {
		return err
	}
	return same(s.Raw, tbs, s.SignerCert, s.Value)
}

// same compares a whole structure with the one built anew.
func same(raw, message, certificate, value []byte) error {
	der, err := assemble(message, certificate, value)
	if err != nil {
		return err
	}
	if !bytes.Equal(der, raw) {
		return profile("bytes differ from what would be written")
	}
	return nil
}

func profile(what string) error { return fmt.Errorf("%w: %s", ErrProfile, what) }
