package public

import (
	"context"
	"sync"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/web/httpx"
)

// trustCache keeps the published bundle, because each one costs a signature and
// a number of the status list.
type trustCache struct {
	mu   sync.Mutex // guards what follows
	made time.Time
	file []byte
	keys keysReply
}

// published gives the bundle and the keys in it, not older than TrustLife.
func (p *Public) published(ctx context.Context) ([]byte, keysReply, error) {
	t := &p.trust
	t.mu.Lock()
	defer t.mu.Unlock()
	now := p.now()
	if t.file != nil && now.Sub(t.made) < p.limits.TrustLife && !now.Before(t.made) {
		return t.file, t.keys, nil
	}
	b, err := p.seals.Bundle(ctx)
	if err != nil {
		return nil, keysReply{}, err
	}
	file, err := b.Bytes()
	if err != nil {
		return nil, keysReply{}, err
	}
	keys, err := keysOf(b)
	if err != nil {
		return nil, keysReply{}, err
	}
	t.made, t.file, t.keys = now, file, keys
	return file, keys, nil
}

// bundle answers GET /v1/trust: a file for offline verifiers.
func (p *Public) bundle(c *fiber.Ctx) error {
	file, _, err := p.published(c.UserContext())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	c.Set(fiber.HeaderCacheControl, "no-cache")
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="yunzhang-trust.json"`)
	return c.Send(file)
}

// keys answers GET /.well-known/cseal-keys.
func (p *Public) keys(c *fiber.Ctx) error {
	_, keys, err := p.published(c.UserContext())
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-cache")
	return httpx.Reply(c, fiber.StatusOK, keys)
}

// keysReply is what stands behind the statements, seals and lists of this
// issuer. Anchor is the hash by which two people compare over the telephone.
type keysReply struct {
	Issuer       string           `json:"issuer"`
	Anchor       gm.Digest        `json:"anchor"` // verify.Bundle.Anchor
	Certificates []certificateKey `json:"certificates"`
	Keys         []plainKey       `json:"keys"`
}

type certificateKey struct {
	Use         string    `json:"use"` // root, intermediate
	Subject     string    `json:"subject"`
	NotBefore   time.Time `json:"not_before"`
	NotAfter    time.Time `json:"not_after"`
	SM3         gm.Digest `json:"sm3"`
	Certificate []byte    `json:"certificate"` // DER, base64
}

type plainKey struct {
	Use       string    `json:"use"` // enrolment-authority, status-list
	Algorithm string    `json:"algorithm"`
	SM3       gm.Digest `json:"sm3"`
	SPKI      []byte    `json:"spki"` // DER, base64
}

func keysOf(b *verify.Bundle) (keysReply, error) {
	r := keysReply{Issuer: b.Issuer, Anchor: b.Anchor()}
	for _, group := range []struct {
		use  string
		list [][]byte
	}{{"root", b.Roots}, {"intermediate", b.Intermediates}} {
		for _, der := range group.list {
			f, err := ca.Describe(der)
			if err != nil {
				return keysReply{}, err
			}
			r.Certificates = append(r.Certificates, certificateKey{
				Use: group.use, Subject: f.CommonName, NotBefore: f.Period.From, NotAfter: f.Period.To, SM3: gm.SM3(der), Certificate: der,
			})
		}
	}
	for _, spki := range b.Authorities {
		r.Keys = append(r.Keys, plainKey{"enrolment-authority", "SM2", gm.SM3(spki), spki})
	}
	for _, spki := range b.StatusKeys {
		r.Keys = append(r.Keys, plainKey{"status-list", "SM2", gm.SM3(spki), spki})
	}
	return r, nil
}
