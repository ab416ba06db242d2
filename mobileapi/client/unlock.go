package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// Unlocked is a phone whose statement key is open: the person has entered his
// PIN. Close it as soon as what he wanted to sign is signed.
type Unlocked struct {
	phone *Phone
	key   *gm.PrivateKey
}

// Unlock asks the server for the key share against the PIN and opens the
// statement key. A wrong PIN is fault.PINWrong and counts; fault.PINLocked needs
// ResetPIN. It is not repeated when the answer is lost, because each try
// counts.
func (p *Phone) Unlock(ctx context.Context, pin string) (*Unlocked, error) {
	id := p.self()
	if id.Device == "" {
		return nil, ErrNotEnrolled
	}
	in := struct {
		PIN string `json:"pin"`
	}{pin}
	var out struct {
		Share binary `json:"share"`
	}
	if err := p.carry(ctx, &message{method: http.MethodPost, path: "/v1/device/unlock", once: true}, in, &out); err != nil {
		return nil, err
	}
	defer clear(out.Share)
	key, err := p.store.unwrap(out.Share, id.Device)
	if err != nil {
		return nil, err
	}
	if key.Public().Hash() != id.Key {
		return nil, errors.New("phone: the folder holds the key of another device")
	}
	return &Unlocked{phone: p, key: key}, nil
}

// Close destroys the open key.
func (u *Unlocked) Close() { u.key.Destroy() }

// Sign signs a draft, which was checked when it came, and has it performed.
func (u *Unlocked) Sign(ctx context.Context, d *Draft) (*Result, error) {
	sig, err := u.key.Sign(d.bytes)
	if err != nil {
		return nil, fmt.Errorf("phone: sign: %w", err)
	}
	second, err := u.phone.second(d.bytes)
	if err != nil {
		return nil, err
	}
	r := &Result{}
	return r, u.phone.post(ctx, "/v1/acts/"+escape(d.ActID)+"/sign", signed{sig, second}, r)
}

// Approve signs a scanned request with the number on the page and gives the
// request's new state. Every document must have been fetched before
// ([Phone.Documents], [Phone.Look]): nobody signs what he could not look at.
func (u *Unlocked) Approve(ctx context.Context, s *Scan, match string) (state string, err error) {
	if !s.seen() {
		return "", ErrUnseen
	}
	whole := statement.Complete(s.head, match)
	sig, err := u.key.Sign(whole)
	if err != nil {
		return "", fmt.Errorf("phone: sign: %w", err)
	}
	second, err := u.phone.second(whole)
	if err != nil {
		return "", err
	}
	in := struct {
		HeadSM3 gm.Digest `json:"head_sm3"`
		Match   string    `json:"match"`
		Sig     binary    `json:"sig_sm2"`
		Second  binary    `json:"sig_hw,omitzero"`
	}{gm.SM3(s.head), match, sig, second}
	var out wireState
	err = u.phone.post(ctx, s.path("approve"), in, &out)
	return out.State, err
}
