package app_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// ear is a log that is listened to.
type ear struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.Write(p)
}

func (e *ear) text() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.b.String()
}

// secretsOf is everything about a request that opens something.
func secretsOf(r *drive.Request, code string) map[string]string {
	all := map[string]string{"page token": r.Opened.PageToken, "result code": strings.TrimPrefix(code, "rc_"), "verifier": string(r.Verifier)}
	for _, m := range r.Page.Seen() {
		if m.Resume != "" {
			all["resume token"] = m.Resume
		}
		if _, parts, ok := strings.Cut(m.QR, "#1."); ok {
			fields := strings.Split(parts, ".")
			all["handle"], all["frame proof"] = fields[0], fields[2]
		}
	}
	for name, token := range all {
		if i := strings.LastIndex(token, "."); strings.HasSuffix(name, "token") && i > 0 {
			all[name] = token[i+1:] // the ticket in front of it is no secret
		}
	}
	return all
}

// AT-059: the whole job and some refusals, with every line of the log written
// down: no token, handle, code, PIN, name or number of anybody is in it, in any
// spelling, and none in the figures either.
func TestAT059LogsTellNothing(t *testing.T) {
	t.Parallel()
	log := &ear{}
	p := newParty(t, 5, app.Options{Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	company, agent := drive.Company(), drive.Agent()
	secrets := map[string]string{
		"PIN": drive.PIN, "legal representative": company.Legal.Name, "his number": company.Legal.IDNumber, "his phone": company.Legal.Phone,
		"agent": agent.Name, "agent's number": agent.IDNumber, "agent's phone": agent.Phone, "title": "参保登记表", "account": "acct-of-somebody",
	}
	p.bound(t, "acct-of-somebody")
	r, _ := p.ask(t, p.system, "acct-of-somebody")
	check(t, drive.Confirm(t.Context(), p.agent, r))
	code, err := r.Page.Result(t.Context())
	check(t, err)
	_, err = p.system.Redeem(t.Context(), r.Ticket, code, r.Verifier)
	check(t, err)
	for name, secret := range secretsOf(r, code) {
		secrets["stamp's "+name] = secret
	}
	caught := p.login(t)
	check(t, drive.Confirm(t.Context(), p.agent, caught))
	code, err = caught.Page.Result(t.Context())
	check(t, err)
	other, _ := ds.Verifier()
	_, err = p.system.Redeem(t.Context(), caught.Ticket, code, other)
	wantCode(t, err, "verifier")
	for name, secret := range secretsOf(caught, code) {
		secrets["log-in's "+name] = secret
	}
	(&attacker{party: p}).browse(t.Context(), p.Config.Sites.Demo, "tkt."+caught.Opened.PageToken)
	_, err = p.agent.Unlock(t.Context(), "wrong-pin1")
	wantCode(t, err, "pin-wrong")
	secrets["wrong PIN"] = "wrong-pin1"

	_, figures := get(t, "http://"+p.Net.Addr, p.Config.Sites.App, "/metrics")
	all := log.text() + figures
	if !strings.Contains(all, "/v1/claims") || !strings.Contains(all, caught.Ticket) {
		t.Fatal("the log is not listened to")
	}
	for name, secret := range secrets {
		for _, spelled := range []string{secret, hex.EncodeToString([]byte(secret)), base64.RawURLEncoding.EncodeToString([]byte(secret))} {
			if len(spelled) > 1 && strings.Contains(all, spelled) {
				t.Errorf("the %s is in the log", name)
			}
		}
	}
}

// AT-068: every byte that comes to a page during a stamp, up to its result: no
// full name, no phone number, no word of the document.
func TestAT068PagesLearnNoNames(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, _ := p.ask(t, p.system, "page")
	hello := r.Page.Seen()
	for len(hello) == 0 || hello[0].Resume == "" {
		_, err := r.Page.Wait(t.Context(), func(m drive.Message) bool { return m.Resume != "" })
		check(t, err)
		hello = r.Page.Seen()
	}
	frame, err := r.Page.Frame(t.Context()) // now: the tap takes the page's place
	check(t, err)
	status, tap := (&attacker{party: p}).browse(t.Context(), p.Config.Sites.Demo, "res."+hello[0].Resume)
	if status != http.StatusSwitchingProtocols {
		t.Fatal(status)
	}
	check(t, tap.conn.WriteMessage(1, []byte(`{"v":1,"type":"ack","seq":0}`)))
	scan, err := p.agent.Scan(t.Context(), frame)
	check(t, err)
	err = p.agent.Look(t.Context(), scan)
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, tap.number(t))
	check(t, err)
	<-tap.done // the page is told of the result, and closed
	all := tap.text()
	if !strings.Contains(all, `"type":"done"`) || !strings.Contains(all, `"who":"李*（尾号 34 的手机）"`) {
		t.Fatalf("the traffic is not complete: %s", all)
	}
	agent, legal := drive.Agent(), drive.Company().Legal
	for name, word := range map[string]string{
		"name": agent.Name, "phone": agent.Phone, "number": agent.IDNumber, "legal representative": legal.Name, "title": "参保登记表",
		"person": p.agent.Person(), "device": p.agent.Device(), "organization": drive.Company().Name, "account": `"page"`,
	} {
		if strings.Contains(all, word) {
			t.Errorf("the page is told the %s", name)
		}
	}
}

// number waits for the number in the traffic.
func (s *wire) number(t *testing.T) string {
	t.Helper()
	for t.Context().Err() == nil {
		if _, after, ok := strings.Cut(s.text(), `"match":"`); ok {
			return after[:3]
		}
		pauseFor(t.Context(), 5e6)
	}
	t.Fatal("no number came")
	return ""
}

// AT-011: somebody's program fires the address of a good code at everything that
// answers: as a link in all its forms, and as a request for the call that claims.
// Without a device's own proof nothing is claimed.
func TestAT011LinksClaimNothing(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "link")
	frame, err := r.Page.Frame(t.Context())
	check(t, err)
	_, tail, _ := strings.Cut(frame, "#")
	parts := strings.Split(tail, ".")
	body := `{"handle":"` + parts[1] + `","n":` + parts[2] + `,"mac":"` + parts[3] + `"}`
	for _, site := range []string{p.Config.Sites.App, p.Config.Sites.Verify, p.Config.Sites.Portal, p.Config.Sites.Sockets} {
		for _, path := range []string{"/q", "/q?" + tail, "/q/" + tail, "/v1/claims?" + tail, "/v1/claims/" + tail, "/?code=" + tail} {
			get(t, "http://"+p.Net.Addr, site, path)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+p.Net.Addr+path, strings.NewReader(body))
			check(t, err)
			req.Host = strings.TrimPrefix(site, "http://")
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Idempotency-Key", strings.Repeat("k", 30))
			answer, err := http.DefaultClient.Do(req)
			check(t, err)
			if answer.Body.Close(); answer.StatusCode < 400 {
				t.Errorf("POST %s%s: %d", site, path, answer.StatusCode)
			}
		}
	}
	p.state(t, r, "open")
	p.untouched(t, p.system, doc, 5)
	check(t, drive.Confirm(t.Context(), p.agent, r))
}
