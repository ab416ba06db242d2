package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
)

// Validities of the system's own certificates. A seal is valid for three
// years, so the authority above it must outlive every seal it issues.
const (
	rootValidity    = 30 * 365 * 24 * time.Hour
	issuingValidity = 20 * 365 * 24 * time.Hour
	makerValidity   = 15 * 365 * 24 * time.Hour
)

// Operator is the organization that runs the system: it is named in the
// certificates of its authorities and of its making system.
type Operator struct {
	Name string
	USCC string
}

// NewSecrets makes a keys folder: cluster secret, signer keys, authorities and
// their certificates. It refuses a folder that has one already, since what is
// sealed and enrolled under the old keys would be lost.
func NewSecrets(dir string, op Operator, now time.Time) error {
	if HasSecrets(dir) {
		return fmt.Errorf("keys folder %s: there are keys already; they are never overwritten", dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	files, err := makeFiles(op, now)
	if err != nil {
		return err
	}
	// The cluster secret goes last: a folder that has it is complete.
	for _, f := range files {
		if err := writeKeyFile(filepath.Join(dir, f.name), f.bytes); err != nil {
			return fmt.Errorf("keys folder: %w", err)
		}
	}
	return syncDir(dir)
}

type keyFile struct {
	name  string
	bytes []byte
}

func makeFiles(op Operator, now time.Time) ([]keyFile, error) {
	keys := map[string]*gm.PrivateKey{}
	for _, name := range []string{authorityFile, statusFile, rootKeyFile, issuingKey, makerKeyFile} {
		k, err := gm.GenerateKey()
		if err != nil {
			return nil, err
		}
		keys[name] = k
	}
	from := now.Add(-time.Hour) // clocks of verifiers may be a little behind
	root, err := ca.NewRoot(keys[rootKeyFile], ca.Name{Organization: op.Name, CommonName: "Yunzhang Root CA"}, ca.Period{From: from, To: now.Add(rootValidity)})
	if err != nil {
		return nil, err
	}
	issuing, err := ca.NewIssuing(root, keys[issuingKey], ca.Name{Organization: op.Name, CommonName: "Yunzhang Issuing CA"}, ca.Period{From: from, To: now.Add(issuingValidity)})
	if err != nil {
		return nil, err
	}
	maker, err := issuing.IssueMaker(ca.MakerSubject{USCC: op.USCC, Name: op.Name, System: op.Name + "电子印章制作系统"},
		keys[makerKeyFile].Public(), ca.Period{From: from, To: now.Add(makerValidity)})
	if err != nil {
		return nil, err
	}
	files := []keyFile{
		{rootFile, root.Certificate()}, {issuingFile, issuing.Certificate()}, {makerFile, maker},
		{signerFile, gm.Random(signerSize)},
	}
	for name, k := range keys {
		files = append(files, keyFile{name, k.PKCS8()})
	}
	return append(files, keyFile{clusterFile, gm.Random(clusterSize)}), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
