package keys_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
)

// write changes a row behind the signer's back.
func write[T any](s *stage, table unit.Table[T], id string, change func(*T)) {
	s.t.Helper()
	err := s.store.DB.Update(s.t.Context(), func(tx unit.Tx) error {
		v, err := table.Get(tx, id)
		if err != nil {
			return err
		}
		change(v)
		return table.Replace(tx, v)
	})
	if err != nil {
		s.t.Fatal(err)
	}
}

// Whoever can write the signer's database (but has not its keys) changes every
// field of every kind of row in turn: the signer notices each.
func TestAT094ChangedFields(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	s.sign(ev, jobs)
	s.stop(keys.StopSeal, "33010600000009")
	look := func() error { _, err := s.signer.Lookup(t.Context(), "tk_1"); return err }
	again := func() error { _, err := s.signer.Sign(t.Context(), ev, jobs); return err }
	eachField(s, s.store.Tables.Journal, keys.EntryID("tk_1", "doc_a"), look, "Ticket") // another ticket's: not found, so not read
	eachField(s, s.store.Tables.Texts, keys.EntryID("tk_1", "doc_a"), again)
	eachField(s, s.store.Tables.Approvals, "tk_1", again)
	eachField(s, s.store.Tables.Keys, keys.KeyID(code, 1), again)
	eachField(s, s.store.Tables.Stops, "seal:33010600000009", func() error {
		return s.signer.Lift(t.Context(), keys.StopSeal, "33010600000009", 2)
	})
}

// A row that the signer wrote himself is no good in another place.
func TestAT094RowsBelongToTheirID(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.stop(keys.StopSeal, code)
	s.stop(keys.StopSeal, "33010600000009")
	if err := s.signer.Lift(t.Context(), keys.StopSeal, "33010600000009", 2); err != nil {
		t.Fatal(err)
	}
	var free keys.Stop
	write(s, s.store.Tables.Stops, "seal:33010600000009", func(v *keys.Stop) { free = *v })
	write(s, s.store.Tables.Stops, "seal:"+code, func(v *keys.Stop) { free.Row = v.Row; *v = free })
	jobs := s.jobs(1)
	if signed, err := s.signer.Sign(t.Context(), s.evidence("tk_1", jobs), jobs); err == nil {
		t.Errorf("%d signatures under a stop that was overwritten", len(signed))
	}
}

// eachField changes one field after the other and wants use to fail, and to
// succeed again when the field is put back.
func eachField[T any](s *stage, table unit.Table[T], id string, use func() error, except ...string) {
	s.t.Helper()
	typ := reflect.TypeFor[T]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		if name == "Row" || strings.Contains(strings.Join(except, " "), name) {
			continue
		}
		var old reflect.Value
		write(s, table, id, func(v *T) {
			f := reflect.ValueOf(v).Elem().Field(i)
			old = reflect.New(f.Type()).Elem()
			old.Set(f)
			spoil(s.t, f)
		})
		if err := use(); err == nil {
			s.t.Errorf("%s.%s changed: not noticed", typ.Name(), name)
		}
		write(s, table, id, func(v *T) { reflect.ValueOf(v).Elem().Field(i).Set(old) })
	}
	if err := use(); err != nil {
		s.t.Errorf("%s put back: %v", typ.Name(), err)
	}
}

// spoil gives a field another value.
func spoil(t testing.TB, f reflect.Value) {
	switch v := f.Addr().Interface().(type) {
	case *string:
		*v += "x"
	case *keys.State:
		*v += "x"
	case *int:
		*v++
	case *int64:
		*v++
	case *bool:
		*v = !*v
	case *[]byte:
		*v = append(bytes.Clone(*v), 1)
	case *gm.Digest:
		v[0] ^= 1
	default:
		if f.CanInterface() && f.Type().String() == "time.Time" {
			f.Set(reflect.ValueOf(cloudsealtest.Start.AddDate(-1, 0, 0)))
			return
		}
		t.Fatalf("a field of type %s: teach spoil about it", f.Type())
	}
}

// AT-096: the wrapped keys of two seals are swapped, with a MAC that fits (the
// attacker has the row key, not the key-encryption key): they do not open.
func TestAT096EnvelopesInTheirPlace(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.pki.NewSeal(t, s.signer, "33010600000002", cloudsealtest.Org)
	var other keys.Key
	write(s, s.store.Tables.Keys, keys.KeyID("33010600000002", 1), func(k *keys.Key) { other = *k })
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	for name, change := range map[string]func(*keys.Key){
		"both envelopes of another seal": func(k *keys.Key) { k.DEK, k.Scalar = other.DEK, other.Scalar },
		"another seal's inner envelope":  func(k *keys.Key) { k.Scalar = other.Scalar },
		"a flipped bit":                  func(k *keys.Key) { k.Scalar = bytes.Clone(k.Scalar); k.Scalar[20] ^= 1 },
		"another owner":                  func(k *keys.Key) { k.Org = "91110000802100433B" },
		"wrapped under another KEK":      func(k *keys.Key) { k.KEK = "0000000000000000" },
	} {
		var good keys.Key
		write(s, s.store.Tables.Keys, keys.KeyID(code, 1), func(k *keys.Key) {
			good = *k
			change(k)
			k.MAC = keys.RowMAC(s.store.MACKey, k)
		})
		if signed, err := s.signer.Sign(t.Context(), ev, jobs); err == nil {
			t.Errorf("%s: %d signatures", name, len(signed))
		}
		write(s, s.store.Tables.Keys, keys.KeyID(code, 1), func(k *keys.Key) { good.Ver = k.Ver; *k = good })
	}
	s.sign(ev, jobs)
}

// Between journal and signature somebody changes what will be signed.
func TestOnlyTheFixedTextIsSigned(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs)
	crash(func() { _, _ = s.reopen(stopAt("journal", 1)).Sign(t.Context(), ev, jobs) })
	id := keys.EntryID("tk_1", "doc_a")
	other := s.evidence("tk_2", s.jobs(1))
	mine, another := ev.Approval.Hash(), other.Approval.Hash()
	var good []byte
	write(s, s.store.Tables.Texts, id, func(v *keys.Text) {
		good = v.TBS
		v.TBS = bytes.Replace(v.TBS, mine[:], another[:], 1)
		if bytes.Equal(good, v.TBS) {
			t.Fatal("nothing changed")
		}
	})
	if _, err := s.signer.Sign(t.Context(), ev, jobs); err == nil || keys.Refusal(err) != nil {
		t.Errorf("another text: %v", err)
	}
	write(s, s.store.Tables.Texts, id, func(v *keys.Text) { v.TBS = good })
	s.sign(ev, jobs)
}

// AT-096: even an envelope that opens is of no use when the key in it is not
// the one of the certificate.
func TestAT096OpenedKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	write(s, s.store.Tables.Keys, keys.KeyID(code, 1), func(k *keys.Key) {
		if err := keys.Rewrap(s.signer, k, cloudsealtest.Key(t)); err != nil {
			t.Fatal(err)
		}
		k.MAC = keys.RowMAC(s.store.MACKey, k)
	})
	jobs := s.jobs(1)
	_, err := s.signer.Sign(t.Context(), s.evidence("tk_1", jobs), jobs)
	if !errors.Is(err, keys.ErrMismatch) {
		t.Errorf("%v", err)
	}
}

func TestWithoutItsKeysTheStoreIsUseless(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string]func(*keys.Deps){
		"another key-encryption key": func(d *keys.Deps) { d.KEK = gm.Random(16) },
		"another row key":            func(d *keys.Deps) { d.MACKey = gm.Random(32) },
		"another authority":          func(d *keys.Deps) { d.Authorities = []gm.PublicKey{cloudsealtest.Key(t).Public()} },
	} {
		s := newStage(t)
		jobs := s.jobs(1)
		if signed, err := s.reopen(edit).Sign(t.Context(), s.evidence("tk_1", jobs), jobs); err == nil {
			t.Errorf("%s: %d signatures", name, len(signed))
		}
	}
}

func TestCreateIsTheSameKeyAgain(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	one, err1 := s.signer.Create(t.Context(), "33010600000002", 1, cloudsealtest.Org.USCC)
	two, err2 := s.signer.Create(t.Context(), "33010600000002", 1, cloudsealtest.Org.USCC)
	three, err3 := s.signer.Create(t.Context(), "33010600000002", 2, cloudsealtest.Org.USCC)
	if err1 != nil || err2 != nil || err3 != nil || !one.Equal(two) || one.Equal(three) {
		t.Errorf("%v %v %v: same %v, next version %v", err1, err2, err3, one.Equal(two), one.Equal(three))
	}
	if _, err := s.signer.Create(t.Context(), "33010600000002", 1, "91110000802100433B"); err == nil {
		t.Error("the key was given to another organization")
	}
	if _, err := s.signer.Create(t.Context(), "", 1, "x"); err == nil {
		t.Error("a key for no seal")
	}
}

func TestCertifyTakesOnlyWhatBelongsTogether(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	create := func(code string) gm.PublicKey {
		key, err := s.signer.Create(t.Context(), code, 1, cloudsealtest.Org.USCC)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	const a, b = "33010600000002", "33010600000003"
	keyA, keyB := create(a), create(b)
	certA, sealA := s.pki.MakeSeal(t, a, keyA, cloudsealtest.Org)
	certB, sealB := s.pki.MakeSeal(t, b, keyB, cloudsealtest.Org)
	broken := bytes.Clone(sealA)
	broken[len(broken)-1] ^= 1
	for name, try := range map[string][2][]byte{
		"certificate of another key": {certB, sealA}, "seal of another code": {certA, sealB},
		"broken seal": {certA, broken}, "no seal": {certA, nil}, "no certificate": {nil, sealA},
	} {
		if s.signer.Certify(t.Context(), a, 1, try[0], try[1]) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for range 2 {
		if err := s.signer.Certify(t.Context(), a, 1, certA, sealA); err != nil {
			t.Fatal(err)
		}
	}
	newCert, newSeal := s.pki.MakeSeal(t, a, keyA, cloudsealtest.Org)
	if s.signer.Certify(t.Context(), a, 1, newCert, newSeal) == nil {
		t.Error("another certificate for the same version")
	}
	if s.signer.Certify(t.Context(), "33010600000008", 1, certA, sealA) == nil {
		t.Error("certificate for a key that does not exist")
	}
}

func TestAnUncertifiedKeySignsNothing(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const bare = "33010600000002"
	key, err := s.signer.Create(t.Context(), bare, 1, cloudsealtest.Org.USCC)
	if err != nil {
		t.Fatal(err)
	}
	_, seal := s.pki.MakeSeal(t, bare, key, cloudsealtest.Org)
	s.seal, s.ref = seal, statement.Ref{ID: bare, Hash: gm.SM3(seal)}
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref})
	jobs := s.jobs(1)
	s.refused(s.evidence("tk_1", jobs), jobs, "seal-state")
}

func TestNewWantsEverything(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for name, edit := range map[string]func(*keys.Deps){
		"short KEK": func(d *keys.Deps) { d.KEK = d.KEK[:8] }, "short row key": func(d *keys.Deps) { d.MACKey = d.MACKey[:31] },
		"no store": func(d *keys.Deps) { d.Work = nil }, "no clock": func(d *keys.Deps) { d.Now = nil },
		"no authority": func(d *keys.Deps) { d.Authorities = nil }, "no issuer": func(d *keys.Deps) { d.Issuer = "" },
		"no journal": func(d *keys.Deps) { d.Tables.Journal = nil },
	} {
		d := keys.Deps{
			Work: s.store.DB, Tables: s.store.Tables, KEK: s.store.KEK, MACKey: s.store.MACKey,
			Authorities: []gm.PublicKey{s.pki.AuthorityKey.Public()}, Issuer: cloudsealtest.Host, Now: s.clock.Now,
		}
		edit(&d)
		if _, err := keys.New(d); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
