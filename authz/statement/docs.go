package statement

import (
	"fmt"
	"strconv"

	"yunzhang.dev/cloudseal/gm"
)

// sealLines is "seals: n" and one line for each; nothing when there is none.
func sealLines[T any](at func(*T) *[]Ref) line[T] {
	return line[T]{
		build: func(b *builder, v *T) {
			seals := *at(v)
			if len(seals) == 0 {
				return
			}
			put(b, "seals", number(1, MaxSeals), len(seals))
			known := map[string]bool{}
			for i, s := range seals {
				key := fmt.Sprintf("seal.%d", i+1)
				if put(b, key, ref(), s); known[s.ID] {
					b.fail(key, errForm)
				}
				known[s.ID] = true
			}
		},
		read: func(r *reader, v *T) {
			if !r.next("seals") {
				return
			}
			var n int
			get(r, "seals", number(1, MaxSeals), &n)
			for i := 0; i < n && r.err == nil; i++ {
				var s Ref
				get(r, fmt.Sprintf("seal.%d", i+1), ref(), &s)
				*at(v) = append(*at(v), s)
			}
		},
	}
}

// short reports the form of the first edition: one seal for all documents.
func (a *Approval) short() bool {
	return len(a.Seals) == 1 && len(a.Docs) > 0 && a.Docs[0].Seal == 0
}

// names reports whether a doc line may name this seal.
func (a *Approval) names(seal int) bool {
	if a.short() {
		return seal == 0
	}
	return seal >= 1 && seal <= len(a.Seals)
}

func approvalSeals() line[Approval] {
	numbered := sealLines(func(a *Approval) *[]Ref { return &a.Seals })
	return line[Approval]{
		build: func(b *builder, a *Approval) {
			if a.short() {
				put(b, "seal", ref(), a.Seals[0])
				return
			}
			numbered.build(b, a)
		},
		read: func(r *reader, a *Approval) {
			if r.next("seal") {
				a.Seals = make([]Ref, 1)
				get(r, "seal", ref(), &a.Seals[0])
				return
			}
			numbered.read(r, a)
		},
	}
}

func approvalDocs() line[Approval] {
	return line[Approval]{build: (*builder).docs, read: (*reader).docs}
}

func (b *builder) docs(a *Approval) {
	n := a.Total()
	if n == 0 {
		if !a.DocsRoot.IsZero() {
			b.fail("docs-root", errNotHere)
		}
		return
	}
	put(b, "docs", number(1, MaxDocs), n)
	root := a.DocsRoot
	switch {
	case len(a.Docs) == 0 && n > MaxInline: // the manifest is not at hand
	case len(a.Docs) != n:
		b.fail("docs", errRange)
	case n <= MaxInline:
		b.docLines(a)
		root = DocsRoot(a.Docs)
	default:
		b.manifest(a)
		root = DocsRoot(a.Docs)
	}
	if !a.DocsRoot.IsZero() && a.DocsRoot != root {
		b.fail("docs-root", errForm)
	}
	put(b, "docs-root", digest(), root)
}

func (b *builder) docLines(a *Approval) {
	for i, d := range a.Docs {
		key := docKey(i)
		put(b, key, doc(), d)
		if !a.names(d.Seal) {
			b.fail(key, errRange)
		}
	}
}

func docKey(i int) string { return "doc." + strconv.Itoa(i+1) }

func (r *reader) docs(a *Approval) {
	if !r.next("docs") {
		return
	}
	get(r, "docs", number(1, MaxDocs), &a.Count)
	for i := 0; i < a.Count && a.Count <= MaxInline && r.err == nil; i++ {
		var d Doc
		get(r, docKey(i), doc(), &d)
		a.Docs = append(a.Docs, d)
	}
	get(r, "docs-root", digest(), &a.DocsRoot)
}

func doc() codec[Doc] { return codec[Doc]{format: Doc.format, parse: parseDoc} }

func (d Doc) format() (string, error) {
	place, err := d.Place.format()
	switch {
	case err != nil:
		return "", err
	case d.SM3.IsZero() || d.DTBS.IsZero():
		return "", errEmpty
	case d.Pages < 1 || d.Pages > maxNumber || d.Place.Page < 1 || d.Place.Page > d.Pages:
		return "", errRange
	}
	return d.value(place), CheckText(d.Title)
}

func (d Doc) value(place string) string {
	seal := ""
	if d.Seal != 0 {
		seal = fmt.Sprintf(" seal=s%d", d.Seal)
	}
	return fmt.Sprintf("sm3=%s dtbs=%s pages=%d%s place=%s title=%s", d.SM3, d.DTBS, d.Pages, seal, place, d.Title)
}

func parseDoc(s string) (d Doc, err error) {
	var file, dtbs, pages, place string
	if err := cut(s, []string{"sm3=", " dtbs=", " pages=", " place=", " title="}, &file, &dtbs, &pages, &place, &d.Title); err != nil {
		return Doc{}, err
	}
	if d.SM3, err = gm.ParseDigest(file); err != nil {
		return Doc{}, err
	}
	if d.DTBS, err = gm.ParseDigest(dtbs); err != nil {
		return Doc{}, err
	}
	var seal string
	if cut(pages, []string{"", " seal=s"}, &pages, &seal) == nil {
		if d.Seal, err = strconv.Atoi(seal); err != nil {
			return Doc{}, err
		}
	}
	if d.Pages, err = strconv.Atoi(pages); err != nil {
		return Doc{}, err
	}
	d.Place, err = parsePlace(place)
	return d, err
}
