package app_test

import (
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
)

// A device that has blocked three requests within a day by wrong numbers is
// locked until an operator has looked, whatever node or restart is between.
func TestDeviceIsLockedAfterThreeBlockedRequests(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	for n := range 3 {
		r, _ := p.ask(t, p.system, "lisi")
		scan, err := drive.Claim(t.Context(), p.agent, r)
		check(t, err)
		err = p.agent.Look(t.Context(), scan)
		check(t, err)
		number, err := r.Page.Number(t.Context())
		check(t, err)
		u, err := p.agent.Unlock(t.Context(), drive.PIN)
		check(t, err)
		wrong := string('0'+(number[0]-'0'+1)%10) + number[1:]
		_, err = u.Approve(t.Context(), scan, wrong)
		wantCode(t, err, "match-wrong")
		_, err = u.Approve(t.Context(), scan, wrong)
		wantCode(t, err, "blocked")
		u.Close()
		if _, err := p.agent.Me(t.Context()); n < 2 {
			check(t, err)
		} else {
			wantCode(t, err, "device-locked")
		}
	}
	r, _ := p.ask(t, p.system, "lisi")
	_, err := drive.Claim(t.Context(), p.agent, r)
	wantCode(t, err, "device-locked")
	locked, err := p.app.Recorded(t.Context(), "device.locked")
	check(t, err)
	if len(locked) != 1 || locked[0].Decision != "alarm" || locked[0].Object != "device:"+p.agent.Device() {
		t.Errorf("on record: %+v", locked)
	}
	check(t, p.app.UnlockDevice(t.Context(), p.agent.Device()))
	check(t, drive.Confirm(t.Context(), p.agent, r))
	if err := p.app.UnlockDevice(t.Context(), p.agent.Device()); drive.Code(err) != "" || err == nil {
		t.Errorf("a device that is not locked: %v", err)
	}
}

// An application has so many bytes a day, counted in the store, and is told when
// the next day begins.
func TestDailyUploadOfAnApplication(t *testing.T) {
	t.Parallel()
	clock := &movable{}
	file := samplePDF(t, "ff.pdf")
	dir, o := t.TempDir(), app.Options{Now: clock.Now, World: drive.World()}
	base, c, a := startWith(t, dir, o, func(c *config.Config) { c.Limits.DailyUpload = 2*len(file) + 1 })
	p := gather(t, dir, 5, base, c, a)
	for range 2 {
		_, err := p.system.Upload(t.Context(), "表.pdf", file)
		check(t, err)
	}
	_, err := p.system.Upload(t.Context(), "表.pdf", file)
	wantCode(t, err, "slow-down")
	_, err = p.register(t, "另一申报系统").Upload(t.Context(), "表.pdf", file)
	check(t, err) // each has its own
	clock.Add(24 * time.Hour)
	p.system.Now = clock.Now
	_, err = p.system.Upload(t.Context(), "表.pdf", file)
	check(t, err)
}
