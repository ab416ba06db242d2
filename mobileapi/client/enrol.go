package client

import (
	"context"
	"fmt"
	"net/http"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// Applicant is who enrols this phone, and as what.
type Applicant struct {
	Kind       string // legal, agent, device, operator
	USCC       string // legal and agent
	Invitation string // operator
	Name       string
	IDNumber   string
	Phone      string
	DeviceName string
	Lost       bool // device: the former ones are lost, and end
}

// Enrolment is a registration under way: codes are on their way and the person
// shows his face at FaceURL. It lives in memory; one that is broken off is
// begun anew.
type Enrolment struct {
	FaceURL string

	phone        *Phone
	id           string
	key, request *gm.PrivateKey

	// A finish whose answer was lost is sent again as it was, byte for byte.
	sent  *message
	codes Codes // of sent
}

// Codes is what the person has to say at the end of a registration.
type Codes struct {
	Phone         string
	Authorization string // agent: passed on by the legal representative
	PIN           string // at least 8 characters, letters and digits
}

// BeginEnrol makes the keys of this device and begins its registration. It
// fails with ErrEnrolled when the folder holds a device.
func (p *Phone) BeginEnrol(ctx context.Context, a Applicant) (*Enrolment, error) {
	if err := p.store.prepare(); err != nil {
		return nil, err
	}
	e := &Enrolment{phone: p}
	var err error
	if e.key, err = gm.GenerateKey(); err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	if e.request, err = gm.GenerateKey(); err != nil {
		return nil, fmt.Errorf("phone: %w", err)
	}
	var begun struct {
		ID      string `json:"enrolment_id"`
		FaceURL string `json:"face_url"`
	}
	second, err := e.register()
	if err != nil {
		return nil, err
	}
	m := &message{method: http.MethodPost, path: "/v1/enrolments", key: newKey(), open: true}
	if err := p.carry(ctx, m, e.wire(a, second), &begun); err != nil {
		return nil, err
	}
	e.id, e.FaceURL = begun.ID, begun.FaceURL
	return e, nil
}

func (e *Enrolment) wire(a Applicant, passkey binary) any {
	type applicant struct {
		Name     string `json:"name"`
		IDNumber string `json:"id_number"`
		Phone    string `json:"phone"`
	}
	type device struct {
		Name       string `json:"name"`
		Tier       string `json:"tier"`
		Key        binary `json:"key"`
		RequestKey binary `json:"request_key"`
	}
	return struct {
		Kind       string    `json:"kind"`
		USCC       string    `json:"uscc,omitzero"`
		Invitation string    `json:"invitation,omitzero"`
		Applicant  applicant `json:"applicant"`
		Device     device    `json:"device"`
		Passkey    binary    `json:"passkey,omitzero"`
		Lost       bool      `json:"lost,omitzero"`
	}{
		a.Kind, a.USCC, a.Invitation, applicant{a.Name, a.IDNumber, a.Phone},
		device{a.DeviceName, string(authz.TierS), e.key.Public().SPKI(), e.request.Public().SPKI()},
		passkey, a.Lost,
	}
}

// wireEnrolled is the end of a registration on the wire.
type wireEnrolled struct {
	PersonID       string `json:"person_id"`
	DeviceID       string `json:"device_id"`
	OrganizationID string `json:"organization_id"`
	Share          binary `json:"share"`
	Enrolment      struct {
		Statement binary `json:"statement"`
		Signature binary `json:"signature"`
	} `json:"enrolment"`
}

// Finish ends the registration and keeps the keys. It gives the organization
// joined, "" for none. After a refusal it may be called again with other codes,
// and after a lost answer with the same ones.
func (e *Enrolment) Finish(ctx context.Context, c Codes) (organization string, err error) {
	done, err := e.finish(ctx, c)
	if err != nil {
		return "", err
	}
	id := identity{Person: done.PersonID, Device: done.DeviceID, Key: e.key.Public().Hash()}
	if err := e.check(id, done); err != nil {
		return "", err
	}
	if err := e.phone.store.save(id, e.request, e.key, done.Share); err != nil {
		return "", err
	}
	e.key.Destroy()
	p := e.phone
	p.mu.Lock()
	defer p.mu.Unlock()
	p.id, p.proof = id, e.request
	return done.OrganizationID, nil
}

func (e *Enrolment) finish(ctx context.Context, c Codes) (*wireEnrolled, error) {
	if e.sent == nil || e.codes != c {
		if err := e.prepare(c); err != nil {
			return nil, err
		}
	}
	done := &wireEnrolled{}
	err := e.phone.exchange(ctx, e.sent, done)
	if codeOf(err) != "" {
		e.sent = nil // refused: the next try is another request
	}
	return done, err
}

// prepare writes the request that ends the registration.
func (e *Enrolment) prepare(c Codes) error {
	lines := authz.EnrolProof(e.id, e.key.Public().SPKI(), e.request.Public().SPKI())
	keyProof, err := e.key.Sign(lines)
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	requestProof, err := e.request.Sign(lines)
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	body, err := json.Marshal(struct {
		PhoneCode     string `json:"phone_code"`
		Authorization string `json:"authorization,omitzero"`
		PIN           string `json:"pin"`
		KeyProof      binary `json:"key_proof"`
		RequestProof  binary `json:"request_proof"`
	}{c.Phone, c.Authorization, c.PIN, keyProof, requestProof})
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	e.codes = c
	e.sent = &message{
		method: http.MethodPost, path: "/v1/enrolments/" + escape(e.id) + "/finish", body: body, key: newKey(), open: true,
	}
	return nil
}

// check holds the authority's word against the keys of this device. Whether
// the authority is the right one is for those to check who rely on it.
func (e *Enrolment) check(id identity, done *wireEnrolled) error {
	s, err := statement.ParseEnrolment(done.Enrolment.Statement)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrStatement, err)
	case s.Issuer != e.phone.cfg.Issuer:
		return fmt.Errorf("%w: another issuer", ErrStatement)
	case s.Person.ID != id.Person, gm.SM3(s.Key) != id.Key, gm.SM3(s.RequestKey) != e.request.Public().Hash():
		return fmt.Errorf("%w: another person or other keys", ErrStatement)
	case (s.Passkey != "") != (e.phone.cfg.Passkey != nil):
		return fmt.Errorf("%w: with or without a passkey", ErrStatement)
	case len(done.Share) < gm.SealKeySize:
		return fmt.Errorf("%w: no key share", ErrStatement)
	}
	return nil
}
