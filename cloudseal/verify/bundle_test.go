package verify_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
)

// bundleOf makes the bundle of a forge's stamp, with a list that knows these
// events.
func bundleOf(f *forge, events ...status.Event) *verify.Bundle {
	f.t.Helper()
	b := verify.NewBundle(cloudsealtest.Host)
	b.Roots = [][]byte{f.pki.Root.Certificate()}
	b.Intermediates = [][]byte{f.pki.Issuing.Certificate()}
	b.Authorities = [][]byte{f.pki.AuthorityKey.Public().SPKI()}
	b.StatusKeys = [][]byte{f.pki.StatusKey.Public().SPKI()}
	history := append(status.History{{State: status.Usable, From: cloudsealtest.Start}}, events...)
	list := status.NewList(cloudsealtest.Host, 1, []gm.Digest{gm.SM3(f.makerCert)}, f.time.Add(time.Hour), f.time.Add(2*time.Hour),
		[]status.Entry{{Seal: code, Events: history}})
	bytes := f.must(list.Bytes())
	b.Status = verify.Signed{Statement: bytes, Signature: f.must(f.pki.StatusKey.Sign(bytes))}
	if f.trust.Source != nil {
		b.Put(f.trust.Source.(one).st)
	}
	return b
}

// offline verifies with nothing but the bundle's file.
func offline(t *testing.T, file []byte, b *verify.Bundle) verify.Report {
	t.Helper()
	data, err := b.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	read, err := verify.ParseBundle(data)
	if err != nil {
		t.Fatal(err)
	}
	trust, err := read.Trust()
	if err != nil {
		t.Fatal(err)
	}
	return verify.Document(file, trust)
}

func TestOffline(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	file := f.make()
	r := offline(t, file, bundleOf(f))
	s := r.Stamps[0]
	if r.Verdict != verify.Genuine || s.Answer(verify.Status) != verify.Yes || s.Answer(verify.Evidence) != verify.Yes {
		t.Errorf("%s %+v", r.Verdict, s.Checks)
	}
	frozen := status.Event{State: status.Frozen, From: f.time.Add(-time.Second)}
	if r := offline(t, file, bundleOf(f, frozen)); r.Verdict != verify.Invalid {
		t.Errorf("frozen before: %s", r.Verdict)
	}
	frozen.From = f.time.Add(time.Second)
	if r := offline(t, file, bundleOf(f, frozen)); r.Verdict != verify.Genuine {
		t.Errorf("frozen afterwards: %s", r.Verdict)
	}
	empty := bundleOf(f)
	empty.Approvals, empty.Status = map[string]verify.Statements{}, verify.Signed{}
	r = offline(t, file, empty)
	if s := r.Stamps[0]; r.Verdict != verify.Genuine || s.Answer(verify.Status) != verify.NotChecked || s.Answer(verify.Evidence) != verify.NotChecked {
		t.Errorf("roots only: %s %+v", r.Verdict, s.Checks)
	}
}

func TestTheAnchorNamesWhatIsTrusted(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.make()
	b := bundleOf(f)
	anchor := b.Anchor()
	b.Approvals = nil
	b.Status = verify.Signed{}
	if b.Anchor() != anchor {
		t.Error("evidence changes the anchor")
	}
	b.Authorities = append(b.Authorities, cloudsealtest.Key(t).Public().SPKI())
	if b.Anchor() == anchor {
		t.Error("another authority does not change the anchor")
	}
	moved := bundleOf(f)
	moved.StatusKeys, moved.Authorities = moved.Authorities, moved.StatusKeys
	if moved.Anchor() == anchor {
		t.Error("keys in each other's office do not change the anchor")
	}
}

func TestParseBundleIsStrict(t *testing.T) {
	t.Parallel()
	f := newForge(t)
	f.make()
	good, err := bundleOf(f).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	replaced := func(old, new string) []byte {
		b := bytes.Replace(good, []byte(old), []byte(new), 1)
		if bytes.Equal(b, good) {
			t.Fatalf("no %q in the bundle", old)
		}
		return b
	}
	spoiled := func(change func(*verify.Bundle)) []byte {
		b := bundleOf(f)
		change(b)
		return f.must(b.Bytes())
	}
	for name, bad := range map[string][]byte{
		"empty":                  {},
		"trailing data":          append(bytes.Clone(good), "{}"...),
		"another version":        replaced("cseal-bundle/1", "cseal-bundle/2"),
		"an unknown member":      replaced(`"issuer"`, `"extra": 1, "issuer"`),
		"a member twice":         replaced(`"issuer"`, `"issuer": "x", "issuer"`),
		"a member in capitals":   replaced(`"issuer"`, `"Issuer"`),
		"bad base64":             replaced(`"roots": [`, `"roots": ["*",`),
		"a root that is none":    spoiled(func(b *verify.Bundle) { b.Roots = append(b.Roots, []byte("x")) }),
		"an end certificate":     spoiled(func(b *verify.Bundle) { b.Roots = append(b.Roots, f.certificate) }),
		"a key that is none":     spoiled(func(b *verify.Bundle) { b.Authorities = [][]byte{[]byte("x")} }),
		"a status key of no use": spoiled(func(b *verify.Bundle) { b.StatusKeys = [][]byte{cloudsealtest.Key(t).Public().SPKI()} }),
		"a list of another host": spoiled(func(b *verify.Bundle) { b.Issuer = "other.example.cn" }),
		"a changed list":         spoiled(func(b *verify.Bundle) { b.Status.Statement = append(b.Status.Statement, '\n') }),
		"too many roots":         spoiled(func(b *verify.Bundle) { b.Roots = make([][]byte, 101) }),
		"deep nesting":           []byte(strings.Repeat("[", 20000)),
		"a signed list that lies": spoiled(func(b *verify.Bundle) {
			b.Status.Statement = []byte("x")
			b.Status.Signature = f.must(f.pki.StatusKey.Sign([]byte("x")))
		}),
	} {
		if _, err := verify.ParseBundle(bad); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	read, err := verify.ParseBundle(good)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read.Bytes()
	if err != nil || !bytes.Equal(again, good) {
		t.Errorf("read and written again: %v", err)
	}
}

func FuzzParseBundle(f *testing.F) {
	fg := newForge(f)
	fg.make()
	good, err := bundleOf(fg).Bytes()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"format":"cseal-bundle/1","issuer":"x","roots":[],"intermediates":[],"authorities":[],"status_keys":[],"approvals":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := verify.ParseBundle(data)
		if err != nil {
			return
		}
		if _, err := b.Trust(); err != nil {
			t.Fatalf("accepted, and cannot be used: %v", err)
		}
		again, err := b.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := verify.ParseBundle(again); err != nil {
			t.Fatalf("accepted %q, wrote %q: %v", data, again, err)
		}
	})
}
