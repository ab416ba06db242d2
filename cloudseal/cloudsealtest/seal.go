package cloudsealtest

import (
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/impression"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
)

var drawn = sync.OnceValues(func() (impression.Picture, error) {
	return impression.New().Draw(impression.Spec{Kind: impression.Statutory, Name: Org.Name, Number: "3301061234567"})
})

// Impression is the organization's seal as drawn, at 600 dpi.
func Impression(t testing.TB) impression.Picture {
	t.Helper()
	p, err := drawn()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// MakeSeal makes certificate and seal of a key, valid for three years from
// Start. edit, if any, changes the seal before the maker signs it.
func (p *PKI) MakeSeal(t testing.TB, code string, key gm.PublicKey, org statement.Org, edit ...func(*ses.SealSpec)) (certificate, seal []byte) {
	t.Helper()
	from, to := Start, Start.Add(3*365*24*time.Hour)
	certificate, err := p.Issuing.IssueSealCertificate(ca.SealSubject{Code: code, USCC: org.USCC, Name: org.Name}, key, ca.Period{From: from, To: to})
	if err != nil {
		t.Fatal(err)
	}
	picture := Impression(t)
	spec := ses.SealSpec{
		Vendor: "test", Code: code, Type: 1, Name: org.Name, Signers: [][]byte{certificate}, Created: from, ValidFrom: from, ValidTo: to,
		Picture: ses.Picture{Type: "PNG", Data: picture.PNG, Width: int(picture.Width), Height: int(picture.Height)},
	}
	for _, f := range edit {
		f(&spec)
	}
	info, err := ses.SealInfo(spec)
	if err != nil {
		t.Fatal(err)
	}
	signed := sign(t, p.MakerKey, info)
	seal, err = ses.AssembleSeal(info, p.MakerCertificate, signed.Sig)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, seal
}

// NewSeal has the signer make a key and certifies it with a fresh seal.
func (p *PKI) NewSeal(t testing.TB, signer *keys.Signer, code string, org statement.Org, edit ...func(*ses.SealSpec)) (seal []byte, ref statement.Ref) {
	t.Helper()
	key, err := signer.Create(t.Context(), code, 1, org.USCC)
	if err != nil {
		t.Fatal(err)
	}
	certificate, seal := p.MakeSeal(t, code, key, org, edit...)
	if err := signer.Certify(t.Context(), code, 1, certificate, seal); err != nil {
		t.Fatal(err)
	}
	return seal, statement.Ref{ID: code, Hash: gm.SM3(seal)}
}

// Job prepares a document for a seal: page 1, 120 mm right, 200 mm down. n
// numbers it.
func Job(t testing.TB, original, seal []byte, n int) keys.Job {
	t.Helper()
	file, err := pdf.Open(original)
	if err != nil {
		t.Fatal(err)
	}
	p := Impression(t)
	at := pdf.Place{Page: 1, X: 120, Y: 200, W: p.Width, H: p.Height}
	prepared, err := file.Place(at, pdf.Picture{PNG: p.PNG, Width: p.Width, Height: p.Height}, pdf.PlaceOptions{Slot: (len(seal) + 8<<10) &^ 1023})
	if err != nil {
		t.Fatal(err)
	}
	sm3, dtbs, err := prepared.Digests(original)
	if err != nil {
		t.Fatal(err)
	}
	return keys.Job{
		Document: "doc_" + string(rune('a'+n-1)), Seal: seal, Original: original, Prepared: prepared,
		Line: statement.Doc{SM3: sm3, DTBS: dtbs, Pages: len(file.Pages()), Seal: 1, Place: statement.Place(at), Title: "申报表.pdf"},
	}
}

// Lines gives the statement's lines for jobs.
func Lines(jobs []keys.Job) []statement.Doc {
	lines := make([]statement.Doc, len(jobs))
	for i, j := range jobs {
		lines[i] = j.Line
	}
	return lines
}
