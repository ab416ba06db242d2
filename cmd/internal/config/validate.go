package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"yunzhang.dev/authz/statement"
)

// Validate says everything that is wrong at once, each with the key, what is
// wrong with its value, and the mend.
func (c *Config) Validate() error {
	return errors.Join(c.checkListen(), c.checkFolders(), c.checkStore(), c.checkSites(), c.checkTLS(), c.checkLog(), c.checkNumbers(), c.checkLifetimes(), c.checkRisk())
}

func wrong(key, format string, args ...any) error {
	return fmt.Errorf("%s: %s", key, fmt.Sprintf(format, args...))
}

func (c *Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return wrong("listen", "%q is no address; write host:port, such as 127.0.0.1:8080", c.Listen)
	}
	switch {
	case c.Sandbox.Enabled && c.Production:
		return wrong("sandbox.enabled", "the sandbox is refused with production = true; switch one of them off")
	case c.Sandbox.LAN && !c.Sandbox.Enabled:
		return wrong("sandbox.lan", "means nothing without sandbox.enabled")
	case c.Sandbox.Enabled && !c.Sandbox.LAN && !isLoopback(host):
		return wrong("listen", "%q can be reached by others, and the sandbox believes everybody; listen on 127.0.0.1", c.Listen)
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func (c *Config) checkFolders() error {
	data, err := filepath.Abs(c.DataDir)
	if err != nil || c.DataDir == "" {
		return wrong("data_dir", "name a folder")
	}
	keys, err := filepath.Abs(c.KeysDir)
	if err != nil || c.KeysDir == "" {
		return wrong("keys_dir", "name a folder")
	}
	if within(resolved(keys), resolved(data)) || within(resolved(data), resolved(keys)) {
		return wrong("keys_dir", "%s and data_dir %s lie in one another: a copy of the data must not hold what opens it; put the keys elsewhere", c.KeysDir, c.DataDir)
	}
	return nil
}

// resolved follows symbolic links as far as the path exists, so that a link
// does not hide that two folders are one.
func resolved(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	return filepath.Join(resolvedParent(path), filepath.Base(path))
}

func resolvedParent(path string) string {
	parent := filepath.Dir(path)
	if parent == path {
		return path
	}
	return resolved(parent)
}

func within(inner, outer string) bool {
	rel, err := filepath.Rel(outer, inner)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

func (c *Config) checkSites() error {
	if c.Sites.Issuer == "" || strings.ContainsAny(c.Sites.Issuer, ":/ ") {
		return wrong("sites.issuer", "%q is no host name; it stands in every signed statement", c.Sites.Issuer)
	}
	var bad []error
	seen := map[string]string{}
	for key, origin := range map[string]string{
		"sites.app": c.Sites.App, "sites.portal": c.Sites.Portal, "sites.verify": c.Sites.Verify, "sites.sockets": c.Sites.Sockets, "sites.demo": c.Sites.Demo,
	} {
		if origin == "" && key == "sites.demo" {
			continue
		}
		bad = append(bad, c.checkOrigin(key, origin))
		if other, twice := seen[origin]; twice && origin != "" {
			bad = append(bad, wrong(key, "is the same origin as %s; each needs its own", other))
		}
		seen[origin] = key
	}
	return errors.Join(bad...)
}

func (c *Config) checkOrigin(key, origin string) error {
	u, err := url.Parse(origin)
	switch {
	case err != nil || u.Host == "" || u.Scheme+"://"+u.Host != origin || origin != strings.ToLower(origin):
		return wrong(key, "%q is no origin; write https://host", origin)
	case u.Scheme == "http" && (c.Production || !isLoopback(u.Hostname()) && !c.Sandbox.LAN):
		return wrong(key, "%q is plain http; browsers and phones need https", origin)
	case u.Scheme != "http" && u.Scheme != "https":
		return wrong(key, "%q is no web origin", origin)
	}
	return nil
}

func (c *Config) checkTLS() error {
	if (c.TLS.Cert == "") != (c.TLS.Key == "") {
		return wrong("tls", "cert and key go together")
	}
	for _, p := range c.TLS.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			return wrong("tls.trusted_proxies", "%q is no network; write 10.1.2.0/24", p)
		}
	}
	return nil
}

func (c *Config) checkLog() error {
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		return wrong("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return wrong("log.format", "%q is neither text nor json", c.Log.Format)
	}
	return nil
}

func (c *Config) checkNumbers() error {
	l := c.Limits
	var bad []error
	for _, r := range []struct {
		key             string
		value, min, max int
	}{
		{"limits.document", l.Document, 1 << 10, 64 << 20}, {"limits.batch", l.Batch, 1, 500},
		{"limits.batch_bytes", l.BatchBytes, min(l.Document, 64<<20), 4 << 30},
		{"limits.application_rate", l.ApplicationRate, 1, 100_000}, {"limits.address_rate", l.AddressRate, 1, 100_000},
		{"limits.sockets_per_address", l.SocketsPerAddress, 1, 100_000}, {"limits.connections", l.Connections, 10, 1_000_000},
		{"limits.body_bytes", l.BodyBytes, l.BodyBytesPerAddress, 64 << 30}, {"limits.body_bytes_per_address", l.BodyBytesPerAddress, min(l.Verified(), 76<<20), 64 << 30},
		{"limits.open_tickets", l.OpenTickets, 1, 100}, {"limits.pin_tries", l.PINTries, 3, 10}, {"limits.stamp_workers", l.StampWorkers, 1, 256},
		{"limits.ticket_rate", l.TicketRate, 1, 100_000}, {"limits.claim_rate", l.ClaimRate, 1, 1000},
		{"limits.bad_frames", l.BadFrames, 1, 100}, {"limits.blocked_a_day", l.BlockedADay, 1, 100},
		{"limits.daily_upload", l.DailyUpload, 0, 1 << 50},
		{"risk.second_approver", c.Risk.SecondApprover, 0, 500},
		{"risk.stamp_step_up", c.Risk.StampStepUp, 0, 500},
		{"store.mongodb.pool", c.Store.MongoDB.Pool, 2, 10_000},
	} {
		if r.value < r.min || r.value > r.max {
			bad = append(bad, wrong(r.key, "%d is not between %d and %d", r.value, r.min, r.max))
		}
	}
	return errors.Join(bad...)
}

func (c *Config) checkLifetimes() error {
	l := c.Lifetimes
	bad := []error{c.checkDecision()}
	for _, r := range []struct {
		key             string
		value, min, max time.Duration
	}{
		{"lifetimes.frame", l.Frame.D(), time.Second, 5 * time.Second},
		{"lifetimes.open", l.Open.D(), 5 * time.Second, 5 * time.Minute},
		{"lifetimes.decide_login", l.DecideLogin.D(), 5 * time.Second, 8 * time.Minute},
		{"lifetimes.decide_bind", l.DecideBind.D(), 5 * time.Second, 8 * time.Minute},
		{"lifetimes.decide_stamp", l.DecideStamp.D(), 5 * time.Second, 8 * time.Minute},
		{"lifetimes.start", l.Start.D(), time.Second, 5 * time.Minute},
		{"lifetimes.result", l.Result.D(), time.Second, 5 * time.Minute},
		{"lifetimes.cooling", l.Cooling.D(), 0, 30 * 24 * time.Hour},
		{"lifetimes.evidence", l.Evidence.D(), time.Second, 24 * time.Hour},
		{"lifetimes.registry", l.Registry.D(), time.Minute, 7 * 24 * time.Hour},
		{"lifetimes.seal", l.Seal.D(), 24 * time.Hour, 10 * 365 * 24 * time.Hour},
		{"risk.second_wait", c.Risk.SecondWait.D(), time.Minute, statement.MostSecondWait},
		{"risk.known_page", c.Risk.KnownPage.D(), time.Hour, 366 * 24 * time.Hour},
		{"store.mongodb.timeout", c.Store.MongoDB.Timeout.D(), time.Second, 2 * time.Minute},
		{"store.mongodb.commit_patience", c.Store.MongoDB.CommitPatience.D(), time.Second, 5 * time.Minute},
		{"store.mongodb.start_timeout", c.Store.MongoDB.StartTimeout.D(), time.Second, 10 * time.Minute},
		{"shutdown_grace", c.ShutdownGrace.D(), time.Second, 10 * time.Minute},
	} {
		if r.value < r.min || r.value > r.max {
			bad = append(bad, wrong(r.key, "%s is not between %s and %s", Duration(r.value), Duration(r.min), Duration(r.max)))
		}
	}
	return errors.Join(bad...)
}

// wholeRequest is how long a request may last from its issue to the decision
// (ASVS 6.5.5).
const wholeRequest = 10 * time.Minute

func (c *Config) checkDecision() error {
	l := c.Lifetimes
	longest := max(l.DecideLogin.D(), l.DecideBind.D(), l.DecideStamp.D())
	if l.Open.D()+longest > wholeRequest {
		return wrong("lifetimes.open", "%s and %s to decide are more than the %s a request may last", l.Open, Duration(longest), Duration(wholeRequest))
	}
	return nil
}

func (c *Config) checkRisk() error {
	switch c.Risk.LoginStepUp {
	case "never", "suspect", "always":
		return nil
	}
	return wrong("risk.login_step_up", "%q is none of never, suspect, always", c.Risk.LoginStepUp)
}
