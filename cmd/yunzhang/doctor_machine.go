package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// earliest is a time before which no clock of ours can be: this program was
// written after it.
var earliest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// clock holds the machine's clock against the newest record of the stores,
// which they do themselves when they are opened. Folders that are not there are
// not made for that.
func (p *patient) clock() {
	if p.now().Before(earliest) {
		p.ill("clock", p.when(p.now()), "系统时间不对，请校时（NTP）", "the clock of this machine is wrong; set it (NTP)")
		return
	}
	for _, dir := range []string{p.cfg.DataDir, filepath.Join(p.cfg.DataDir, "signer")} {
		if _, err := os.Stat(filepath.Join(dir, "store.db")); err != nil {
			continue
		}
		store, err := embedded.Open(dir, embedded.Options{Now: p.now})
		switch {
		case err == nil:
			if err := store.Close(); err != nil {
				p.ill("store", err.Error(), "检查 %s 所在的磁盘", "look at the disk of %s", dir)
			}
		case strings.Contains(err.Error(), "in use"):
			p.well("clock", "服务正在运行，时钟由服务检查", "a server is running and has checked the clock")
			return
		case strings.Contains(err.Error(), "clock"):
			p.ill("clock", err.Error(), "请校时（NTP）后再启动", "set the clock (NTP), then start")
			return
		default:
			p.ill("store", err.Error(), "从备份恢复 %s", "restore %s from a backup", dir)
			return
		}
	}
	p.well("clock", "时钟不早于最新的记录", "the clock is not behind the newest record")
}

// folders: the data folder can be written by us and read by nobody else.
func (p *patient) folders() {
	dir := p.cfg.DataDir
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		p.parent(dir)
		return
	}
	switch {
	case err != nil:
		p.ill("folders", err.Error(), "检查权限", "look at the rights of the folder")
	case !info.IsDir():
		p.ill("folders", dir, "data_dir 不是目录", "data_dir is not a folder")
	case info.Mode().Perm()&0o077 != 0:
		p.ill("folders", dir+" "+info.Mode().Perm().String(), "其他用户可以进入数据目录：chmod 700 %s", "others can enter the data folder: chmod 700 %s", dir)
	case !writable(dir):
		p.ill("folders", dir, "无法写入：让运行服务的用户拥有它（chown）", "it cannot be written: give it to the user of the server (chown)")
	default:
		p.well("folders", "数据目录 %s 只有本用户可读写", "the data folder %s is ours alone", dir)
	}
}

// parent looks at where the data folder will be made.
func (p *patient) parent(dir string) {
	parent := filepath.Dir(dir)
	for {
		if _, err := os.Stat(parent); err == nil || filepath.Dir(parent) == parent {
			break
		}
		parent = filepath.Dir(parent)
	}
	if !writable(parent) {
		p.ill("folders", dir, "无法在 %s 下建立数据目录", "the data folder cannot be made below %s", parent)
		return
	}
	p.well("folders", "数据目录 %s 将在启动时建立", "the data folder %s will be made at the start", dir)
}

func writable(dir string) bool {
	f, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return false
	}
	_ = f.Close()
	return os.Remove(f.Name()) == nil
}

// port: nobody has it, or a server of ours has.
func (p *patient) port() {
	ln, err := net.Listen("tcp", p.cfg.Listen)
	if err == nil {
		_ = ln.Close()
		p.well("port", "%s 空闲", "%s is free", p.cfg.Listen)
		return
	}
	if p.alive() {
		p.well("port", "%s 上有正在运行的服务", "a server answers on %s", p.cfg.Listen)
		return
	}
	p.ill("port", err.Error(), "停掉占用端口的程序，或修改 listen", "stop what uses the port, or change listen")
}

// alive asks whatever listens whether it is healthy, as a probe does.
func (p *patient) alive() bool {
	scheme := "http"
	if p.cfg.TLS.Cert != "" {
		scheme = "https"
	}
	// A probe comes by address: what the certificate says is looked at elsewhere.
	c := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} //nolint:gosec // health only
	res, err := c.Get(scheme + "://" + p.cfg.Listen + "/healthz")
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// certificateSoon is how long before its end a certificate is called ill.
const certificateSoon = 14 * 24 * time.Hour

// certificate: the web certificate is there, not near its end, and for our names.
func (p *patient) certificate() {
	if p.cfg.TLS.Cert == "" {
		p.well("tls", "TLS 由前面的代理负责", "a proxy in front does TLS, or this is a trial")
		return
	}
	pair, err := tls.LoadX509KeyPair(p.cfg.TLS.Cert, p.cfg.TLS.Key)
	if err != nil {
		p.ill("tls", err.Error(), "检查 tls.cert 和 tls.key", "look at tls.cert and tls.key")
		return
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		p.ill("tls", err.Error(), "换一张证书", "get another certificate")
		return
	}
	now := p.now()
	if now.Before(leaf.NotBefore) || now.Add(certificateSoon).After(leaf.NotAfter) {
		p.ill("tls", p.when(leaf.NotBefore)+" – "+p.when(leaf.NotAfter), "证书不在有效期内或即将到期，请更换", "the certificate is not in force or ends soon; renew it")
		return
	}
	s := p.cfg.Sites
	for _, origin := range []string{s.App, s.Portal, s.Verify, s.Sockets} {
		if u, err := url.Parse(origin); err == nil && leaf.VerifyHostname(u.Hostname()) != nil {
			p.ill("tls", u.Hostname(), "证书不包含这个域名", "the certificate is not for this name")
			return
		}
	}
	p.well("tls", "证书有效至 %s", "the certificate is good until %s", p.when(leaf.NotAfter))
}
