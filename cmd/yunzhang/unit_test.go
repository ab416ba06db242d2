package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/qrflow/qr"
	"yunzhang.dev/web/console"
)

func TestLanguage(t *testing.T) {
	t.Parallel()
	for want, environ := range map[string][]string{
		"en": nil,
		"zh": {"LANG=zh_CN.UTF-8"},
	} {
		if e := newEnv("", nil, io.Discard, io.Discard, environ); e.lang != want {
			t.Errorf("%v: %s", environ, e.lang)
		}
	}
	if e := newEnv("", nil, io.Discard, io.Discard, []string{"LANG=zh_CN", "LC_ALL=en_US"}); e.lang != "en" {
		t.Errorf("LC_ALL does not win: %s", e.lang)
	}
	if e := newEnv("zh", nil, io.Discard, io.Discard, []string{"LANG=en_US"}); e.lang != "zh" {
		t.Errorf("the flag does not win: %s", e.lang)
	}
}

// silent is somebody who types nothing.
type silent struct{ ended chan struct{} }

func (s silent) Read([]byte) (int, error) {
	<-s.ended
	return 0, io.EOF
}

func TestAnInterruptEndsAQuestion(t *testing.T) {
	t.Parallel()
	s := silent{make(chan struct{})}
	defer close(s.ended)
	e := newEnv("en", s, io.Discard, io.Discard, nil)
	ctx, interrupt := context.WithCancel(t.Context())
	e.ctx = ctx
	interrupt()
	if _, err := e.ask("PIN: "); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	var told bytes.Buffer
	e.err = &told
	if status := e.fail(context.Canceled); status != exitFailed || !strings.Contains(told.String(), "interrupted") {
		t.Errorf("%d %s", status, told.String())
	}
}

func TestAnswersAreLines(t *testing.T) {
	t.Parallel()
	e := newEnv("en", strings.NewReader(" 417 \nlast"), io.Discard, io.Discard, nil)
	for _, want := range []string{"417", "last"} {
		if got, err := e.ask("? "); err != nil || got != want {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := e.secret("PIN: "); !errors.Is(err, errNoInput) {
		t.Error(err)
	}
}

// A written configuration is read back as the same.
func TestConfigurationFile(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Sandbox.Enabled, c.Production = true, false
	c.DataDir, c.KeysDir, c.Listen = "/var/a", "/var/b", "127.0.0.1:9"
	c.Sites = config.Sites{Issuer: "seal.localhost", App: "http://app.localhost", Portal: "http://p.localhost", Verify: "http://v.localhost", Sockets: "http://w.localhost"}
	c.TLS.TrustedProxies = []string{"10.0.0.0/8"}
	c.Lifetimes.Open = config.Duration(90 * time.Second)
	b, err := configFile(c)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := config.Load(path, nil)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%v\n%+v\n%+v\n%s", err, got, c, b)
	}
	values := map[string]reflect.Value{}
	collect(values, reflect.ValueOf(c), "")
	for key := range values {
		name := key[strings.LastIndex(key, ".")+1:]
		if !bytes.Contains(b, []byte("\n"+name+" = ")) && !bytes.Contains(b, []byte("\n#"+name+" = ")) {
			t.Errorf("%s is missing", key)
		}
	}
}

func TestDrawings(t *testing.T) {
	t.Parallel()
	const text = "https://verify.example.cn/q#1.oKGio6SlpqeoqaqrrK2urw.7.AAECAwQFBgcICQoL"
	code, err := qr.New(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, invert := range []bool{false, true} {
		if got, err := readDrawing("above\n" + code.Text(invert)); err != nil || got != text {
			t.Errorf("invert %v: %q, %v", invert, got, err)
		}
	}
	for _, bad := range []string{"", "no code\n", strings.Repeat("█▀▄ \n", 20)} {
		if got, err := readDrawing(bad); err == nil {
			t.Errorf("%q reads as %q", bad, got)
		}
	}
}

func TestNewestCode(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outbox.jsonl")
	now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	box := notify.NewOutbox(path, func() time.Time { return now })
	for _, m := range []notify.Message{
		{To: "13800138000", Template: notify.PhoneCode, Params: map[string]string{"code": "111111"}},
		{To: "13800138000", Template: notify.PhoneCode, Params: map[string]string{"code": "222222"}},
		{To: "13900139000", Template: notify.PhoneCode, Params: map[string]string{"code": "333333"}},
		{To: "13800138000", Template: notify.AuthorizeAgent, Params: map[string]string{"code": "444444", "name": "李*"}},
	} {
		if err := box.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		template notify.Template
		to, want string
	}{{notify.PhoneCode, "13800138000", "222222"}, {notify.PhoneCode, "", "333333"}, {notify.AuthorizeAgent, "", "444444"}} {
		if got, err := lastCode(path, c.template, c.to); err != nil || got != c.want {
			t.Errorf("%s %s: %s, %v", c.template, c.to, got, err)
		}
	}
	if got, err := lastCode(path, notify.PhoneCode, "13700137000"); err == nil {
		t.Errorf("a code for nobody: %s", got)
	}
}

func TestNamesOfTheServerFollowFromOne(t *testing.T) {
	t.Parallel()
	e := newEnv("en", strings.NewReader(""), io.Discard, io.Discard, nil)
	f := phoneFlags{Dir: t.TempDir(), Server: "https://app.seal.example.cn:8443"}
	if err := f.settle(e); err != nil || f.Issuer != "seal.example.cn" || f.QR != "https://verify.seal.example.cn:8443/q" {
		t.Errorf("%+v, %v", f, err)
	}
	f.Issuer, f.Resolve = "seal.other.cn", "a=b"
	if err := f.keep(); err != nil {
		t.Fatal(err)
	}
	again := phoneFlags{Dir: f.Dir}
	if err := again.settle(e); err != nil || again != f {
		t.Errorf("%+v, %v", again, err)
	}
	var u usageError
	if err := (&phoneFlags{Dir: t.TempDir()}).settle(e); !errors.As(err, &u) {
		t.Error(err)
	}
}

// The operator's device signs what was ordered and nothing else.
func TestOperatorReadsBeforeSigning(t *testing.T) {
	t.Parallel()
	o := &operator{env: newEnv("en", strings.NewReader(""), io.Discard, io.Discard, nil)}
	o.id = operatorIdentity{Person: "us_1", Device: "dv_1", Issuer: "seal.example.cn", Key: gm.SM3([]byte("key"))}
	order := console.Order{Act: cloudseal.ActAccept, Application: "ap_1", Claim: gm.SM3([]byte("claim")), Opinion: statement.Reject, Defects: []string{"缺照片"}}
	subject, err := order.Subject()
	if err != nil {
		t.Fatal(err)
	}
	good := statement.Review{
		Nonce: "Lkf9MYpoxHF-3SPtJ-G1eeVH6el-GBACHsEDZr7VAB4", Issuer: "seal.example.cn", Act: order.Act, Subject: subject, Opinion: statement.Reject,
		Person: statement.Person{ID: "us_1", Name: "陈受理"}, Device: o.id.Key, Note: "缺照片", IssuedAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
	}
	for name, change := range map[string]func(*statement.Review){
		"": func(*statement.Review) {}, "act": func(r *statement.Review) { r.Act = "freeze-seal" },
		"subject": func(r *statement.Review) { r.Subject.ID = "ap_2" }, "order": func(r *statement.Review) { r.Subject.Hash = gm.SM3([]byte("x")) },
		"opinion": func(r *statement.Review) { r.Opinion = statement.Approve }, "note": func(r *statement.Review) { r.Note = "别的" },
		"issuer": func(r *statement.Review) { r.Issuer = "seal.evil.cn" }, "person": func(r *statement.Review) { r.Person.ID = "us_2" },
		"device": func(r *statement.Review) { r.Device = gm.SM3([]byte("y")) },
	} {
		r := good
		change(&r)
		b, err := r.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.read(b, order); (err == nil) != (name == "") {
			t.Errorf("another %q: %v", name, err)
		}
	}
	if _, err := o.read([]byte("cseal-approval/1\n"), order); !errors.Is(err, errOtherStatement) {
		t.Error(err)
	}
}

// trial is a patient with a good sandbox set-up.
func trial(t *testing.T) *patient {
	t.Helper()
	e := newEnv("en", strings.NewReader(""), io.Discard, io.Discard, nil)
	dir := t.TempDir()
	c := config.Default()
	c.Listen, c.DataDir, c.KeysDir, c.Sandbox.Enabled = "127.0.0.1:0", filepath.Join(dir, "data"), filepath.Join(dir, "keys"), true
	c.Sites = config.Sites{Issuer: "seal.localhost", App: "http://app.localhost", Portal: "http://p.localhost", Verify: "http://v.localhost", Sockets: "http://w.localhost"}
	if err := app.NewSecrets(c.KeysDir, sandboxOperator(app.Operator{}), time.Now()); err != nil {
		t.Fatal(err)
	}
	return &patient{env: e, cfg: c}
}

func (p *patient) complaint(t *testing.T, check, text string) {
	t.Helper()
	for _, f := range p.findings {
		if f.Check == check && !f.OK && strings.Contains(f.Text+f.Mend, text) && f.Mend != "" {
			return
		}
	}
	t.Errorf("no complaint of %s about %q: %+v", check, text, p.findings)
}

func TestDoctorSeesAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	p := trial(t)
	node, err := app.New(p.cfg, app.Options{Now: func() time.Time { return time.Now().Add(time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := node.Invite(t.Context(), []string{authz.RoleBusiness}); err != nil {
		t.Fatal(err)
	}
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	p.clock()
	p.complaint(t, "clock", "behind the newest record")
	p.findings, p.now = nil, func() time.Time { return time.Unix(0, 0) }
	p.clock()
	p.complaint(t, "clock", "set it (NTP)")
}

func TestDoctorSeesAuthoritiesThatEndTooSoon(t *testing.T) {
	t.Parallel()
	p := trial(t)
	p.now = func() time.Time { return time.Now().Add(13 * 365 * 24 * time.Hour) } // seals run three years, the maker fifteen
	p.keys()
	p.complaint(t, "certificates", "issue new ones")
}

func TestDoctorLooksAtTheWebCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	names := []string{"app.localhost", "p.localhost", "v.localhost", "w.localhost"}
	for name, c := range map[string]struct {
		from, to time.Time
		names    []string
		text     string // "" for a good one
	}{
		"good":      {now.Add(-time.Hour), now.Add(90 * 24 * time.Hour), names, ""},
		"ended":     {now.Add(-time.Hour), now.Add(-time.Minute), names, "renew it"},
		"ends soon": {now.Add(-time.Hour), now.Add(24 * time.Hour), names, "renew it"},
		"not yet":   {now.Add(time.Hour), now.Add(90 * 24 * time.Hour), names, "renew it"},
		"names":     {now.Add(-time.Hour), now.Add(90 * 24 * time.Hour), names[:2], "v.localhost"},
	} {
		p := trial(t)
		p.cfg.TLS.Cert, p.cfg.TLS.Key = webCertificate(t, c.from, c.to, c.names)
		p.certificate()
		if c.text != "" {
			p.complaint(t, "tls", c.text)
		} else if len(p.findings) != 1 || !p.findings[0].OK {
			t.Errorf("%s: %+v", name, p.findings)
		}
	}
	p := trial(t)
	p.cfg.TLS.Cert, p.cfg.TLS.Key = "nothing.pem", "nothing.key"
	p.certificate()
	p.complaint(t, "tls", "nothing.pem")
}

func webCertificate(t *testing.T, from, to time.Time, names []string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: to, DNSNames: names}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
