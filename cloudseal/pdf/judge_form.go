package pdf

import (
	"errors"
	"strings"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// Field flags (ISO 32000-1 §12.7.4).
const (
	flagPushButton = 1 << 16
	flagPassword   = 1 << 13
)

// form judges the interactive form: what a field says must be what it shows.
func (j *judge) form() {
	ref, _ := j.doc.root.Dict().Get("AcroForm").(cos.Ref)
	form := j.file.Dict(j.doc.root.Dict().Get("AcroForm"))
	if form == nil {
		return
	}
	if form.Has("XFA") {
		j.add(XFA, ref.Num)
	}
	if j.file.Bool(form.Get("NeedAppearances")) {
		j.add(NeedAppearances, ref.Num)
	}
	fields, err := formFields(j.file, j.doc.root.Dict())
	if errors.Is(err, cos.ErrLimit) {
		j.add(TooComplex, ref.Num)
	} else if err != nil {
		j.add(Damaged, ref.Num)
	}
	for i := range fields {
		j.field(&fields[i])
	}
}

func (j *judge) field(f *field) {
	for _, w := range f.widgets {
		switch f.kind {
		case "Btn":
			if f.flags&flagPushButton == 0 {
				j.button(f, w)
			}
		case "Tx", "Ch":
			j.written(f, w)
		}
	}
}

// button: a check box or radio button shows its state in AS and keeps it in V.
// One that is on must be on because of the field's value.
func (j *judge) button(f *field, w *cos.Object) {
	shown := j.file.Name(w.Dict().Get("AS"))
	value := j.file.Name(f.value)
	states := j.file.Dict(j.normal(w))
	on := shown != "" && shown != "Off"
	switch {
	case on && shown != value:
		j.add(ValueDiffers, w.Num)
	case !on && value != "" && value != "Off" && states.Has(value):
		j.add(ValueDiffers, w.Num)
	case on && !states.Has(shown):
		j.add(NoAppearance, w.Num)
	}
}

// normal is the widget's appearance for looking and printing.
func (j *judge) normal(w *cos.Object) any {
	return j.file.Resolve(j.file.Dict(w.Dict().Get("AP")).Get("N"))
}

// written: a field with a text must have an appearance; for a text field the
// appearance must show that text as far as it can be read cheaply, that is when
// both are printable ASCII. Choice fields may show a label for a value.
func (j *judge) written(f *field, w *cos.Object) {
	s, ok := j.file.String(f.value)
	if !ok {
		return
	}
	value := strings.TrimSpace(text(s.Bytes()))
	if value == "" {
		return
	}
	ap, ok := j.normal(w).(*cos.Stream)
	if !ok {
		j.add(NoAppearance, w.Num)
		return
	}
	if f.kind != "Tx" || f.flags&flagPassword != 0 || !printable(value) {
		return
	}
	if shown, ok := j.shownText(ap); ok && squeeze(shown) != squeeze(value) {
		j.add(ValueDiffers, w.Num)
	}
}

// shownText joins the strings that an appearance shows. It is not ok when they
// cannot be read as ASCII, because a font's own encoding is at work, or when
// there is another stream inside.
func (j *judge) shownText(ap *cos.Stream) (string, bool) {
	data, err := j.file.Decode(ap)
	if err != nil {
		return "", false
	}
	var out strings.Builder
	nested := false
	err = cos.Operators(data, func(op cos.Keyword, operands []any) {
		switch op {
		case "Do":
			nested = true
		case "Tj", "'", "\"", "TJ":
			for _, v := range operands {
				show(&out, v)
			}
		}
	})
	return out.String(), err == nil && !nested && printable(out.String())
}

func show(out *strings.Builder, v any) {
	switch x := v.(type) {
	case cos.String:
		out.Write(x.Bytes())
	case *cos.Array:
		for _, item := range x.Items {
			show(out, item)
		}
	}
}

func printable(s string) bool {
	for _, r := range s {
		if (r < ' ' || r > '~') && r != '\n' && r != '\r' {
			return false
		}
	}
	return true
}

// squeeze drops white space: lines are broken differently.
func squeeze(s string) string { return strings.Join(strings.Fields(s), "") }
