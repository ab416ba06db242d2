package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
)

// newDevice are the keys of a device that is being enrolled.
type newDevice struct {
	statement, request *gm.PrivateKey
}

func newDeviceKeys() (d newDevice, err error) {
	if d.statement, err = gm.GenerateKey(); err != nil {
		return d, err
	}
	d.request, err = gm.GenerateKey()
	return d, err
}

// enrol makes this folder the device of the person who holds an invitation.
func (o *operator) enrol(invitation string, f applicantFlags) error {
	if o.id.Device != "" {
		return fmt.Errorf(o.say("%s 里已有登记的操作员，不会覆盖", "%s holds an enrolled operator, which is not overwritten"), o.dir)
	}
	if err := f.complete(o.env); err != nil {
		return err
	}
	keys, err := newDeviceKeys()
	if err != nil {
		return err
	}
	var begun mobileapi.EnrolmentBegun
	err = o.call(http.MethodPost, "/v1/enrolments", mobileapi.EnrolmentRequest{
		Kind: string(authz.EnrolOperator), Invitation: invitation,
		Applicant: mobileapi.Applicant{Name: f.Name, IDNumber: f.ID, Phone: f.Mobile},
		Device: mobileapi.NewDevice{
			Name: f.Device, Tier: string(authz.TierS), Key: keys.statement.Public().SPKI(), RequestKey: keys.request.Public().SPKI(),
		},
	}, &begun, false)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.err, o.say("实人认证：%s\n", "Show your face: %s\n"), begun.FaceURL)
	code, err := o.code(f.Outbox, notify.PhoneCode, f.Mobile, "短信验证码：", "Code from the SMS: ")
	if err != nil {
		return err
	}
	pin, err := o.newPIN(o.pinFile)
	if err != nil {
		return err
	}
	done, err := o.finish(begun.EnrolmentID, code, pin, keys)
	if err != nil {
		return err
	}
	return o.save(done, keys)
}

// finish proves both keys and ends the enrolment.
func (o *operator) finish(enrolment, code, pin string, keys newDevice) (*mobileapi.Enrolled, error) {
	lines := authz.EnrolProof(enrolment, keys.statement.Public().SPKI(), keys.request.Public().SPKI())
	in := mobileapi.EnrolmentFinish{PhoneCode: code, PIN: pin}
	var err error
	if in.KeyProof, err = keys.statement.Sign(lines); err != nil {
		return nil, err
	}
	if in.RequestProof, err = keys.request.Sign(lines); err != nil {
		return nil, err
	}
	done := &mobileapi.Enrolled{}
	return done, o.call(http.MethodPost, "/v1/enrolments/"+enrolment+"/finish", in, done, false)
}

// save keeps the device. The authority's word must name its keys; the issuer
// that stands in it is the one of all later statements.
func (o *operator) save(done *mobileapi.Enrolled, keys newDevice) error {
	e, err := statement.ParseEnrolment(done.Enrolment.Statement)
	if err != nil {
		return err
	}
	o.id = operatorIdentity{Person: done.PersonID, Device: done.DeviceID, Issuer: e.Issuer, Key: keys.statement.Public().Hash()}
	o.request = keys.request
	if e.Person.ID != o.id.Person || gm.SM3(e.Key) != o.id.Key || gm.SM3(e.RequestKey) != keys.request.Public().Hash() {
		return errors.New("the enrolment names other keys than those of this device")
	}
	sealed, err := gm.Seal(o.wrapping(done.Share), keys.statement.PKCS8(), []byte(o.id.Device))
	if err != nil {
		return err
	}
	about, err := json.MarshalIndent(o.id, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		b    []byte
	}{{requestFile, keys.request.PKCS8()}, {sealedFile, sealed}, {operatorFile, about}} {
		if err := writeNew(o.path(f.name), f.b); err != nil {
			return err
		}
	}
	return nil
}
