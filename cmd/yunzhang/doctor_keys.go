package main

import (
	"errors"
	"os"
	"strings"
	"time"

	"github.com/emmansun/gmsm/smx509"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/app"
)

// keys: all there, readable by nobody else, and each certificate is the one of
// its key and leads to the root for as long as seals are issued under it.
func (p *patient) keys() {
	if err := gm.SelfTest(); err != nil {
		p.ill("keys", err.Error(), "算法自检失败：这台机器不能用", "the algorithms fail their self test: do not use this machine")
		return
	}
	dir := p.cfg.KeysDir
	if info, err := os.Stat(dir); err == nil && info.Mode().Perm()&0o077 != 0 {
		p.ill("keys", dir+" "+info.Mode().Perm().String(), "其他用户可以进入密钥目录：chmod 700 %s", "others can enter the keys folder: chmod 700 %s", dir)
	}
	if !app.HasSecrets(dir) {
		p.ill("keys", dir, "没有密钥：运行 yunzhang init，或放回备份", "there are no keys: run yunzhang init, or put the copy back")
		return
	}
	s, err := app.LoadSecrets(dir)
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			p.ill("keys", strings.TrimSpace(line), "放回备份，或按上面的提示改权限", "put the copy back, or set the rights as said")
		}
		return
	}
	p.well("keys", "密钥齐全（指纹 %s）", "the keys are complete (fingerprint %s)", s.Fingerprint())
	p.authorities(s)
}

func (p *patient) authorities(s *app.Secrets) {
	for name, pair := range map[string]struct {
		cert []byte
		key  *gm.PrivateKey
	}{"issuing-ca": {s.IssuingCert, s.Issuing}, "maker": {s.MakerCert, s.Maker}} {
		if err := matchesKey(pair.cert, pair.key); err != nil {
			p.ill("certificates", name+": "+err.Error(), "放回同一份备份里的证书和密钥", "put certificate and key of one copy back")
			return
		}
	}
	trust, err := ca.NewTrust([][]byte{s.IssuingCert}, [][]byte{s.RootCert})
	if err != nil {
		p.ill("certificates", err.Error(), "放回根证书的备份", "put the copy of the root certificate back")
		return
	}
	// A seal issued now is used until the end of its validity.
	last := p.now().Add(p.cfg.Lifetimes.Seal.D())
	for _, at := range []time.Time{p.now(), last} {
		if _, err := trust.Verify(s.MakerCert, at); err != nil {
			p.ill("certificates", p.when(at)+": "+err.Error(), "制章或签发证书届时无效：换发证书", "the authorities are not in force then: issue new ones")
			return
		}
	}
	p.well("certificates", "制章和签发证书有效期长于新印章（%s）", "the authorities outlast every seal issued now (%s)", p.when(last))
}

func matchesKey(der []byte, key *gm.PrivateKey) error {
	cert, err := smx509.ParseCertificate(der)
	if err != nil {
		return err
	}
	public, err := gm.PublicKeyOf(cert)
	if err != nil {
		return err
	}
	if !public.Equal(key.Public()) {
		return errors.New("the certificate is of another key")
	}
	return nil
}
