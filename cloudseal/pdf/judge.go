package pdf

import (
	"bytes"
	"slices"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// judge collects findings. One code is reported once an object.
type judge struct {
	doc      *Document
	file     *cos.File
	pageOf   map[int]int // object number of a page or annotation → page
	findings []Finding
}

// Findings lists why the document should not be stamped: what runs by itself,
// what hides or can change what is seen, and what an earlier signature forbids.
// A document with none may be stamped. Earlier revisions alone are harmless:
// whatever the next revision would change is reported by Find.
func (d *Document) Findings() []Finding {
	if d.judged {
		return slices.Clone(d.findings)
	}
	j := &judge{doc: d, file: d.file, pageOf: d.pagesByObject()}
	j.ending()
	j.catalog()
	j.pages()
	j.objects()
	j.form()
	j.signatures()
	if err := d.file.Err(); err != nil {
		j.add(Damaged, 0)
	}
	d.findings, d.judged = j.findings, true
	return slices.Clone(d.findings)
}

func (j *judge) add(code string, object int) {
	f := Finding{Code: code, Object: object, Page: j.pageOf[object]}
	known := func(o Finding) bool { return o.Code == f.Code && o.Object == f.Object }
	if len(j.findings) < maxFindings && !slices.ContainsFunc(j.findings, known) {
		j.findings = append(j.findings, f.worded())
	}
}

// pagesByObject says on which page an object is: pages and their annotations.
func (d *Document) pagesByObject() map[int]int {
	m := make(map[int]int, len(d.pages))
	for i := range d.pages {
		m[d.pages[i].obj.Num] = i + 1
		for _, v := range d.file.Items(d.pages[i].dict.Get("Annots")) {
			if ref, ok := v.(cos.Ref); ok {
				m[ref.Num] = i + 1
			}
		}
	}
	return m
}

// ending: nothing but white space may follow the last revision.
func (j *judge) ending() {
	if len(bytes.TrimSpace(j.file.Data[j.file.End:])) > 0 {
		j.add(TrailingData, 0)
	}
}

func (j *judge) catalog() {
	root := j.doc.root.Dict()
	num := j.doc.root.Num
	if j.file.Trailer().Twice() != "" {
		j.add(DuplicateKey, num)
	}
	names := j.file.Dict(root.Get("Names"))
	if names.Has("JavaScript") {
		j.add(JavaScript, num)
	}
	if names.Has("EmbeddedFiles") || root.Has("Collection") {
		j.add(EmbeddedFiles, num)
	}
	j.action(root.Get("OpenAction"), num)
	j.layers(j.file.Dict(root.Get("OCProperties")), num)
	j.certified(j.file.Dict(root.Get("Perms")))
}

// action judges what runs by itself. Only moving within the document is
// harmless.
func (j *judge) action(v any, object int) {
	d, ok := j.file.Resolve(v).(*cos.Dict)
	if !ok {
		return // absent, or a destination
	}
	switch j.file.Name(d.Get("S")) {
	case "GoTo", "Named", "":
	default:
		j.add(OpenAction, object)
	}
	if d.Has("Next") {
		j.add(OpenAction, object)
	}
}

// layers judges optional content (ISO 32000-1 §8.11): it may be there, but all
// of it has to be on, for whatever purpose.
func (j *judge) layers(oc *cos.Dict, object int) {
	if oc == nil {
		return
	}
	def := j.file.Dict(oc.Get("D"))
	base := j.file.Name(def.Get("BaseState"))
	if base != "" && base != "ON" || len(j.file.Items(def.Get("OFF"))) > 0 {
		j.add(HiddenLayers, object)
	}
	for _, v := range j.file.Items(def.Get("AS")) {
		j.switched(j.file.Dict(v), object)
	}
}

// switched judges a rule that turns layers on and off by what the reader does
// with the page (ISO 32000-1 §8.11.4.4): harmless only when it turns none off
// for looking, printing or exporting, and goes by nothing else.
func (j *judge) switched(rule *cos.Dict, object int) {
	states := map[cos.Name]cos.Name{"View": "ViewState", "Print": "PrintState", "Export": "ExportState"}
	for _, c := range j.file.Items(rule.Get("Category")) {
		category := j.file.Name(c)
		if states[category] == "" {
			j.add(HiddenLayers, object)
		}
		for _, layer := range j.file.Items(rule.Get("OCGs")) {
			usage := j.file.Dict(j.file.Dict(j.file.Dict(layer).Get("Usage")).Get(category))
			if j.file.Name(usage.Get(states[category])) == "OFF" {
				j.add(HiddenLayers, object)
			}
		}
	}
}

// certified finds the author's signature that forbids every change
// (ISO 32000-1 §12.8.2.2, P = 1).
func (j *judge) certified(perms *cos.Dict) {
	ref, _ := perms.Get("DocMDP").(cos.Ref)
	sig := j.file.Dict(perms.Get("DocMDP"))
	for _, v := range j.file.Items(sig.Get("Reference")) {
		r := j.file.Dict(v)
		if j.file.Name(r.Get("TransformMethod")) != "DocMDP" {
			continue
		}
		params := j.file.Dict(r.Get("TransformParams"))
		if p, _ := j.file.Int(params.Get("P")); p == 1 {
			j.add(Certified, ref.Num)
		}
	}
}

func (j *judge) pages() {
	for i := range j.doc.pages {
		p := &j.doc.pages[i]
		if p.shared {
			j.add(SharedPage, p.obj.Num)
		}
		if p.annotsAbove {
			j.add(InheritedAnnots, p.obj.Num)
		}
	}
}

// signatures judges the signatures that are there already.
func (j *judge) signatures() {
	stamps, err := find(j.file)
	if err != nil {
		j.add(BrokenSignature, 0)
	}
	for _, s := range stamps {
		if len(s.Problems) > 0 {
			j.add(BrokenSignature, s.object)
		}
		if slices.ContainsFunc(s.LaterRevisions, func(r Revision) bool { return r.Kind != RevisionSignature }) {
			j.add(ChangedAfter, s.object)
		}
	}
}
