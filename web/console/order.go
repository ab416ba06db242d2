package console

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
)

// The acts of operators besides the opinions of cloudseal.
const (
	ActInvite   = "invite-operator"
	ActRegister = "register-application"
	ActStop     = "stop-application"    // the kill switch
	ActRestore  = "restore-application" // its undoing
	ActUnlock   = "unlock-device"       // after a review
)

// Order is what an operator wants done. Which fields it needs depends on the act.
type Order struct {
	Act string `json:"act"` // cloudseal.ActAccept, ActReview; ActInvite, ActRegister, ActStop, ActRestore, ActUnlock

	// An opinion on an application, and the hash of the claim that was looked at.
	Application string    `json:"application_id,omitzero"`
	Claim       gm.Digest `json:"claim_sm3,omitzero"`
	Opinion     string    `json:"opinion,omitzero"`  // approve, reject
	Defects     []string  `json:"defects,omitempty"` // with reject: everything that has to be mended

	Roles []string `json:"roles,omitempty"` // of the operator to invite

	System *NewSystem `json:"system,omitempty"`

	// The declaration system to stop or restore, or the device to unlock, and why.
	SystemID string `json:"app_id,omitzero"`
	DeviceID string `json:"device_id,omitzero"`
	Reason   string `json:"reason,omitzero"`
}

// NewSystem registers a declaration system.
type NewSystem struct {
	Name      string   `json:"name"`
	Origins   []string `json:"origins"`
	Actions   []string `json:"actions"`    // bind, login, stamp
	SealKinds []string `json:"seal_kinds"` // empty: any
	Key       string   `json:"key"`        // SubjectPublicKeyInfo (SM2), base64url
}

const (
	// maxDefects and maxDefect bound a notice: one that a person can work through,
	// and a statement that stays readable.
	maxDefects = 20
	maxDefect  = 200
)

// Hash is what the statement of an order is about: SM3 of the order as JSON, its
// members in the order of the struct.
func (o Order) Hash() (gm.Digest, error) {
	b, err := json.Marshal(o, json.Deterministic(true))
	if err != nil {
		return gm.Digest{}, fmt.Errorf("hash order: %w", err)
	}
	return gm.SM3(b), nil
}

// Subject is the subject of the statement: what the order is about, in this
// very form.
func (o Order) Subject() (statement.Ref, error) {
	hash, err := o.Hash()
	switch o.Act {
	case ActInvite:
		return statement.Ref{ID: strings.Join(o.Roles, "."), Hash: hash}, err
	case ActRegister:
		return statement.Ref{ID: "app", Hash: hash}, err
	case ActStop, ActRestore:
		return statement.Ref{ID: o.SystemID, Hash: hash}, err
	case ActUnlock:
		return statement.Ref{ID: o.DeviceID, Hash: hash}, err
	}
	return statement.Ref{ID: o.Application, Hash: hash}, err
}

// Note is the order in words, as the statement has it.
func (o Order) Note() string {
	switch {
	case o.System != nil:
		return o.System.Name + " " + strings.Join(o.System.Origins, " ")
	case len(o.Roles) > 0:
		return strings.Join(o.Roles, " ")
	case o.Reason != "":
		return o.Reason
	}
	return strings.Join(o.Defects, "；")
}

// role is who may give the order.
func (o Order) role() string {
	return map[string]string{
		cloudseal.ActAccept: authz.RoleClerk, cloudseal.ActReview: authz.RoleReviewer,
		ActInvite: authz.RoleBusiness, ActRegister: authz.RoleBusiness, ActStop: authz.RoleBusiness, ActRestore: authz.RoleBusiness,
		ActUnlock: authz.RoleBusiness,
	}[o.Act]
}

// check refuses an order that is not of the form of its act, or says more than
// the act needs: what is signed must all mean something.
func (o Order) check() error {
	var shape Order
	switch o.Act {
	case cloudseal.ActAccept, cloudseal.ActReview:
		shape = Order{Act: o.Act, Application: o.Application, Claim: o.Claim, Opinion: o.Opinion, Defects: o.Defects}
	case ActInvite:
		shape = Order{Act: o.Act, Roles: o.Roles}
	case ActRegister:
		shape = Order{Act: o.Act, System: o.System}
	case ActStop, ActRestore:
		shape = Order{Act: o.Act, SystemID: o.SystemID, Reason: o.Reason}
	case ActUnlock:
		shape = Order{Act: o.Act, DeviceID: o.DeviceID, Reason: o.Reason}
	default:
		return fault.BadRequest.With("field", "act")
	}
	given, err := o.Hash()
	if err != nil {
		return err
	}
	if needed, err := shape.Hash(); err != nil || needed != given {
		return fault.BadRequest.With("field", "order")
	}
	switch o.Act {
	case ActInvite:
		return o.checkRoles()
	case ActRegister:
		return o.System.check()
	case ActStop, ActRestore:
		return o.checkSwitch(o.SystemID, "app_id")
	case ActUnlock:
		return o.checkSwitch(o.DeviceID, "device_id")
	}
	return o.checkOpinion()
}

func (o Order) checkOpinion() error {
	bad := func(d string) bool { return len([]rune(d)) > maxDefect || statement.CheckText(d) != nil }
	reject := o.Opinion == statement.Reject
	switch {
	case o.Application == "" || o.Claim.IsZero():
		return fault.BadRequest.With("field", "application_id")
	case o.Opinion != statement.Approve && !reject:
		return fault.BadRequest.With("field", "opinion")
	case reject != (len(o.Defects) > 0), len(o.Defects) > maxDefects, slices.ContainsFunc(o.Defects, bad):
		return fault.BadRequest.With("field", "defects")
	}
	return nil
}

func (o Order) checkSwitch(id, field string) error {
	switch {
	case id == "" || statement.CheckText(id) != nil:
		return fault.BadRequest.With("field", field)
	case len([]rune(o.Reason)) > maxDefect || statement.CheckText(o.Reason) != nil:
		return fault.BadRequest.With("field", "reason")
	}
	return nil
}

func (o Order) checkRoles() error {
	unknown := func(r string) bool { return !slices.Contains(roles(), r) }
	if len(o.Roles) == 0 || len(o.Roles) > len(roles()) || slices.ContainsFunc(o.Roles, unknown) {
		return fault.BadRequest.With("field", "roles")
	}
	return nil
}

func (n *NewSystem) check() error {
	unknownAction := func(a string) bool {
		return !slices.Contains([]string{statement.Bind, statement.Login, statement.Stamp}, a)
	}
	unknownKind := func(k string) bool { return !slices.Contains(impression.Kinds(), impression.Kind(k)) }
	switch {
	case n == nil || statement.CheckText(n.Name) != nil:
		return fault.BadRequest.With("field", "name")
	case len(n.Actions) == 0 || slices.ContainsFunc(n.Actions, unknownAction):
		return fault.BadRequest.With("field", "actions")
	case slices.ContainsFunc(n.SealKinds, unknownKind):
		return fault.BadRequest.With("field", "seal_kinds")
	case len(n.Origins) == 0 || slices.ContainsFunc(n.Origins, func(o string) bool { return statement.CheckText(o) != nil }):
		return fault.BadRequest.With("field", "origins")
	}
	_, err := n.app()
	return err
}

// app is the system as binding takes it.
func (n *NewSystem) app() (binding.NewApp, error) {
	key, err := base64.RawURLEncoding.Strict().DecodeString(n.Key)
	if err != nil {
		return binding.NewApp{}, fault.BadRequest.With("field", "key")
	}
	if _, err := gm.ParsePublicKey(key); err != nil {
		return binding.NewApp{}, fault.BadRequest.With("field", "key")
	}
	app := binding.NewApp{Name: n.Name, Origins: n.Origins, SealKinds: n.SealKinds, Key: key}
	for _, a := range n.Actions {
		app.Actions = append(app.Actions, authz.Action(a))
	}
	return app, nil
}
