package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// Every node is restarted, one after the other, while a request waits to be
// approved: its page is closed with 1012 and comes back on another node, and the
// request goes on as if nothing had been.
func TestRollingRestartLosesNothing(t *testing.T) {
	t.Parallel()
	k := newCluster(t, mongotest.Start(t, mongotest.Options{}), 2, 10)
	for i := range 2 {
		k.startInner(t, i, app.Options{})
	}
	k.at(t, drive.Net{Addr: k.configs[0].Listen}) // the page begins on the node that goes first
	r, _ := k.ask(t, k.system, "rolling")
	k.spread(t)
	w := &waiting{net: k.Net, origin: k.system.Origin, url: r.Opened.SocketURL, page: r.Page}
	scan, err := drive.Claim(t.Context(), k.agent, r)
	check(t, err)
	err = k.agent.Look(t.Context(), scan)
	check(t, err)
	for i := range 2 {
		k.restartInner(t, i, app.Options{})
	}
	_, err = r.Page.Wait(t.Context(), func(drive.Message) bool { return false })
	if err == nil || !strings.Contains(err.Error(), "1012") {
		t.Errorf("the page of the first node: %v", err)
	}
	m, err := w.wait(t.Context(), func(m drive.Message) bool { return m.Type == "claimed" && m.Match != "" })
	check(t, err)
	u, err := k.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	_, err = u.Approve(t.Context(), scan, m.Match)
	check(t, err)
	m, err = w.wait(t.Context(), func(m drive.Message) bool { return m.ResultCode != "" || m.Type == "ended" })
	check(t, err)
	_, err = k.system.Redeem(t.Context(), r.Ticket, m.ResultCode, r.Verifier)
	check(t, err)
	w.keep()
}

// A node with other keys is refused by the database, whichever folder it has.
func TestNodeWithOtherKeysDoesNotStart(t *testing.T) {
	t.Parallel()
	k := newCluster(t, mongotest.Start(t, mongotest.Options{}), 1, 10)
	c := k.configs[0]
	c.KeysDir = t.TempDir()
	check(t, app.NewSecrets(c.KeysDir, app.Operator{Name: "另一中心", USCC: "12100000000018032A"}, time.Now()))
	a, err := app.New(c, app.Options{})
	if err == nil {
		_ = a.Close()
		t.Fatal("it started")
	}
	if !strings.Contains(err.Error(), "made with other keys") || !strings.Contains(err.Error(), c.KeysDir) {
		t.Errorf("%v", err)
	}
}

// A node whose database is away says that it is not ready, and is again when the
// database is there.
func TestReadinessAsksTheDatabase(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	base, c, _ := startWith(t, t.TempDir(), app.Options{}, func(c *config.Config) { c.Store = storetest.On(t, set) })
	ready := func() bool {
		status, _ := get(t, base, c.Sites.App, "/readyz")
		return status == http.StatusOK
	}
	waitFor(t, "the first start", ready)
	for i := range set.Members() {
		set.Kill(i)
	}
	waitFor(t, "that both stores are missed", func() bool {
		status, body := get(t, base, c.Sites.App, "/readyz")
		return status == http.StatusServiceUnavailable && strings.Contains(body, `"failing":["store","signer"]`)
	})
	for i := range set.Members() {
		set.Restart(t, i)
	}
	waitFor(t, "readiness with a database", ready)
}

// A node that hears nothing says so and goes on working.
func TestDeafNodeIsStale(t *testing.T) {
	t.Parallel()
	base, c, a := start(t, app.Options{})
	if status, body := get(t, base, c.Sites.App, "/readyz"); status != http.StatusOK || strings.Contains(body, "stale") {
		t.Errorf("at first: %d %s", status, body)
	}
	waitFor(t, "that it says so", func() bool { // a beat may come in between
		a.Deafen()
		status, body := get(t, base, c.Sites.App, "/readyz")
		return status == http.StatusOK && strings.Contains(body, `"stale":["events"]`)
	})
}

// Whoever watches several nodes reads each one's figures by its address, with the
// token; without one they are this machine's, under a name of ours.
func TestFiguresByAddress(t *testing.T) {
	t.Parallel()
	const elsewhere = "http://10.0.0.7:8080"
	open, _, _ := start(t, app.Options{})
	if status, _ := get(t, open, elsewhere, "/metrics"); status != http.StatusForbidden {
		t.Errorf("without a token: %d", status)
	}
	base, _, _ := startWith(t, t.TempDir(), app.Options{}, func(c *config.Config) { c.Log.MetricsToken = "s3cret" })
	if status, _ := get(t, base, elsewhere, "/metrics"); status != http.StatusUnauthorized {
		t.Errorf("without the token: %d", status)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/metrics", nil)
	check(t, err)
	r.Host = "10.0.0.7:8080"
	r.Header.Set("Authorization", "Bearer s3cret")
	answer, err := http.DefaultClient.Do(r)
	check(t, err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("with the token: %d", answer.StatusCode)
	}
}
