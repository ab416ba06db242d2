package statement

import (
	"bytes"
	"errors"
	"strings"

	"yunzhang.dev/authz/fault"
)

// Total is how many documents, which is how many stamps, the approval is for.
func (a Approval) Total() int {
	if a.Count == 0 {
		return len(a.Docs)
	}
	return a.Count
}

// Listed reports that the doc lines stand in a manifest beside the statement.
func (a Approval) Listed() bool { return a.Total() > MaxInline }

// Manifest gives the doc lines of a batch whose statement does not hold them:
// exactly the lines that docs-root is made of, one LF after each. It fails with
// fault.StatementBad.
func (a Approval) Manifest() ([]byte, error) {
	b := &builder{}
	b.manifest(&a)
	if b.err == nil && len(a.Docs) != a.Total() {
		b.fail("docs", errRange)
	}
	var out bytes.Buffer
	for i, d := range a.Docs {
		value, err := d.format()
		if err != nil {
			b.fail(docKey(i), err)
			break
		}
		out.WriteString(docKey(i) + ": " + value + "\n")
	}
	if b.err == nil && out.Len() > MaxManifest {
		b.err = errTooLong
	}
	if b.err != nil {
		return nil, badManifest(b.err)
	}
	return out.Bytes(), nil
}

var errTooLong = errors.New("the manifest is too long")

// manifest checks lines that stand outside of the statement as it would check
// lines in it.
func (b *builder) manifest(a *Approval) {
	if a.short() {
		b.fail("seal", errNotHere) // its form is for one seal and lines in the statement
	}
	for i, d := range a.Docs {
		if _, err := d.format(); err != nil {
			b.fail(docKey(i), err)
		}
		if !a.names(d.Seal) {
			b.fail(docKey(i), errRange)
		}
	}
}

// With adds the manifest to an approval that was read. Anything but the very
// list that its count and root stand for is fault.StatementBad: a line changed,
// moved, doubled or missing, or spelled otherwise.
func (a Approval) With(manifest []byte) (Approval, error) {
	if !a.Listed() || len(a.Docs) > 0 || len(manifest) > MaxManifest {
		return Approval{}, badManifest(errNotHere)
	}
	lines := strings.Split(string(manifest), "\n")
	if len(lines) != a.Total()+1 || lines[a.Total()] != "" {
		return Approval{}, badManifest(errors.New("another number of lines than the statement says"))
	}
	docs := make([]Doc, a.Total())
	for i := range docs {
		var err error
		if docs[i], err = a.docLine(i, lines[i]); err != nil {
			return Approval{}, err
		}
	}
	if DocsRoot(docs) != a.DocsRoot {
		return Approval{}, badManifest(errors.New("another root than the statement says"))
	}
	a.Docs = docs
	return a, nil
}

func badManifest(err error) error { return fault.StatementBad.Becausef("read manifest: %w", err) }
