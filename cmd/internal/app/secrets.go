package app

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"yunzhang.dev/cloudseal/gm"
)

// Files of the keys folder. It is not part of the data folder, and a copy of
// the data folder without it seals nothing and forges nothing.
const (
	clusterFile   = "cluster.key"   // 32 bytes: tokens, field encryption, keyed hashes
	signerFile    = "signer.key"    // 48 bytes: key-encryption key and row key of the signer
	authorityFile = "authority.p8"  // signs enrolments and representations
	statusFile    = "status.p8"     // signs status lists
	rootKeyFile   = "root-ca.p8"    // signs the issuing CA; may be taken offline
	rootFile      = "root-ca.der"   // its certificate: what verifiers trust
	issuingKey    = "issuing-ca.p8" // signs seal certificates
	issuingFile   = "issuing-ca.der"
	makerKeyFile  = "maker.p8" // signs seals (制章人)
	makerFile     = "maker.der"

	clusterSize = 32
	signerSize  = 16 + 32
)

// Secrets is everything that stands in the keys folder.
type Secrets struct {
	cluster []byte
	kek     []byte
	rowKey  []byte

	Authority, Status, Issuing, Maker *gm.PrivateKey

	RootCert, IssuingCert, MakerCert []byte // DER
}

// derive gives a 32-byte key for one use of the cluster secret.
func (s *Secrets) derive(use string) []byte { return gm.Derive(s.cluster, "yunzhang/1", []byte(use)) }

// Class gives the field-encryption key of a class (store.Keys).
func (s *Secrets) Class(class string) ([]byte, error) {
	return s.derive("field " + class)[:16], nil
}

// Blind makes a keyed hash for look-ups (authz.Blinder).
func (s *Secrets) Blind(class, value string) string {
	return gm.HMAC(s.derive("blind "+class), []byte(value)).Hex()
}

// LoadSecrets reads the keys folder and refuses files that others can read.
func LoadSecrets(dir string) (*Secrets, error) {
	s := &Secrets{}
	var err error
	read := func(name string, private bool) []byte {
		b, e := readKeyFile(filepath.Join(dir, name), private)
		err = errors.Join(err, e)
		return b
	}
	s.cluster = read(clusterFile, true)
	signer := read(signerFile, true)
	s.RootCert, s.IssuingCert, s.MakerCert = read(rootFile, false), read(issuingFile, false), read(makerFile, false)
	key := func(name string) *gm.PrivateKey {
		b := read(name, true)
		if err != nil {
			return nil
		}
		k, e := gm.ParsePrivateKey(b)
		if e != nil {
			err = fmt.Errorf("%s: %w", filepath.Join(dir, name), e)
		}
		return k
	}
	s.Authority, s.Status, s.Issuing, s.Maker = key(authorityFile), key(statusFile), key(issuingKey), key(makerKeyFile)
	if err != nil {
		return nil, fmt.Errorf("keys folder: %w", err)
	}
	if len(s.cluster) != clusterSize || len(signer) != signerSize {
		return nil, fmt.Errorf("keys folder %s: %s or %s has the wrong length", dir, clusterFile, signerFile)
	}
	s.kek, s.rowKey = signer[:16], signer[16:]
	return s, nil
}

func readKeyFile(path string, private bool) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if private && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %#o): chmod 600 it", path, info.Mode().Perm())
	}
	return os.ReadFile(path)
}

// HasSecrets reports whether a keys folder was made before.
func HasSecrets(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, clusterFile))
	return !errors.Is(err, fs.ErrNotExist)
}

// writeKeyFile writes a new file durably and never over an old one: a key that
// is lost cannot be had again.
func writeKeyFile(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// Fingerprint names the keys of the folder, all of them together, in logs, in
// doctor and in the stores that were made with them, without giving anything
// away. Certificates are left out: they are renewed.
func (s *Secrets) Fingerprint() string {
	parts := [][]byte{[]byte("fingerprint"), s.kek, s.rowKey}
	for _, k := range []*gm.PrivateKey{s.Authority, s.Status, s.Issuing, s.Maker} {
		parts = append(parts, k.Public().SPKI())
	}
	return hex.EncodeToString(gm.Derive(s.cluster, "yunzhang/1", parts...)[:8])
}
