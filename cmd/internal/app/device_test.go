package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
	ds "yunzhang.dev/binding/client"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// anotherPhone enrols another phone of the agent.
func (p *party) anotherPhone(t *testing.T, name string, lost bool) (*client.Phone, error) {
	t.Helper()
	phone, err := p.Phone(name)
	check(t, err)
	who := drive.Agent()
	e, err := phone.BeginEnrol(t.Context(), client.Applicant{
		Kind: "device", Name: who.Name, IDNumber: who.IDNumber, Phone: who.Phone, DeviceName: "新手机", Lost: lost,
	})
	check(t, err)
	_, err = e.Finish(t.Context(), client.Codes{Phone: p.Code(who.Phone, string(notify.PhoneCode)), PIN: drive.PIN})
	return phone, err
}

// AT-048: with the code of the SMS alone nothing is enrolled. With the face and
// no old device there is a new one, which cools, and everybody is told.
func TestAT048FurtherDeviceNeedsTheFaceAndCools(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	p.app.Mask(drive.Agent())
	_, err := p.anotherPhone(t, "thief", false)
	wantCode(t, err, "real-person")
	if devices, err := p.agent.Devices(t.Context()); err != nil || len(devices) != 1 {
		t.Errorf("%+v, %v", devices, err)
	}
	p.app.Know(drive.Agent())
	phone, err := p.anotherPhone(t, "new", false)
	check(t, err)
	for _, number := range []string{drive.Agent().Phone, drive.Company().Legal.Phone} {
		told := func(m notify.Sent) bool {
			return m.Template == notify.DeviceEnrolled && m.Params["device"] == "新手机"
		}
		if !slices.ContainsFunc(p.app.Messages(number), told) {
			t.Errorf("%s was not told", number)
		}
	}
	devices, err := p.agent.Devices(t.Context()) // the old one shows it
	check(t, err)
	if len(devices) != 2 || devices[0].DeviceID != phone.Device() || !devices[0].CoolUntil.After(time.Now().Add(23*time.Hour)) {
		t.Errorf("%+v", devices)
	}
}

// AT-049: while it cools, a device stamps and binds nothing; a log-in is allowed
// and marked. The old device releases it.
func TestAT049CoolingDeviceLogsInOnly(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	phone, err := p.anotherPhone(t, "new", false)
	check(t, err)
	stamp, doc := p.ask(t, p.system, "lisi")
	_, err = drive.Claim(t.Context(), phone, stamp)
	wantCode(t, err, "device-cooling")
	bind, err := p.system.Ask(t.Context(), bindAsk("other"))
	check(t, err)
	defer bind.Page.Close()
	_, err = drive.Claim(t.Context(), phone, bind)
	wantCode(t, err, "device-cooling")
	p.untouched(t, p.system, doc, 5)

	r, err := p.system.Ask(t.Context(), ds.Ask{Purpose: "login", Subject: ds.Subject{Account: "lisi"}})
	check(t, err)
	defer r.Page.Close()
	scan, err := drive.Claim(t.Context(), phone, r)
	check(t, err)
	if !strings.Contains(scan.Statement.Context, "冷静期") {
		t.Errorf("the statement does not say so: %s", scan.Statement.Context)
	}
	check(t, drive.Approve(t.Context(), phone, r, scan))
	marked, err := p.app.Recorded(t.Context(), "ticket.risk")
	check(t, err)
	if len(marked) != 1 || marked[0].Object != r.Ticket || marked[0].Detail != "cooling-device" {
		t.Errorf("on record: %+v", marked)
	}

	devices, err := p.agent.Devices(t.Context())
	check(t, err)
	d, err := p.agent.DraftDeviceApproval(t.Context(), devices[0])
	_, err = drive.Sign(t.Context(), p.agent, d, err)
	check(t, err)
	check(t, drive.Confirm(t.Context(), phone, stamp))
}

// A lost phone ends, with everything it could do, when its owner enrols another
// and says so; the new one cools and nothing but time can change that.
func TestLostDeviceEndsAtOnce(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	dir, o := t.TempDir(), app.Options{Now: clock.Now, World: drive.World()}
	base, c, a := startWith(t, dir, o, func(c *config.Config) { c.Lifetimes.Registry = config.Duration(7 * 24 * time.Hour) })
	p := gather(t, dir, 5, base, c, a)
	r, doc := p.ask(t, p.system, "lisi")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	phone, err := p.anotherPhone(t, "new", true)
	check(t, err)
	_, err = p.agent.Me(t.Context())
	wantCode(t, err, "device-revoked")
	wantCode(t, drive.Approve(t.Context(), p.agent, r, scan), "device-revoked")
	p.untouched(t, p.system, doc, 5)
	for _, number := range []string{drive.Agent().Phone, drive.Company().Legal.Phone} {
		p.told(t, number, notify.DeviceLost)
	}
	again, _ := p.ask(t, p.system, "lisi")
	_, err = drive.Claim(t.Context(), phone, again)
	wantCode(t, err, "device-cooling")
	clock.Add(24*time.Hour + time.Second)
	p.system.Now = clock.Now
	later, _ := p.ask(t, p.system, "lisi")
	check(t, drive.Confirm(t.Context(), phone, later))
}
