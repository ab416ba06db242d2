package mobileapi_test

import (
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/mobileapi"
	"yunzhang.dev/web/httpx"
)

// Who has several devices has one allowance for all of them.
func TestDevicesOfOnePersonShareAnAllowance(t *testing.T) {
	t.Parallel()
	limits := mobileapi.DefaultLimits()
	limits.Person = httpx.Rate{Name: "person", Count: 3, Per: time.Minute}
	w := newWorld(t, limits)
	other := *w.agent
	other.Device.ID, other.Device.KeyHash, other.Device.Ver = unit.NewID("dv"), "other", 0
	err := w.DB.Update(t.Context(), func(tx unit.Tx) error { return w.Tables.Devices.Insert(tx, &other.Device) })
	if err != nil {
		t.Fatal(err)
	}
	for _, phone := range []*authztest.Actor{w.agent, &other, w.agent} {
		w.get(t, phone, "/v1/me").into(t, nil)
	}
	got := w.get(t, &other, "/v1/me")
	if got.want(t, fault.SlowDown); !strings.Contains(string(got.body), `"limit":"person"`) {
		t.Errorf("%s", got.body)
	}
	w.get(t, w.legal, "/v1/me").into(t, nil) // another person
}
