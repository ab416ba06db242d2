package statement_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

// batch is an approval of n documents that name their seal.
func batch(t *testing.T, n int) statement.Approval {
	t.Helper()
	a := annexAValues(t)
	a.Docs = nil
	for i := range n {
		a.Docs = append(a.Docs, statement.Doc{
			SM3: gm.SM3(fmt.Appendf(nil, "file %d", i)), DTBS: gm.SM3(fmt.Appendf(nil, "dtbs %d", i)), Pages: 2, Seal: 1,
			Place: statement.Place{Page: 1, X: 10, Y: 20, W: 42, H: 42}, Title: fmt.Sprintf("申请书-%03d.pdf", i+1),
		})
	}
	return a
}

// read gives an approval as somebody reads it from its bytes.
func read(t *testing.T, a statement.Approval) statement.Approval {
	t.Helper()
	head, err := a.Head()
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := statement.ParseApproval(statement.Complete(head, "417"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBatchesStandInTheStatementOrBesideIt(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, statement.MaxInline, statement.MaxInline + 1, 300, statement.MaxDocs} {
		a := batch(t, n)
		b := read(t, a)
		if b.Total() != n || b.Listed() != (n > statement.MaxInline) || b.DocsRoot != statement.DocsRoot(a.Docs) {
			t.Fatalf("%d documents: read %d, listed %v", n, b.Total(), b.Listed())
		}
		manifest, err := a.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if !b.Listed() {
			if !slices.Equal(a.Docs, b.Docs) {
				t.Errorf("%d documents: other lines", n)
			}
			continue
		}
		head, _ := a.Head()
		if len(b.Docs) != 0 || bytes.Contains(head, []byte("doc.1:")) {
			t.Errorf("%d documents: lines in the statement", n)
		}
		whole, err := b.With(manifest)
		if err != nil || !slices.Equal(whole.Docs, a.Docs) {
			t.Fatalf("%d documents: %v", n, err)
		}
		if again, err := whole.Head(); err != nil || !bytes.Equal(again, head) {
			t.Errorf("%d documents: the manifest changes the statement: %v", n, err)
		}
	}
}

// AT-042: a manifest that is not the very list of the statement is refused.
func TestAT042ManifestIsTheListOrNothing(t *testing.T) {
	t.Parallel()
	a := batch(t, statement.MaxDocs)
	b := read(t, a)
	good, err := a.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(good), "\n"), "\n")
	join := func(change func([]string) []string) []byte {
		return []byte(strings.Join(change(slices.Clone(lines)), ""))
	}
	renumbered := func(swap func([]statement.Doc)) []byte {
		c := batch(t, statement.MaxDocs)
		swap(c.Docs)
		m, err := c.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for name, manifest := range map[string][]byte{
		"nothing":           nil,
		"one entry changed": renumbered(func(d []statement.Doc) { d[250].SM3 = gm.SM3([]byte("another")) }),
		"a title changed":   renumbered(func(d []statement.Doc) { d[499].Title = "x" }),
		"a place changed":   renumbered(func(d []statement.Doc) { d[0].Place.X = 11 }),
		"reordered":         renumbered(func(d []statement.Doc) { d[10], d[11] = d[11], d[10] }),
		"duplicated":        renumbered(func(d []statement.Doc) { d[10] = d[11] }),
		"lines swapped":     join(func(l []string) []string { l[10], l[11] = l[11], l[10]; return l }),
		"one missing":       join(func(l []string) []string { return l[:499] }),
		"one missing inside": join(func(l []string) []string {
			return slices.Delete(l, 250, 251)
		}),
		"one more":         append(slices.Clone(good), "doc.501: x\n"...),
		"one twice":        join(func(l []string) []string { return append(l, l[499]) }),
		"no last LF":       bytes.TrimSuffix(good, []byte("\n")),
		"one more LF":      append(slices.Clone(good), '\n'),
		"CR LF":            bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"BOM":              append([]byte("\ufeff"), good...),
		"another spelling": bytes.Replace(good, []byte("p1:10.0"), []byte("p1:10.00"), 1),
		"another seal":     bytes.Replace(good, []byte("seal=s1"), []byte("seal=s2"), 1),
		"too long":         bytes.Repeat([]byte("x"), statement.MaxManifest+1),
	} {
		if whole, err := b.With(manifest); !errors.Is(err, fault.StatementBad) || whole.Total() != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := b.With(good); err != nil {
		t.Errorf("the list itself: %v", err)
	}
	other := b
	other.Count = 499
	if _, err := other.With(join(func(l []string) []string { return l[:499] })); err == nil {
		t.Error("a count that is off")
	}
	if _, err := read(t, batch(t, 3)).With(nil); err == nil {
		t.Error("a manifest for a statement that holds its lines")
	}
}

// sm3 lets the library walk our tree.
type sm3 struct{}

func (sm3) EmptyRoot() []byte               { d := gm.SM3(); return d[:] }
func (sm3) HashLeaf(b []byte) []byte        { d := gm.SM3([]byte{0}, b); return d[:] }
func (sm3) HashChildren(l, r []byte) []byte { d := gm.SM3([]byte{1}, l, r); return d[:] }
func (sm3) Size() int                       { return 32 }

// Root and proofs are those of RFC 9162, by somebody else's code.
func TestTreeIsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 70; n++ {
		a := read(t, batch(t, n))
		docs := batch(t, n).Docs
		tree := (&compact.RangeFactory{Hash: sm3{}.HashChildren}).NewEmptyRange(0)
		for i := range docs {
			p, err := statement.Prove(docs, i+1)
			if err != nil {
				t.Fatal(err)
			}
			if err := tree.Append(sm3{}.HashLeaf([]byte(p.Line)), nil); err != nil {
				t.Fatal(err)
			}
			if d, err := a.Proved(p); err != nil || d != docs[i] {
				t.Fatalf("document %d of %d: %v", i+1, n, err)
			}
			path := make([][]byte, len(p.Path))
			for j := range p.Path {
				path[j] = p.Path[j][:]
			}
			if err := proof.VerifyInclusion(sm3{}, uint64(i), uint64(n), sm3{}.HashLeaf([]byte(p.Line)), path, a.DocsRoot[:]); err != nil {
				t.Fatalf("document %d of %d: %v", i+1, n, err)
			}
		}
		root, err := tree.GetRootHash(nil)
		if err != nil || !bytes.Equal(root, a.DocsRoot[:]) {
			t.Fatalf("%d documents: another root, %v", n, err)
		}
	}
}

func TestProofsOfOtherLinesAreRefused(t *testing.T) {
	t.Parallel()
	docs := batch(t, 77).Docs
	a := read(t, batch(t, 77))
	for name, change := range map[string]func(*statement.Proof){
		"another number":          func(p *statement.Proof) { p.Index = 8 },
		"no number":               func(p *statement.Proof) { p.Index = 0 },
		"beyond the list":         func(p *statement.Proof) { p.Index = 78 },
		"another line":            func(p *statement.Proof) { p.Line = strings.Replace(p.Line, "pages=2", "pages=3", 1) },
		"another spelling":        func(p *statement.Proof) { p.Line += " " },
		"two lines":               func(p *statement.Proof) { p.Line += "\n" + p.Line },
		"a shorter path":          func(p *statement.Proof) { p.Path = p.Path[1:] },
		"a longer path":           func(p *statement.Proof) { p.Path = append(p.Path, gm.Digest{}) },
		"a path upside down":      func(p *statement.Proof) { slices.Reverse(p.Path) },
		"an inner node as a leaf": func(p *statement.Proof) { p.Line = string(p.Path[0][:]) + string(p.Path[0][:]) },
	} {
		p, err := statement.Prove(docs, 7)
		if err != nil {
			t.Fatal(err)
		}
		change(&p)
		if _, err := a.Proved(p); !errors.Is(err, fault.StatementBad) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, i := range []int{0, -1, 78} {
		if _, err := statement.Prove(docs, i); err == nil {
			t.Errorf("proof for line %d", i)
		}
	}
}
