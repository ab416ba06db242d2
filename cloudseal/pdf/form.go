package pdf

import (
	"fmt"
	"slices"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// annotate puts the widget on its page. An array of annotations that is an
// object of its own is extended there, unless something else uses it too: then
// the page gets an array of its own.
func (s *stamping) annotate() error {
	annots := s.page.dict.Get("Annots")
	if ref, ok := annots.(cos.Ref); ok {
		o, err := s.file.Load(ref)
		if err != nil {
			return refusedFor(err)
		}
		annots = nil
		if o != nil {
			annots = o.Value
		}
		if a, ok := annots.(*cos.Array); ok && !s.usedElsewhere(ref) {
			s.object(ref, a.Appended(reference(s.field)))
			return nil
		}
	}
	list, err := appended(annots, s.field)
	if err != nil {
		return err
	}
	s.object(s.page.obj.Ref, s.page.dict.Edited(cos.Edit{Key: "Annots", Value: list}))
	return nil
}

// usedElsewhere reports whether another page, or the form, uses the array.
func (s *stamping) usedElsewhere(array cos.Ref) bool {
	form := s.file.Dict(s.doc.root.Dict().Get("AcroForm"))
	return form.Get("Fields") == array || s.onOtherPage(array)
}

// onOtherPage reports whether another page has the array as its annotations.
func (s *stamping) onOtherPage(array cos.Ref) bool {
	return slices.ContainsFunc(s.doc.pages, func(p page) bool {
		return p.obj != s.page.obj && p.dict.Get("Annots") == array
	})
}

// appended gives the text of an array value with one more reference.
func appended(v any, ref cos.Ref) ([]byte, error) {
	switch a := v.(type) {
	case nil:
		return fmt.Appendf(nil, "[%s]", reference(ref)), nil
	case *cos.Array:
		return a.Appended(reference(ref)), nil
	}
	return nil, refusedFor(errDamaged("an array was expected"))
}

// signaturesExist and appendOnly are what SigFlags says (ISO 32000-1 §12.7.2).
const (
	signaturesExist = 1
	appendOnly      = 2
)

// enterForm lists the field in the form, which is made when there is none. The
// smallest possible change is written: the array of fields, the form, or the
// catalog.
func (s *stamping) enterForm() error {
	root := s.doc.root
	switch v := root.Dict().Get("AcroForm").(type) {
	case *cos.Dict:
		text, changed, err := s.extended(v)
		if changed {
			s.object(root.Ref, root.Dict().Edited(cos.Edit{Key: "AcroForm", Value: text}))
		}
		return err
	case cos.Ref:
		o, err := s.file.Load(v)
		if err != nil {
			return refusedFor(err)
		}
		if o != nil && o.Value != nil {
			return s.extendForm(o)
		}
	case nil:
	default:
		return refusedFor(errDamaged("a form was expected"))
	}
	form := s.reserve()
	s.object(form, fmt.Appendf(nil, "<< /Fields [%s] /SigFlags %d >>", reference(s.field), signaturesExist|appendOnly))
	s.object(root.Ref, root.Dict().Edited(cos.Edit{Key: "AcroForm", Value: reference(form)}))
	return nil
}

func (s *stamping) extendForm(form *cos.Object) error {
	d, ok := form.Value.(*cos.Dict)
	if !ok {
		return refusedFor(errDamaged("a form was expected"))
	}
	text, changed, err := s.extended(d)
	if changed {
		s.object(form.Ref, text)
	}
	return err
}

// extended gives the form's text with the field and the flags, and whether the
// form itself changes: an array of fields that is an object of its own is
// written here.
func (s *stamping) extended(form *cos.Dict) (text []byte, changed bool, err error) {
	var edits []cos.Edit
	fields := form.Get("Fields")
	ref, indirect := fields.(cos.Ref)
	if indirect {
		fields = s.file.Resolve(ref)
	}
	list, err := appended(fields, s.field)
	switch {
	case err != nil:
		return nil, false, err
	case indirect && fields != nil && !s.onOtherPage(ref):
		s.object(ref, list)
	default:
		edits = append(edits, cos.Edit{Key: "Fields", Value: list})
	}
	flags, _ := s.file.Int(form.Get("SigFlags"))
	if want := flags | signaturesExist | appendOnly; want != flags {
		edits = append(edits, cos.Edit{Key: "SigFlags", Value: fmt.Append(nil, want)})
	}
	return form.Edited(edits...), len(edits) > 0, nil
}
