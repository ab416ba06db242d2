package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// Config says where a phone belongs.
type Config struct {
	// Server is the origin of the API, "https://app.example.gov.cn".
	Server string
	// Issuer is the name that statements must begin with.
	Issuer string
	// QRBase is the address in codes, "https://s.example.gov.cn/q"; a code of
	// any other is refused.
	QRBase string
	// Dir is the folder of the keys.
	Dir string
	// Lang is the language of answers and summaries: statement.Chinese (also
	// when empty) or statement.English.
	Lang string
	// HTTP sends requests; nil: one with a time limit. It must not follow
	// redirects: a proof is for one address.
	HTTP *http.Client
	// Passkey is the device's second key; nil: it has none.
	Passkey Passkey
	// Wait pauses before a repetition; nil: it takes the time.
	Wait func(ctx context.Context, d time.Duration) error
}

// Phone is an enrolled device, or one that is about to be. It is safe for
// concurrent use.
type Phone struct {
	cfg   Config
	store store

	mu    sync.Mutex // guards what follows
	id    identity   // zero until enrolled
	proof *gm.PrivateKey
	nonce string // the server's last one, not used yet
}

var (
	// ErrNotEnrolled: the folder holds no device.
	ErrNotEnrolled = errors.New("phone: not enrolled")
	// ErrEnrolled: the folder holds a device already; its keys are not overwritten.
	ErrEnrolled = errors.New("phone: the folder holds an enrolled device")
)

// requestTime bounds one try of a request.
const requestTime = 30 * time.Second

// New opens a phone. The folder need not exist yet.
func New(cfg Config) (*Phone, error) {
	u, err := url.Parse(cfg.Server)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.TrimSuffix(u.Path, "/") != "" {
		return nil, fmt.Errorf("phone: %q is no origin", cfg.Server)
	}
	if cfg.Issuer == "" || cfg.Dir == "" {
		return nil, errors.New("phone: issuer or folder is missing")
	}
	cfg.Server = u.Scheme + "://" + u.Host
	if cfg.Lang != statement.English {
		cfg.Lang = statement.Chinese
	}
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: requestTime, CheckRedirect: stay}
	}
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	p := &Phone{cfg: cfg, store: store{dir: cfg.Dir}}
	p.id, p.proof, err = p.store.load()
	if err != nil && !errors.Is(err, ErrNotEnrolled) {
		return nil, err
	}
	return p, nil
}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Device is the id of the enrolled device, "" when there is none.
func (p *Phone) Device() string { return p.self().Device }

// Person is the id of its owner, "" when there is none.
func (p *Phone) Person() string { return p.self().Person }

func (p *Phone) self() identity {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id
}
