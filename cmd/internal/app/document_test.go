package app_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// paper is a document, where its stamp goes, and what the node made of it.
type paper struct {
	name     string
	original []byte
	x, y     float64 // mm, on its first page
	stamped  []byte
	bundle   []byte // for offline verifiers
}

// papers are the documents that are stamped, each on some of its text.
func papers(t *testing.T) []paper {
	t.Helper()
	demo, err := os.ReadFile("../drive/sample.pdf")
	check(t, err)
	return []paper{
		{name: "sample.pdf", original: demo, x: 130.5, y: 150},
		{name: "ff.pdf", original: samplePDF(t, "ff.pdf"), x: 85, y: 80.3},
		{name: "Test3.pdf", original: samplePDF(t, "Test3.pdf"), x: 85, y: 120},
	}
}

// stamp has a document stamped over the public interfaces.
func (p *party) stamp(t *testing.T, one paper) paper {
	t.Helper()
	d, err := p.system.Upload(t.Context(), one.name, one.original)
	check(t, err)
	p.bindAtOnce(t, p.system, "doc")
	r, err := p.system.Ask(t.Context(), drive.StampAsk("doc", uscc, d.ID, 1, one.x, one.y))
	check(t, err)
	defer r.Page.Close()
	check(t, drive.Confirm(t.Context(), p.agent, r))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
	one.stamped, err = p.system.Stamped(t.Context(), d.ID)
	check(t, err)
	one.bundle, err = p.system.Evidence(t.Context(), r.Ticket)
	check(t, err)
	return one
}

func trustOf(t *testing.T, bundle []byte) verify.Trust {
	t.Helper()
	b, err := verify.ParseBundle(bundle)
	check(t, err)
	trust, err := b.Trust()
	check(t, err)
	return trust
}

// Real documents, stamped by a running node, then looked at with the tools of
// others and with their bytes changed.
func TestStampedDocuments(t *testing.T) {
	t.Parallel()
	p := newParty(t, 10, app.Options{})
	all := papers(t)
	for i, one := range all {
		all[i] = p.stamp(t, one)
	}
	for i, one := range all {
		t.Run(one.name, func(t *testing.T) {
			verdict(t, one.stamped, one.bundle, i+1)
			t.Run("openssl", func(t *testing.T) { p.opensslAgrees(t, one) })
			t.Run("qpdf", func(t *testing.T) { qpdfAgrees(t, one.stamped) })
			t.Run("rendered", func(t *testing.T) { looksRight(t, one) })
			t.Run("stamped again", func(t *testing.T) { p.twice(t, one) })
			t.Run("changed", func(t *testing.T) { noChangePasses(t, one, one.name == "ff.pdf") })
		})
	}
}

// qpdfAgrees: qpdf warns of anything it had to repair, with another exit status.
func qpdfAgrees(t *testing.T, file []byte) {
	t.Helper()
	if _, err := exec.LookPath("qpdf"); err != nil {
		t.Skip("needs qpdf: the structure of stamped files is cross-checked with it")
	}
	path := filepath.Join(t.TempDir(), "stamped.pdf")
	check(t, os.WriteFile(path, file, 0o600))
	if out, err := exec.Command("qpdf", "--check", path).CombinedOutput(); err != nil {
		t.Errorf("qpdf: %v\n%s", err, out)
	}
}

// twice stamps the stamped file: the first stamp stays what it was.
func (p *party) twice(t *testing.T, one paper) {
	again := p.stamp(t, paper{name: one.name, original: one.stamped, x: 20, y: 230})
	if !bytes.HasPrefix(again.stamped, one.stamped) {
		t.Fatal("the stamped file was rewritten")
	}
	both, err := verify.ParseBundle(again.bundle)
	check(t, err)
	first, err := verify.ParseBundle(one.bundle)
	check(t, err)
	maps.Copy(both.Approvals, first.Approvals)
	trust, err := both.Trust()
	check(t, err)
	r := verify.Document(again.stamped, trust)
	if r.Verdict != verify.Genuine || len(r.Stamps) != 2 {
		t.Fatalf("%s, %d stamps: %+v", r.Verdict, len(r.Stamps), r)
	}
	for i, want := range []map[verify.Name]string{
		{verify.LaterChanges: "stamps-only", verify.Coverage: "whole-revision"},
		{verify.LaterChanges: "none", verify.Coverage: "whole-file"},
	} {
		for _, c := range r.Stamps[i].Checks {
			if code, ok := want[c.Name]; ok && (c.Code != code || c.Answer != verify.Yes) {
				t.Errorf("stamp %d: %s is %s, %s", i+1, c.Name, c.Answer, c.Code)
			}
		}
		if e := r.Stamps[i].Evidence; e == nil || e.Proved == nil {
			t.Errorf("stamp %d: evidence %+v", i+1, e)
		}
	}
	qpdfAgrees(t, again.stamped)
}

// cutting is a signature cut out of a file by its looks, with no PDF parser.
type cutting struct {
	array, digits [2]int // from, to: inside the brackets of ByteRange and Contents
	covered       [4]int
	der           []byte // the first value of Contents
}

var signature = regexp.MustCompile(`/ByteRange\s*\[([\d\s]+)\]\s*/Contents\s*<([0-9a-fA-F]+)>`)

// cutOut cuts the only signature out of a file.
func cutOut(t *testing.T, file []byte) cutting {
	t.Helper()
	all := signature.FindAllSubmatchIndex(file, -1)
	if len(all) != 1 {
		t.Fatalf("%d signatures in the file", len(all))
	}
	at := all[0]
	c := cutting{array: [2]int{at[2], at[3]}, digits: [2]int{at[4], at[5]}}
	numbers := strings.Fields(string(file[at[2]:at[3]]))
	if len(numbers) != 4 {
		t.Fatalf("ByteRange %v", numbers)
	}
	for i, n := range numbers {
		var err error
		c.covered[i], err = strconv.Atoi(n)
		check(t, err)
	}
	contents, err := hex.DecodeString(string(file[at[4]:at[5]]))
	check(t, err)
	var value asn1.RawValue
	_, err = asn1.Unmarshal(contents, &value)
	check(t, err)
	c.der = value.FullBytes
	return c
}

// bytes gives what the signature covers; everything else must be Contents.
func (c cutting) bytes(t *testing.T, file []byte) []byte {
	t.Helper()
	if c.covered[0] != 0 || c.covered[1] != c.digits[0]-1 || c.covered[2] != c.digits[1]+1 || c.covered[2]+c.covered[3] != len(file) {
		t.Fatalf("ByteRange %v does not cover all but Contents at %v", c.covered, c.digits)
	}
	return append(bytes.Clone(file[:c.covered[1]]), file[c.covered[2]:]...)
}
