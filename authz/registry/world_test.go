package registry_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/registry"
)

var legal = registry.Identity{Name: "张三", IDNumber: "11010519491231002X"}

func TestLoad(t *testing.T) {
	t.Parallel()
	s := registry.NewSandbox(&drawer{}, func() time.Time { return time.Unix(1_790_000_000, 0) })
	err := s.Load(strings.NewReader(`[{"uscc": "91350100m000100y43", "name": " 示例科技有限公司 ",
		"legal": {"name": "张三", "idNumber": "11010519491231002x"}, "kinds": ["statutory"]},
		{"uscc": "91110000802100433B", "name": "另一公司", "status": "suspended", "region": "370211",
		"legal": {"name": "李四", "idNumber": "440524188001010014"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Represents(t.Context(), uscc, legal)
	if err != nil || f.Answer != registry.Yes || f.OrgName != "示例科技有限公司" || f.Region != "350100" || f.Status != registry.InOperation {
		t.Errorf("%+v, %v", f, err)
	}
	other := registry.Identity{Name: "李四", IDNumber: "440524188001010014"}
	f, err = s.Represents(t.Context(), "91110000802100433B", other)
	if err != nil || f.Answer != registry.No || f.Status != registry.Suspended || f.Region != "370211" {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestLoadTakesAllOrNothing(t *testing.T) {
	t.Parallel()
	const good = `{"uscc": "91350100M000100Y43", "name": "示例", "legal": {"name": "张三", "idNumber": "11010519491231002X"}}`
	with := func(old, new string) string { return `[` + good + `,` + strings.Replace(good, old, new, 1) + `]` }
	for name, text := range map[string]string{
		"no list":     good,
		"no JSON":     `[{`,
		"unknown":     with(`"name"`, `"nam"`),
		"uscc":        with("Y43", "Y44"),
		"id number":   with("002X", "0021"),
		"name":        with("示例", "示\u202e例"),
		"legal name":  with("张三", ""),
		"status":      with(`"name"`, `"status": "sleeping", "name"`),
		"region":      with(`"name"`, `"region": "990000", "name"`),
		"without all": `[{}]`,
	} {
		s := registry.NewSandbox(nil, time.Now)
		err := s.Load(strings.NewReader(text))
		if err == nil {
			t.Errorf("%s accepted", name)
			continue
		}
		if strings.Contains(err.Error(), "1949") || strings.Contains(err.Error(), "张三") {
			t.Errorf("%s: the error shows a person: %v", name, err)
		}
		if f, _ := s.Represents(t.Context(), uscc, legal); f.Answer != registry.No {
			t.Errorf("%s: a part was taken", name)
		}
	}
}

func TestWhatStandsOnTheSeal(t *testing.T) {
	t.Parallel()
	d := &drawer{}
	s := registry.NewSandbox(d, func() time.Time { return time.Unix(1_790_000_000, 0) })
	o := registry.Organization{USCC: uscc, Region: "350100", Name: "示例科技有限公司", Legal: legal, Kinds: []string{"statutory", "invoice", "legal-representative"}}
	s.Put(o)
	for kind, want := range map[string]string{
		"statutory":            "png 示例科技有限公司" + registry.FilingNumber(o, "statutory"),
		"invoice":              "png 示例科技有限公司" + uscc,
		"legal-representative": "png 张三",
	} {
		f, err := s.Impression(t.Context(), uscc, kind)
		if err != nil || string(f.PNG) != want || f.Name != o.Name || f.Kind != kind {
			t.Errorf("%s: %s for %s, %v", kind, f.PNG, f.Name, err)
		}
	}
	o.Legal.Name, o.Name = "王五", "更名科技有限公司"
	s.Put(o)
	if f, err := s.Impression(t.Context(), uscc, "legal-representative"); err != nil || string(f.PNG) != "png 王五" {
		t.Errorf("after the change: %s, %v", f.PNG, err)
	}
}

func TestUnknownIsNeitherYesNorNo(t *testing.T) {
	t.Parallel()
	s := world(&drawer{})
	s.SetUnknown(true)
	if f, err := s.Represents(t.Context(), uscc, legal); err != nil || f.Answer != registry.Unknown || f.OrgName != "" {
		t.Errorf("%+v, %v", f, err)
	}
	s.SetUnknown(false)
	if f, err := s.Represents(t.Context(), uscc, legal); err != nil || f.Answer != registry.Yes {
		t.Errorf("%+v, %v", f, err)
	}
}

func TestSlowAnswersEndWithTheAsker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := world(&drawer{})
		s.SetDelay(3 * time.Second)
		began := time.Now()
		if f, err := s.Represents(t.Context(), uscc, legal); err != nil || f.Answer != registry.Yes || time.Since(began) != 3*time.Second {
			t.Errorf("%+v, %v after %v", f, err, time.Since(began))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Impression(ctx, uscc, "statutory"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient: %v", err)
		}
	})
}

func TestSandboxSaysSo(t *testing.T) {
	t.Parallel()
	var provider interface{ Sandbox() bool } = world(nil)
	if !provider.Sandbox() {
		t.Error("production would take it")
	}
}

// A filed number is shaped like one: a division and seven digits.
func TestFilingNumber(t *testing.T) {
	t.Parallel()
	o := registry.Organization{USCC: uscc, Region: "350100"}
	a, b := registry.FilingNumber(o, "statutory"), registry.FilingNumber(o, "finance")
	if a == b || a != registry.FilingNumber(o, "statutory") {
		t.Errorf("%s and %s", a, b)
	}
	for _, n := range []string{a, b} {
		if _, err := codes.ParseRegion(n[:6]); err != nil || len(n) != 13 || strings.Trim(n, "0123456789") != "" {
			t.Errorf("number %q", n)
		}
	}
}
