package ses_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/ses"
)

// The real seals of standards.md §7.3, with the results measured there.
func TestRealSeals(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		version      int
		shape        ses.Shape
		vendor, code string
		listType     int
		created      time.Time
		exts, mm     int
		maker        error
	}{
		"UserV1.esl":     {1, ses.Nested, "OFDR&WTest", "40C8CDD24DEF43388B86E62CCE1D6832", 0, at("20200422021807"), 0, 40, nil},
		"UserV4.esl":     {4, ses.Flat, "OFDR&WTest", "51f044b76510434e9bc67a1185c2fba5", 1, at("20200422020900"), 0, 40, nil},
		"UserV5_ts.esl":  {5, ses.Flat, "OFDR&WTestV5", "55a4a957189a48f596706fb431e962c5", 1, at("20260424085322"), 0, 40, nil},
		"SESealData.der": {4, ses.Flat, "Vid HebeiGede", "esID130600", 1, at("20201013094558"), 3, 42, ses.ErrSignature},
	} {
		raw := sample(t, "seal/"+name)
		s := parseSeal(t, raw)
		if !bytes.Equal(s.Raw, raw) || s.Hash() != gm.SM3(raw) {
			t.Errorf("%s: Raw is not what came in", name)
		}
		if s.Version != want.version || s.Shape != want.shape || s.Vendor != want.vendor || s.Code != want.code {
			t.Errorf("%s: read as v%d %v, %q, %q", name, s.Version, s.Shape, s.Vendor, s.Code)
		}
		if s.CertList.Type != want.listType || !s.Created.Equal(want.created) || len(s.Exts) != want.exts || s.Picture.Width != want.mm {
			t.Errorf("%s: list %d, created %v, %d extensions, %d mm", name, s.CertList.Type, s.Created, len(s.Exts), s.Picture.Width)
		}
		if err := s.CheckMaker(); !errors.Is(err, want.maker) {
			t.Errorf("%s: maker's signature: %v", name, err)
		}
		if len(s.CertList.Certs) == 0 || !s.Allows(s.CertList.Certs[0]) || s.Allows(s.MakerCert[1:]) || s.Allows(nil) {
			t.Errorf("%s: its list of signers is not kept", name)
		}
	}
}

func TestDetailsOfRealSeals(t *testing.T) {
	t.Parallel()
	s := parseSeal(t, sample(t, "seal/SESealData.der"))
	if s.Name != "测试单位名称 合同专用章" || s.Picture.Type != "GIF" || !bytes.HasPrefix(s.Picture.Data, []byte("GIF89a")) {
		t.Errorf("name %q, picture %s", s.Name, s.Picture.Type)
	}
	if len(s.CertList.Certs) != 2 {
		t.Errorf("%d permitted signers", len(s.CertList.Certs))
	}
	if e := s.Exts; e[0].OID.String() != "1.2.156.112600.7.1" || e[0].Critical || !e[1].Critical || string(e[2].Value) != "HeBeiBaoDingShiCeShiDanWeiMingCheng" {
		t.Errorf("extensions %+v", e)
	}
	if v5 := parseSeal(t, sample(t, "seal/UserV5_ts.esl")); len(v5.TimeStamp) == 0 {
		t.Error("the time stamp of the v5 seal is lost")
	}
}

// The stamps inside the real OFD files, by four makers. Three of them write
// exactly the form that we write.
func TestRealSignatures(t *testing.T) {
	t.Parallel()
	type answers struct {
		sealEntry bool  // there is a Seal.esl
		raw       bool  // the value is r ‖ s
		allowed   bool  // the signer stands in the seal's list
		canonical bool  // byte for byte the form that we write ourselves
		signer    error // of CheckSigner
	}
	for _, want := range []struct {
		file, dir     string
		version, exts int
		when          time.Time
		answers
	}{
		{"v4signed.ofd", "Sign_0", 4, 0, at("20201010071120"), answers{false, false, true, true, nil}},
		{"draw_param_ref.ofd", "Sign_0", 4, 0, at("20200305032131"), answers{true, false, true, true, nil}},
		{"keyword.ofd", "Sign_1", 4, 1, at("20200620091849"), answers{true, true, true, false, nil}},
		{"h.ofd", "Sign_0", 4, 0, at("20200716080427"), answers{true, false, true, true, nil}},
		{"h.ofd", "Sign_1", 4, 0, at("20200716080536"), answers{true, false, true, true, nil}},
		// This maker of 2014 seals lists the text "1" where certificates belong and
		// signs the data hash alone, without Z, in the place of TBS_Sign: seal,
		// time and property are covered by nothing, so it is no signature of them.
		{"n.ofd", "Sign_0", 1, 0, at("20200125073156").Add(377 * time.Millisecond), answers{true, false, false, false, ses.ErrSignature}},
	} {
		t.Run(want.file+" "+want.dir, func(t *testing.T) {
			dir := "Doc_0/Signs/" + want.dir + "/"
			raw := entry(t, "ofd/"+want.file, dir+"SignedValue.dat")
			s := parseSignature(t, raw)
			if !bytes.Equal(s.Raw, raw) {
				t.Error("Raw is not what came in")
			}
			if s.Version != want.version || !s.Time.Equal(want.when) || len(s.Exts) != want.exts || s.Property != "/"+dir+"Signature.xml" {
				t.Errorf("read as v%d, %v, %d extensions, %q", s.Version, s.Time, len(s.Exts), s.Property)
			}
			if err := s.CheckSigner(); !errors.Is(err, want.signer) {
				t.Errorf("signer: %v, want %v", err, want.signer)
			}
			if err := s.Seal.CheckMaker(); err != nil {
				t.Errorf("maker: %v", err)
			}
			if s.Seal.Allows(s.SignerCert) != want.allowed {
				t.Errorf("signer in the seal's list: %v", !want.allowed)
			}
			if (len(s.Value) == 64) != want.raw {
				t.Errorf("the value has %d bytes", len(s.Value))
			}
			if want.sealEntry && !bytes.Equal(s.Seal.Raw, entry(t, "ofd/"+want.file, dir+"Seal.esl")) {
				t.Error("the enclosed seal is not Seal.esl")
			}
			if err := ses.CheckOwn(s); (err == nil) != want.canonical {
				t.Errorf("held against the form we write: %v", err)
			}
		})
	}
}

// dataHash is SM3 of the stored Signature.xml, without Z (standards.md §1.4).
func TestDataHashOfRealSignatures(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"v4signed.ofd", "draw_param_ref.ofd"} {
		dir := "Doc_0/Signs/Sign_0/"
		s := parseSignature(t, entry(t, "ofd/"+file, dir+"SignedValue.dat"))
		if want := gm.SM3(entry(t, "ofd/"+file, dir+"Signature.xml")); !bytes.Equal(s.DataHash, want[:]) {
			t.Errorf("%s: data hash %x, SM3 of the entry %s", file, s.DataHash, want)
		}
	}
}

// Wherever a real stamp is altered, something notices: it does not parse, its
// signature fails, or its signer no longer stands in the seal's list.
func TestAlteredSignatureIsNoticed(t *testing.T) {
	t.Parallel()
	raw := entry(t, "ofd/v4signed.ofd", "Doc_0/Signs/Sign_0/SignedValue.dat")
	for i := 0; i < len(raw); i += 97 {
		b := bytes.Clone(raw)
		b[i] ^= 0x10
		s, err := ses.ParseSignature(b)
		if err == nil && s.CheckSigner() == nil && s.Seal.Allows(s.SignerCert) {
			t.Errorf("byte %d altered: nothing noticed", i)
		}
	}
}

func at(s string) time.Time {
	t, err := time.Parse("20060102150405", s)
	if err != nil {
		panic(err)
	}
	return t
}
