package ca_test

import (
	"testing"
	"time"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
)

func day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

func newKey(t testing.TB) *gm.PrivateKey {
	t.Helper()
	key, err := gm.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// tree is a root, an issuing authority and one certificate of either kind.
type tree struct {
	root, issuing *ca.Issuer
	sealKey       *gm.PrivateKey
	seal, maker   []byte
}

var (
	company  = ca.SealSubject{Code: "33010600000001", USCC: "91330100799655058B", Name: "示例科技有限公司"}
	making   = ca.MakerSubject{USCC: "12100000000018032A", Name: "示例市数据局", System: "示例市电子印章制作系统"}
	twoYears = ca.Period{From: day(2026, 1, 1), To: day(2028, 1, 1)}
)

func newTree(t testing.TB) tree {
	t.Helper()
	var w tree
	var err error
	w.root, err = ca.NewRoot(newKey(t), ca.Name{Organization: "示例市", CommonName: "示例市电子印章根"}, ca.Period{From: day(2025, 1, 1), To: day(2055, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	w.issuing, err = ca.NewIssuing(w.root, newKey(t), ca.Name{Organization: "示例市", CommonName: "SEAL CA 1"}, ca.Period{From: day(2025, 6, 1), To: day(2040, 1, 1)})
	if err != nil {
		t.Fatal(err)
	}
	w.issuing.Publish = ca.Points{CRL: "https://status.example.gov.cn/crl", OCSP: "https://status.example.gov.cn/ocsp"}
	w.sealKey = newKey(t)
	w.seal, err = w.issuing.IssueSealCertificate(company, w.sealKey.Public(), twoYears)
	if err != nil {
		t.Fatal(err)
	}
	w.maker, err = w.issuing.IssueMaker(making, newKey(t).Public(), twoYears)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w tree) trust(t testing.TB) *ca.Trust {
	t.Helper()
	trust, err := ca.NewTrust([][]byte{w.issuing.Certificate()}, [][]byte{w.root.Certificate()})
	if err != nil {
		t.Fatal(err)
	}
	return trust
}
