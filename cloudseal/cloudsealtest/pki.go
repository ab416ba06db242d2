package cloudsealtest

import (
	"testing"
	"time"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
)

// Host is the issuer of all statements.
const Host = "seal.example.cn"

// PKI is a root, an issuing authority, a seal maker, and the keys of the
// enrolment authority and of the status list.
type PKI struct {
	Root, Issuing                     *ca.Issuer
	MakerKey, AuthorityKey, StatusKey *gm.PrivateKey
	MakerCertificate                  []byte
}

// Key makes a key pair.
func Key(t testing.TB) *gm.PrivateKey {
	t.Helper()
	k, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// NewPKI makes a PKI that is valid for ten years around Start.
func NewPKI(t testing.TB) *PKI {
	t.Helper()
	period := ca.Period{From: Start.Add(-24 * time.Hour), To: Start.Add(10 * 365 * 24 * time.Hour)}
	p := &PKI{MakerKey: Key(t), AuthorityKey: Key(t), StatusKey: Key(t)}
	var err error
	if p.Root, err = ca.NewRoot(Key(t), ca.Name{Organization: "示例市政务服务局", CommonName: "示例根证书"}, period); err != nil {
		t.Fatal(err)
	}
	if p.Issuing, err = ca.NewIssuing(p.Root, Key(t), ca.Name{Organization: "示例市政务服务局", CommonName: "示例签发证书"}, period); err != nil {
		t.Fatal(err)
	}
	maker := ca.MakerSubject{USCC: "11370306MB2867521U", Name: "示例市政务服务局", System: "示例电子印章制作系统"}
	if p.MakerCertificate, err = p.Issuing.IssueMaker(maker, p.MakerKey.Public(), period); err != nil {
		t.Fatal(err)
	}
	return p
}

// Chains is the trust in the root.
func (p *PKI) Chains(t testing.TB) *ca.Trust {
	t.Helper()
	chains, err := ca.NewTrust([][]byte{p.Issuing.Certificate()}, [][]byte{p.Root.Certificate()})
	if err != nil {
		t.Fatal(err)
	}
	return chains
}
