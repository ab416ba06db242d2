package pdf

import (
	"unicode/utf16"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// field is a terminal form field with what it inherits (ISO 32000-1 §12.7.3).
type field struct {
	obj     *cos.Object // nil when the field is no object of its own
	dict    *cos.Dict
	name    string // partial names joined by full stops
	kind    cos.Name
	value   any
	flags   int64
	widgets []*cos.Object
}

type fieldWalk struct {
	file   *cos.File
	seen   map[cos.Ref]bool
	fields []field
	count  int
}

// formFields walks the field tree below the catalog's AcroForm.
func formFields(file *cos.File, root *cos.Dict) ([]field, error) {
	form := file.Dict(root.Get("AcroForm"))
	if form == nil {
		return nil, file.Err()
	}
	w := &fieldWalk{file: file, seen: map[cos.Ref]bool{}}
	for _, v := range file.Items(form.Get("Fields")) {
		if err := w.node(v, field{}, 0); err != nil {
			return nil, err
		}
	}
	return w.fields, file.Err()
}

func (w *fieldWalk) node(v any, above field, depth int) error {
	if w.count++; w.count > MaxFields || depth > maxTreeDepth {
		return cos.ErrLimit
	}
	obj, dict, err := w.open(v)
	if err != nil || dict == nil {
		return err
	}
	here := above
	here.obj, here.dict, here.widgets = obj, dict, nil
	here.inherit(w.file, dict)
	kids := w.file.Items(dict.Get("Kids"))
	parent := false
	for _, kid := range kids {
		if w.file.Dict(kid).Has("T") {
			parent = true
			if err := w.node(kid, here, depth+1); err != nil {
				return err
			}
		}
	}
	if parent {
		return nil
	}
	if w.count += len(kids); w.count > MaxFields {
		return cos.ErrLimit
	}
	here.widgets, err = w.widgets(obj, kids)
	w.fields = append(w.fields, here)
	return err
}

// open gives a field's dictionary, nil for one that is missing. A field met
// twice ends the walk of that branch with an error: the tree would be a graph.
func (w *fieldWalk) open(v any) (*cos.Object, *cos.Dict, error) {
	ref, ok := v.(cos.Ref)
	if !ok {
		d, _ := v.(*cos.Dict)
		return nil, d, nil
	}
	if w.seen[ref] {
		return nil, nil, errDamaged("a field is there twice")
	}
	w.seen[ref] = true
	o, err := w.file.Load(ref)
	if err != nil || o == nil {
		return nil, nil, err
	}
	return o, o.Dict(), nil
}

func (f *field) inherit(file *cos.File, d *cos.Dict) {
	if s, ok := file.String(d.Get("T")); ok {
		if f.name != "" {
			f.name += "."
		}
		f.name += text(s.Bytes())
	}
	if v := file.Name(d.Get("FT")); v != "" {
		f.kind = v
	}
	if v := d.Get("V"); v != nil {
		f.value = v
	}
	if n, ok := file.Int(d.Get("Ff")); ok {
		f.flags = n
	}
}

// widgets are the kids, or the field itself when it is merged with its widget.
func (w *fieldWalk) widgets(field *cos.Object, kids []any) ([]*cos.Object, error) {
	if len(kids) == 0 && field != nil {
		return []*cos.Object{field}, nil
	}
	var out []*cos.Object
	for _, v := range kids {
		ref, ok := v.(cos.Ref)
		if !ok {
			continue
		}
		o, err := w.file.Load(ref)
		if err != nil {
			return nil, err
		}
		if o != nil && o.Dict() != nil {
			out = append(out, o)
		}
	}
	return out, nil
}

// text reads a text string (ISO 32000-1 §7.9.2.2): UTF-16 or UTF-8 with a mark,
// else PDFDocEncoding, taken as Latin-1.
func text(b []byte) string {
	if len(b) >= 2 && b[0] == 0xFE && b[1] == 0xFF {
		units := make([]uint16, 0, len(b)/2)
		for i := 2; i+1 < len(b); i += 2 {
			units = append(units, uint16(b[i])<<8|uint16(b[i+1]))
		}
		return string(utf16.Decode(units))
	}
	if len(b) >= 3 && b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
		return string(b[3:])
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}
