package cloudseal_test

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/verify"
)

func TestABundleProvesTheStampOffline(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Hour)
	bundle, err := w.Service.Bundle(t.Context(), r.Evidence.Approval.Hash())
	if err != nil {
		t.Fatal(err)
	}
	file, err := bundle.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	read, err := verify.ParseBundle(file)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := read.Trust()
	if err != nil {
		t.Fatal(err)
	}
	report := verify.Document(w.Result(r.Batch.Documents[0]), trust)
	s := report.Stamps[0]
	if report.Verdict != verify.Genuine || s.Answer(verify.Evidence) != verify.Yes || s.Answer(verify.Status) != verify.Yes {
		t.Errorf("%s: %+v", report.Verdict, s.Checks)
	}
	if _, err := w.Service.Bundle(t.Context(), gm.SM3([]byte("no such approval"))); !errors.Is(err, fault.Absent) {
		t.Errorf("bundle of an unknown approval: %v", err)
	}
}
