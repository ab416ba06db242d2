package drive

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"yunzhang.dev/authz/notify"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/mobileapi/client"
)

// PIN is the signing PIN of everybody in the sandbox.
const PIN = "yunzhang2026"

// Node is a running node, seen from outside, with the sandbox's ear for codes.
type Node struct {
	Net    Net
	Config config.Config
	// Code gives the newest code of a template that was sent to a phone number.
	Code func(phone, template string) string
	// Folder of the phones' keys.
	Dir string
}

// Company is the sandbox organization of the demonstration: an invented one,
// with a code whose check character is right.
func Company() app.Organization {
	return app.Organization{
		USCC: "91350100M000100Y43", Name: "福州示例科技有限公司", Kinds: []string{"statutory", "finance", "contract", "legal-representative"},
		Legal: app.Person{Name: "张三", IDNumber: "11010519491231002X", Phone: "13800138000"},
	}
}

// Agent is the sandbox agent.
func Agent() app.Person {
	return app.Person{Name: "李四", IDNumber: "440524188001010014", Phone: "13900139034"}
}

// World is the sandbox world of the demonstration.
func World() app.World {
	return app.World{Organizations: []app.Organization{Company()}, People: []app.Person{Agent()}}
}

// Phone opens the phone of a person, enrolled or not.
func (n Node) Phone(name string) (*client.Phone, error) {
	return client.New(client.Config{
		Server: n.Config.Sites.App, Issuer: n.Config.Sites.Issuer, QRBase: n.Config.Sites.Verify + "/q",
		Dir: filepath.Join(n.Dir, name), HTTP: n.Net.Client(),
	})
}

// EnrolLegal registers a legal representative on a phone.
func (n Node) EnrolLegal(ctx context.Context, p *client.Phone, o app.Organization) error {
	e, err := p.BeginEnrol(ctx, client.Applicant{
		Kind: "legal", USCC: o.USCC, Name: o.Legal.Name, IDNumber: o.Legal.IDNumber, Phone: o.Legal.Phone, DeviceName: o.Legal.Name + "的手机",
	})
	if err != nil {
		return err
	}
	_, err = e.Finish(ctx, client.Codes{Phone: n.Code(o.Legal.Phone, string(notify.PhoneCode)), PIN: PIN})
	return err
}

// EnrolAgent registers an agent, with the authorization code that the legal
// representative received and passed on.
func (n Node) EnrolAgent(ctx context.Context, p *client.Phone, who app.Person, o app.Organization) error {
	e, err := p.BeginEnrol(ctx, client.Applicant{
		Kind: "agent", USCC: o.USCC, Name: who.Name, IDNumber: who.IDNumber, Phone: who.Phone, DeviceName: who.Name + "的手机",
	})
	if err != nil {
		return err
	}
	_, err = e.Finish(ctx, client.Codes{
		Phone:         n.Code(who.Phone, string(notify.PhoneCode)),
		Authorization: n.Code(o.Legal.Phone, string(notify.AuthorizeAgent)), PIN: PIN,
	})
	return err
}

// Sign unlocks a phone with the PIN, signs a draft, and locks it again.
func Sign(ctx context.Context, p *client.Phone, d *client.Draft, err error) (*client.Result, error) {
	if err != nil {
		return nil, err
	}
	u, err := p.Unlock(ctx, PIN)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	return u.Sign(ctx, d)
}

// Fresh proves again that the owner of a phone is there.
func Fresh(ctx context.Context, p *client.Phone, purpose string) error {
	s, err := p.BeginRealPerson(ctx, purpose)
	if err != nil {
		return err
	}
	return p.FinishRealPerson(ctx, s.SessionID)
}

// FreshFor proves that he is there for a scanned request.
func FreshFor(ctx context.Context, p *client.Phone, scan *client.Scan) error {
	s, err := p.BeginRealPersonFor(ctx, scan)
	if err != nil {
		return err
	}
	return p.FinishRealPerson(ctx, s.SessionID)
}

// Unfreeze makes a frozen seal usable again: face, draft, PIN.
func Unfreeze(ctx context.Context, p *client.Phone, code string) error {
	seal, err := p.Seal(ctx, code)
	if err != nil {
		return err
	}
	if err := Fresh(ctx, p, "seals"); err != nil {
		return err
	}
	d, err := p.DraftUnfreeze(ctx, *seal, "已查明")
	_, err = Sign(ctx, p, d, err)
	return err
}

// ClaimSeal accepts the service agreement and claims a seal; it gives the
// seal's code.
func ClaimSeal(ctx context.Context, p *client.Phone, o app.Organization, kind string) (string, error) {
	place, err := p.Place(ctx, o.USCC)
	if err != nil {
		return "", err
	}
	text, err := p.Agreement(ctx)
	if err != nil {
		return "", err
	}
	d, err := p.DraftAgreement(ctx, place, text)
	if _, err := Sign(ctx, p, d, err); err != nil {
		return "", fmt.Errorf("agreement: %w", err)
	}
	d, err = p.DraftClaim(ctx, place, kind, nil)
	r, err := Sign(ctx, p, d, err)
	if err != nil {
		return "", fmt.Errorf("claim: %w", err)
	}
	if r.Application == nil || r.Application.State != "issued" {
		return "", errors.New("the seal was not issued at once")
	}
	return r.Application.SealCode, nil
}

// ApproveAgent lets a legal representative approve the agent who waits.
func ApproveAgent(ctx context.Context, p *client.Phone, o app.Organization, agent string) error {
	place, err := p.Place(ctx, o.USCC)
	if err != nil {
		return err
	}
	members, err := p.Members(ctx, place.OrganizationID)
	if err != nil {
		return err
	}
	for _, m := range members {
		if m.PersonID == agent && m.State == "pending" {
			d, err := p.DraftAgentApproval(ctx, m)
			_, err = Sign(ctx, p, d, err)
			return err
		}
	}
	return errors.New("nobody waits for an approval")
}

// Delegate gives an agent the seal for an application; it gives the
// delegation's id.
func Delegate(ctx context.Context, p *client.Phone, o app.Organization, agent, appID, seal string, uses int) (string, error) {
	place, err := p.Place(ctx, o.USCC)
	if err != nil {
		return "", err
	}
	d, err := p.DraftDelegation(ctx, place, client.Grant{
		AgentID: agent, AppID: appID, Actions: []string{"bind", "login", "stamp"}, Seals: []string{seal},
		NotAfter: time.Now().Add(30 * 24 * time.Hour), Max: uses,
	})
	r, err := Sign(ctx, p, d, err)
	if err != nil {
		return "", err
	}
	return r.SubjectID, nil
}

// Code gives the fault code of a refusal by a node, whoever was refused; "" for
// another error.
func Code(err error) string {
	var p *client.Problem
	if errors.As(err, &p) {
		return p.Code
	}
	return ds.CodeOf(err)
}
