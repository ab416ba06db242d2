package statement

import (
	"fmt"

	"yunzhang.dev/cloudseal/gm"
)

// DocsRoot is the Merkle root over the doc.i lines without LF, shaped as in
// RFC 9162 §2.1.1 with SM3. It commits a batch to every document and its
// number.
func DocsRoot(docs []Doc) gm.Digest { return merkle(leaves(docs)) }

func leaves(docs []Doc) []gm.Digest {
	all := make([]gm.Digest, len(docs))
	for i, d := range docs {
		place, _ := d.Place.format() // a place that cannot be written fails in Head
		all[i] = leaf(docKey(i) + ": " + d.value(place))
	}
	return all
}

func leaf(line string) gm.Digest { return gm.SM3([]byte{0}, []byte(line)) }

func node(left, right gm.Digest) gm.Digest { return gm.SM3([]byte{1}, left[:], right[:]) }

func merkle(leaves []gm.Digest) gm.Digest {
	switch len(leaves) {
	case 0:
		return gm.SM3()
	case 1:
		return leaves[0]
	}
	k := split(len(leaves))
	return node(merkle(leaves[:k]), merkle(leaves[k:]))
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// Proof shows that a doc line belongs to the list of an approval without
// showing the other lines (RFC 9162 §2.1.3).
type Proof struct {
	Index int         // of the line, from 1
	Line  string      // "doc.7: sm3=…", without LF
	Path  []gm.Digest // from the leaf to the root
}

// Prove makes the proof for line i, from 1.
func Prove(docs []Doc, i int) (Proof, error) {
	if i < 1 || i > len(docs) {
		return Proof{}, badManifest(lineErr("docs", errRange))
	}
	value, err := docs[i-1].format()
	if err != nil {
		return Proof{}, badManifest(lineErr(docKey(i-1), err))
	}
	return Proof{Index: i, Line: docKey(i-1) + ": " + value, Path: path(leaves(docs), i-1)}, nil
}

func path(leaves []gm.Digest, i int) []gm.Digest {
	if len(leaves) <= 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(path(leaves[:k], i), merkle(leaves[k:]))
	}
	return append(path(leaves[k:], i-k), merkle(leaves[:k]))
}

// Proved gives the document of a proof if it belongs to the approval, else
// fault.StatementBad.
func (a Approval) Proved(p Proof) (Doc, error) {
	if p.Index < 1 || p.Index > a.Total() {
		return Doc{}, badManifest(lineErr("docs", errRange))
	}
	d, err := a.docLine(p.Index-1, p.Line)
	if err != nil {
		return Doc{}, err
	}
	root, ok := climb(leaf(p.Line), p.Path, p.Index-1, a.Total())
	if !ok || root != a.DocsRoot {
		return Doc{}, badManifest(lineErr("docs-root", errForm))
	}
	return d, nil
}

// climb gives the root that a path leads to from leaf i of n; false when the
// path has not the length that such a leaf has.
func climb(at gm.Digest, path []gm.Digest, i, n int) (gm.Digest, bool) {
	if n == 1 {
		return at, len(path) == 0
	}
	if len(path) == 0 {
		return at, false
	}
	k, last := split(n), path[len(path)-1]
	if i < k {
		left, ok := climb(at, path[:len(path)-1], i, k)
		return node(left, last), ok
	}
	right, ok := climb(at, path[:len(path)-1], i-k, n-k)
	return node(last, right), ok
}

// docLine reads one whole doc line, which must be spelled as it is built.
func (a Approval) docLine(i int, line string) (Doc, error) {
	r := &reader{rest: line + "\n"}
	var d Doc
	get(r, docKey(i), doc(), &d)
	if r.err != nil {
		return Doc{}, badManifest(r.err)
	}
	value, err := d.format()
	switch {
	case err != nil:
		return Doc{}, badManifest(err)
	case docKey(i)+": "+value != line:
		return Doc{}, badManifest(fmt.Errorf("line %q: not canonical", docKey(i)))
	case !a.names(d.Seal):
		return Doc{}, badManifest(fmt.Errorf("line %q: %w", docKey(i), errRange))
	}
	return d, nil
}
