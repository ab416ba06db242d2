package pdf

import "yunzhang.dev/cloudseal/pdf/internal/cos"

// objects looks at every object in use, reachable or not: what is dead today
// may be brought to life by the next revision, and looking everywhere needs no
// knowledge of where each reader looks.
func (j *judge) objects() {
	j.file.Each(func(num int, o *cos.Object, err error) {
		if err != nil {
			j.add(Damaged, num)
			return
		}
		switch v := o.Value.(type) {
		case *cos.Stream:
			if v.Dict.Has("F") || v.Dict.Has("Ref") {
				j.add(ExternalData, num)
			}
			if _, err := j.file.Raw(v); err != nil {
				j.add(Damaged, num)
			}
		case *cos.Dict:
			if j.file.Name(v.Get("Type")) == "Catalog" && num != j.doc.root.Num {
				j.add(SecondCatalog, num)
			}
		}
		j.value(o.Value, num)
	})
}

// value judges every dictionary within a value.
func (j *judge) value(v any, num int) {
	switch x := v.(type) {
	case cos.Ref:
		j.doc.next = max(j.doc.next, x.Num+1)
	case *cos.Array:
		for _, item := range x.Items {
			j.value(item, num)
		}
	case *cos.Stream:
		j.value(x.Dict, num)
	case *cos.Dict:
		j.dict(x, num)
		for i := range x.Entries {
			j.value(x.Entries[i].Value, num)
		}
	}
}

// dict judges a dictionary by its telling keys, wherever it stands. Of a key
// that is there twice some readers take the first, others the last.
func (j *judge) dict(d *cos.Dict, num int) {
	if d.Twice() != "" {
		j.add(DuplicateKey, num)
	}
	for i := range d.Entries {
		e := &d.Entries[i]
		switch e.Key {
		case "JS":
			j.add(JavaScript, num)
		case "S":
			j.actionType(e.Value, num)
		case "AA":
			j.triggers(e.Value, num)
		case "EF":
			j.add(EmbeddedFiles, num)
		case "Alternates":
			j.add(AlternateImage, num)
		case "Subtype":
			j.subtype(e.Value, num)
		case "Type":
			if j.file.Name(e.Value) == "OCMD" {
				j.membership(d, num)
			}
		}
	}
}

// actionType judges an action that a click would start. Following a link is
// the reader's own act and harmless.
func (j *judge) actionType(v any, num int) {
	switch j.file.Name(v) {
	case "JavaScript":
		j.add(JavaScript, num)
	case "Launch":
		j.add(Launch, num)
	case "SubmitForm", "ImportData", "ResetForm", "Hide", "SetOCGState":
		j.add(FormAction, num)
	case "Rendition", "RichMediaExecute", "GoTo3DView":
		j.add(ActiveContent, num)
	}
}

// triggers judges additional actions: opening a page, entering a field.
func (j *judge) triggers(v any, num int) {
	if d := j.file.Dict(v); d != nil {
		for i := range d.Entries {
			j.action(d.Entries[i].Value, num)
		}
	}
}

func (j *judge) subtype(v any, num int) {
	switch j.file.Name(v) {
	case "FileAttachment":
		j.add(EmbeddedFiles, num)
	case "Movie", "Sound", "Screen", "3D", "RichMedia":
		j.add(ActiveContent, num)
	}
}

// membership: content that is shown when layers are off is hidden when all are
// on, and the other way round.
func (j *judge) membership(d *cos.Dict, num int) {
	policy := j.file.Name(d.Get("P"))
	if d.Has("VE") || policy == "AllOff" || policy == "AnyOff" {
		j.add(HiddenLayers, num)
	}
}
