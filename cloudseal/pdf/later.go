package pdf

import (
	"bytes"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// later describes what follows each stamp: the file is cut where the covered
// bytes of each stamp end, and every stretch between two cuts is judged once.
func (s *search) later() {
	size := len(s.file.Data)
	for _, f := range s.found {
		f.view = s.viewOf(f)
	}
	var stretches []Revision
	for i, f := range s.found {
		from := f.covered(size)
		if from == 0 || from == size {
			continue
		}
		if last := len(stretches) - 1; last < 0 || stretches[last].From != int64(from) {
			stretches = append(stretches, s.stretch(f, s.next(i, from)))
		}
	}
	for _, f := range s.found {
		end := f.covered(size)
		for _, r := range stretches {
			if end > 0 && r.From >= int64(end) {
				f.LaterRevisions = append(f.LaterRevisions, r)
			}
		}
	}
}

// viewOf opens the file as the stamp left it. A stamp whose covered bytes are
// no file with this stamp in it has ProblemRevision.
func (s *search) viewOf(f *found) *cos.File {
	switch f.covered(len(s.file.Data)) {
	case 0:
		return nil
	case len(s.file.Data):
		return s.file
	}
	view, err := cos.Open(s.file.Data[:f.covered(len(s.file.Data))])
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

// next is the stamp that ends the stretch which begins at a cut; nil when no
// stamp covers more.
func (s *search) next(i, from int) *found {
	for _, g := range s.found[i+1:] {
		if g.covered(len(s.file.Data)) > from {
			return g
		}
	}
	return nil
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
