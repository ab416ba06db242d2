package pdf

import (
	"bytes"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// later describes what follows each stamp: the file is cut where the covered
// bytes of each stamp end, and every stretch between two cuts is judged once.
func (s *search) later() {
	size := len(s.file.Data)
	var last *found // that ends the part judged so far
	var stretches []Revision
	for _, f := range s.found {
		end := f.covered(size)
		if end == 0 {
			continue
		}
		f.view = s.viewOf(f, end)
		if last != nil && end > last.covered(size) {
			stretches = append(stretches, s.stretch(last, f))
		}
		if last == nil || end > last.covered(size) || last.view == nil {
			if last != nil {
				last.view = nil // only two views are held at a time
			}
			last = f
		}
	}
	if last != nil && last.covered(size) < size {
		stretches = append(stretches, s.stretch(last, nil))
	}
	for _, f := range s.found {
		end := int64(f.covered(size))
		for _, r := range stretches {
			if end > 0 && r.From >= end {
				f.LaterRevisions = append(f.LaterRevisions, r)
			}
		}
	}
}

// viewOf opens the file as the stamp left it. A stamp whose covered bytes are
// no file with this stamp in it has ProblemRevision.
func (s *search) viewOf(f *found, end int) *cos.File {
	if end == len(s.file.Data) {
		return s.file
	}
	view, err := cos.OpenWithin(s.file.Data[:end], s.views)
	if err != nil || !holds(view, f) {
		f.problem(ProblemRevision)
		return nil
	}
	return view
}

// holds reports whether the view ends where its last revision ends, and its
// tables lead to the stamp's dictionary.
func holds(view *cos.File, f *found) bool {
	if len(bytes.TrimSpace(view.Data[view.End:])) > 0 || f.object == 0 {
		return false
	}
	o, err := view.Number(f.object)
	return err == nil && o != nil && !o.Compressed() && o.Off < f.start && f.start < o.End
}

// stretch judges the bytes between two cuts. Only a stretch that ends with the
// next stamp's covered bytes can be a signature revision.
func (s *search) stretch(f, next *found) Revision {
	size := len(s.file.Data)
	r := Revision{From: int64(f.covered(size)), To: int64(size), Kind: RevisionOther}
	if next == nil {
		r.Why = "no signature covers this part"
		return r
	}
	r.To, r.Field = int64(next.covered(size)), next.Field
	switch {
	case len(next.Problems) > 0:
		r.Why = "the next signature is malformed"
	case f.view == nil || next.view == nil:
		r.Why = "the part before it is no revision"
	default:
		c := comparison{before: f.view, after: next.view, next: next}
		r.Why = c.why()
	}
	if r.Why == "" {
		r.Kind = RevisionSignature
	}
	return r
}
