package ses_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

func TestHostileInputIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seal, sig := w.seal(t), w.signature(t)
	base := w.parts()
	with := func(change func(p *parts)) []byte {
		p := base
		change(&p)
		return w.flatSeal(t, p.info(), nil)
	}
	for name, der := range map[string][]byte{
		"nothing":             nil,
		"trailing byte":       append(bytes.Clone(seal), 0),
		"cut":                 seal[:len(seal)-1],
		"a signature":         sig,
		"empty sequence":      seq(),
		"indefinite length":   append([]byte{0x30, 0x80}, append(seal[4:], 0, 0)...),
		"length of 4 GiB":     {0x30, 0x84, 0xff, 0xff, 0xff, 0xff},
		"three elements":      seq(base.info(), octets(w.maker.cert), oid(sm2WithSM3)),
		"six elements":        w.flatSeal(t, base.info(), nil, bits(nil), bits(nil)),
		"header of another":   w.flatSeal(t, bytes.Replace(base.info(), ia5("ES"), ia5("EX"), 1), bits(nil)),
		"negative version":    with(func(p *parts) { p.version = -1 }),
		"huge version":        with(func(p *parts) { p.version = 1 << 40 }),
		"name as number":      with(func(p *parts) { p.name = number(1) }),
		"no list":             with(func(p *parts) { p.list = nil }),
		"two times":           with(func(p *parts) { p.times = bytes.Repeat(generalized("20260101010203Z"), 2) }),
		"four times":          with(func(p *parts) { p.times = bytes.Repeat(generalized("20260101010203Z"), 4) }),
		"31st of February":    with(func(p *parts) { p.times = bytes.Repeat(generalized("20260231010203Z"), 3) }),
		"time without zone":   with(func(p *parts) { p.times = bytes.Repeat(generalized("20260101010203"), 3) }),
		"boolean of 7":        with(func(p *parts) { p.exts = seq(seq(anExt, []byte{1, 1, 7}, octets(nil))) }),
		"extension, no value": with(func(p *parts) { p.exts = seq(seq(anExt)) }),
		"empty identifier":    with(func(p *parts) { p.exts = seq(seq([]byte{6, 0}, octets(nil))) }),
		"bits left over":      w.flatSeal(t, base.info(), []byte{3, 2, 1, 0xfe}),
	} {
		if _, err := ses.ParseSeal(der); !errors.Is(err, ses.ErrMalformed) {
			t.Errorf("seal, %s: %v", name, err)
		}
	}
	hash := gm.SM3(nil)
	tbs := seq(number(1), seal, bits([]byte("not a time")), bits(hash[:]), ia5("/p"), octets(w.signer.cert), oid(sm2WithSM3))
	for name, der := range map[string][]byte{
		"nothing":           nil,
		"trailing byte":     append(bytes.Clone(sig), 0),
		"cut":               sig[:len(sig)-1],
		"a seal":            seal,
		"no time in 2014":   seq(tbs, bits(nil)),
		"seal in two wraps": seq(seq(number(4), octets(octets(seal)), generalized("20261122010203Z"), bits(hash[:]), ia5("/p")), octets(w.signer.cert), oid(sm2WithSM3), bits(nil)),
	} {
		if _, err := ses.ParseSignature(der); !errors.Is(err, ses.ErrMalformed) {
			t.Errorf("signature, %s: %v", name, err)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	base := w.parts()
	with := func(change func(p *parts)) []byte {
		p := base
		change(&p)
		return w.flatSeal(t, p.info(), bits(nil))
	}
	for name, der := range map[string][]byte{
		"a large seal":  make([]byte, ses.MaxSeal+1),
		"picture":       w.flatSeal(t, pictureInfo(make([]byte, ses.MaxPicture+1)), bits(nil)),
		"permitted":     with(func(p *parts) { p.list = seq(bytes.Repeat(octets(nil), ses.MaxListed+1)) }),
		"extensions":    with(func(p *parts) { p.exts = seq(bytes.Repeat(seq(anExt, octets(nil)), ses.MaxExtensions+1)) }),
		"one permitted": with(func(p *parts) { p.list = seq(octets(make([]byte, ses.MaxCertificate+1))) }),
		"name":          with(func(p *parts) { p.name = utf(string(make([]byte, ses.MaxText+1))) }),
	} {
		if _, err := ses.ParseSeal(der); !errors.Is(err, ses.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ses.ParseSignature(make([]byte, ses.MaxSignature+1)); !errors.Is(err, ses.ErrTooLarge) {
		t.Errorf("a large signature: %v", err)
	}
	// What is just within the limits is read.
	for name, der := range map[string][]byte{
		"picture":    w.flatSeal(t, pictureInfo(make([]byte, ses.MaxPicture)), bits(nil)),
		"permitted":  with(func(p *parts) { p.list = seq(bytes.Repeat(octets(nil), ses.MaxListed)) }),
		"extensions": with(func(p *parts) { p.exts = seq(bytes.Repeat(seq(anExt, octets(nil)), ses.MaxExtensions)) }),
	} {
		if _, err := ses.ParseSeal(der); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func pictureInfo(data []byte) []byte {
	return seq(
		seq(ia5("ES"), number(4), ia5("V")), ia5("33010600000001"),
		seq(number(1), utf("n"), number(1), seq(), bytes.Repeat(generalized("20260101010203Z"), 3)),
		seq(ia5("PNG"), octets(data), number(40), number(40)),
	)
}

// However the input lies about its lengths and lists, reading it takes one copy
// of it and a bounded rest.
func TestMemoryIsBounded(t *testing.T) {
	w := newWorld(t)
	p := w.parts()
	p.list = seq(bytes.Repeat(octets(nil), ses.MaxSeal/2-1000))
	many := w.flatSeal(t, p.info(), bits(nil))
	p = w.parts()
	p.exts = seq(bytes.Repeat(seq(anExt, octets(nil)), ses.MaxSeal/9-1000))
	extended := w.flatSeal(t, p.info(), bits(nil))
	deep := bytes.Repeat([]byte{0x30, 0x84, 0, 0x2f, 0, 0}, ses.MaxSeal/6)
	for name, der := range map[string][]byte{"list": many, "extensions": extended, "depth": deep} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ses.ParseSeal(der); err == nil {
			t.Errorf("%s: parsed", name)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 2*ses.MaxSeal {
			t.Errorf("%s: %d bytes taken for an input of %d", name, took, len(der))
		}
	}
}

// The views cannot be used to write into a neighbour.
func TestAppendingDoesNotTouchNeighbours(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	input := w.signature(t)
	s := parseSignature(t, input)
	before := bytes.Clone(s.Raw)
	_ = append(s.TBS, 1, 2, 3)
	_ = append(s.Seal.Raw, 1, 2, 3)
	_ = append(s.Seal.Picture.Data, 1, 2, 3)
	_ = append(s.SignerCert, 1, 2, 3)
	input[len(input)-1] ^= 1
	if !bytes.Equal(s.Raw, before) {
		t.Error("Raw changed")
	}
}

// The seeds are small, one of each shape: the fuzzer is slow on large ones, and
// the real files are read in samples_test.go.
func FuzzParseSeal(f *testing.F) {
	w := newSmallWorld(f)
	base := w.parts()
	f.Add(w.seal(f))
	f.Add(w.nestedSeal(f, base.info(), nil))
	f.Add(w.nestedSeal(f, base.info(), bits))
	base.version = 5
	base.exts = seq(seq(anExt, octets([]byte("v"))))
	f.Add(w.flatSeal(f, base.info(), nil, tlv(explicit0, bits([]byte("token")))))
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := ses.ParseSeal(der)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Raw, der) {
			t.Fatal("Raw is not what came in")
		}
		_, _ = s.CheckMaker(), s.Allows(der)
		checkSealRebuild(t, s)
	})
}

func FuzzParseSignature(f *testing.F) {
	w := newSmallWorld(f)
	f.Add(w.signature(f))
	hash := gm.SM3(nil)
	for _, when := range [][]byte{utc("261122010203Z"), bits([]byte("2026-11-22T01:02:03.377Z")), bits(seq())} {
		tbs := seq(number(1), octets(w.seal(f)), when, octets(hash[:]), ia5("/p"), octets(w.signer.cert), oid(sm2WithSM3))
		f.Add(seq(tbs, bits(w.signer.sign(f, tbs))))
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		s, err := ses.ParseSignature(der)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Raw, der) {
			t.Fatal("Raw is not what came in")
		}
		_ = s.CheckSigner()
		_, _ = ses.EvidenceOf(s.Exts)
		if ses.CheckOwn(s) != nil {
			return
		}
		tbs, err := ses.TBS(ses.TBSSpec{Seal: s.Seal.Raw, Time: s.Time, DataHash: gm.Digest(s.DataHash), Property: s.Property, Exts: s.Exts})
		if err != nil || !bytes.Equal(tbs, s.TBS) {
			t.Fatalf("a signature of our form builds to other bytes: %v", err)
		}
	})
}

// checkSealRebuild: a seal of our form builds to the same bytes.
func checkSealRebuild(t *testing.T, s *ses.Seal) {
	if ses.CheckOwnSeal(s) != nil {
		return
	}
	info, err := ses.SealInfo(ses.SealSpec{
		Vendor: s.Vendor, Code: s.Code, Type: s.Type, Name: s.Name, Signers: s.CertList.Certs,
		Created: s.Created, ValidFrom: s.ValidFrom, ValidTo: s.ValidTo, Picture: s.Picture, Exts: s.Exts,
	})
	if err != nil || !bytes.Equal(info, s.Info) {
		t.Fatalf("a seal of our form builds to other bytes: %v", err)
	}
}

// What can be written reads back as what it was, and builds to the same bytes.
func FuzzSealInfo(f *testing.F) {
	w := newSmallWorld(f)
	f.Add("33010600000001", "示例科技有限公司", "PNG", []byte("png"), 1, 40, 40, int64(1767229323), int64(1893459723), []byte("ext"), true)
	f.Fuzz(func(t *testing.T, code, name, kind string, data []byte, typ, width, height int, from, to int64, ext []byte, critical bool) {
		spec := w.sealSpec()
		spec.Code, spec.Name, spec.Type = code, name, typ
		spec.Picture = ses.Picture{Type: kind, Data: data, Width: width, Height: height}
		spec.Created, spec.ValidFrom, spec.ValidTo = time.Unix(from, 0).UTC(), time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC()
		spec.Exts = []ses.Ext{{OID: ses.EvidenceOID(), Critical: critical, Value: ext}}
		info, err := ses.SealInfo(spec)
		if err != nil {
			return
		}
		seal, err := ses.AssembleSeal(info, w.maker.cert, w.maker.sign(t, info))
		if err != nil {
			t.Fatalf("a seal that was built cannot be assembled: %v", err)
		}
		s := parseSeal(t, seal)
		if s.Code != code || s.Name != name || s.Type != typ || !s.ValidFrom.Equal(spec.ValidFrom) || !s.ValidTo.Equal(spec.ValidTo) ||
			s.Picture.Type != kind || !bytes.Equal(s.Picture.Data, data) || s.Picture.Width != width || s.Picture.Height != height ||
			!bytes.Equal(s.Exts[0].Value, ext) || s.Exts[0].Critical != critical {
			t.Fatalf("read back as %+v", s)
		}
	})
}

func FuzzEvidence(f *testing.F) {
	for _, e := range []ses.EvidenceExt{
		{Kind: "owner", Approval: gm.SM3(nil)},
		{Kind: "scan", Approval: gm.SM3(nil), Delegation: gm.SM3(nil), Slot: 300},
	} {
		ext, err := e.Ext()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ext.Value)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := ses.EvidenceOf([]ses.Ext{{OID: ses.EvidenceOID(), Value: value}})
		if err != nil {
			return
		}
		if ext, err := e.Ext(); err != nil || !bytes.Equal(ext.Value, value) {
			t.Fatalf("%+v is written otherwise than it was read: %v", e, err)
		}
	})
}
