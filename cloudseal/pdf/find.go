package pdf

import (
	"sort"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// Find lists the signatures of a file in the order of their revisions. A file
// without any gives an empty list. An error, fault.DocumentRefused, means that
// the file cannot be read: nothing can be said about it.
func Find(b []byte) ([]Stamp, error) {
	file, err := openFile(b)
	if err != nil {
		return nil, err
	}
	return find(file)
}

// found is a stamp on the way to being described.
type found struct {
	Stamp
	dict  *cos.Dict
	field *field    // nil for a detached signature
	view  *cos.File // the file as the stamp left it, nil when it is none
}

func find(file *cos.File) ([]Stamp, error) {
	root, err := catalog(file)
	if err != nil {
		return nil, refusedFor(err)
	}
	fields, err := formFields(file, root.Dict())
	if err != nil {
		return nil, refusedFor(err)
	}
	s := &search{file: file, root: root, views: cos.NewBudget(len(file.Data), viewTimes)}
	if err := s.signed(fields); err != nil {
		return nil, refusedFor(err)
	}
	if err := s.detached(); err != nil {
		return nil, refusedFor(err)
	}
	if len(s.found) == 0 {
		return nil, nil
	}
	if err := s.describe(); err != nil {
		return nil, refusedFor(err)
	}
	stamps := make([]Stamp, len(s.found))
	for i, f := range s.found {
		stamps[i] = f.Stamp
	}
	return stamps, nil
}

// search is one run of Find.
type search struct {
	file  *cos.File
	root  *cos.Object
	found []*found
	views *cos.Budget // for the file as each stamp left it
}

// signed collects the signature fields that have a value.
func (s *search) signed(fields []field) error {
	owner := map[*cos.Dict]*found{}
	for i := range fields {
		f := &fields[i]
		if f.kind != "Sig" || f.value == nil {
			continue
		}
		dict, object, err := s.signature(f)
		if err != nil {
			return err
		}
		if dict == nil {
			continue
		}
		at := &found{Stamp: s.inspect(dict, object), dict: dict, field: f}
		at.Field = f.name
		if first := owner[dict]; first != nil {
			first.problem(ProblemShared)
			at.problem(ProblemShared)
		}
		owner[dict] = at
		if s.found = append(s.found, at); len(s.found) > MaxStamps {
			return cos.ErrLimit
		}
	}
	return nil
}

// signature gives a field's value and the object it stands in: itself, or the
// field's.
func (s *search) signature(f *field) (*cos.Dict, *cos.Object, error) {
	ref, ok := f.value.(cos.Ref)
	if !ok {
		d, _ := f.value.(*cos.Dict)
		return d, f.obj, nil
	}
	o, err := s.file.Load(ref)
	if err != nil || o == nil {
		return nil, nil, err
	}
	d, _ := o.Value.(*cos.Dict)
	return d, o, nil
}

// describe orders the stamps and says where each stands and what follows it.
func (s *search) describe() error {
	size := len(s.file.Data)
	sort.SliceStable(s.found, func(i, k int) bool {
		return s.found[i].covered(size) < s.found[k].covered(size)
	})
	pages, err := walkPages(s.file, s.root.Dict())
	if err != nil {
		return err
	}
	s.locate(pages)
	s.later()
	return s.file.Err()
}

// locate finds for each stamp the page that lists its widget. A stamp shown
// twice is a problem; one shown nowhere is invisible.
func (s *search) locate(pages []page) {
	shownOn := map[cos.Ref][]int{}
	for i := range pages {
		for _, v := range s.file.Items(pages[i].dict.Get("Annots")) {
			if ref, ok := v.(cos.Ref); ok {
				shownOn[ref] = append(shownOn[ref], i+1)
			}
		}
	}
	for _, f := range s.found {
		shown := 0
		for _, w := range f.widgets() {
			rect, ok := readBox(s.file, w.Dict().Get("Rect"))
			if on := shownOn[w.Ref]; ok && len(on) > 0 {
				shown += len(on)
				f.Page, f.Place = on[0], pages[on[0]-1].place(on[0], rect)
			}
		}
		if shown > 1 {
			f.problem(ProblemWidgetTwice)
		}
	}
}

// widgets of the stamp's field; a detached signature has none.
func (f *found) widgets() []*cos.Object {
	if f.field == nil {
		return nil
	}
	return f.field.widgets
}
