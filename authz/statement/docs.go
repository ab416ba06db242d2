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
	if len(a.Docs) == 0 {
		if !a.DocsRoot.IsZero() {
			b.fail("docs-root", errNotHere)
		}
		return
	}
	put(b, "docs", number(1, MaxDocs), len(a.Docs))
	for i, d := range a.Docs {
		key := "doc." + strconv.Itoa(i+1)
		put(b, key, doc(), d)
		if !a.names(d.Seal) {
			b.fail(key, errRange)
		}
	}
	root := DocsRoot(a.Docs)
	if !a.DocsRoot.IsZero() && a.DocsRoot != root {
		b.fail("docs-root", errForm)
	}
	put(b, "docs-root", digest(), root)
}

func (r *reader) docs(a *Approval) {
	if !r.next("docs") {
		return
	}
	var n int
	get(r, "docs", number(1, MaxDocs), &n)
	for i := 0; i < n && i < MaxDocs && r.err == nil; i++ {
		var d Doc
		get(r, "doc."+strconv.Itoa(i+1), doc(), &d)
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

// DocsRoot is the Merkle root over the doc.i lines without LF, shaped as in
// RFC 9162 §2.1.1 with SM3. It commits a batch to every document and its
// number.
func DocsRoot(docs []Doc) gm.Digest {
	leaves := make([]gm.Digest, len(docs))
	for i, d := range docs {
		place, _ := d.Place.format() // a place that cannot be written fails in Head
		leaves[i] = gm.SM3([]byte{0}, fmt.Appendf(nil, "doc.%d: %s", i+1, d.value(place)))
	}
	return merkle(leaves)
}

func merkle(leaves []gm.Digest) gm.Digest {
	switch len(leaves) {
	case 0:
		return gm.SM3()
	case 1:
		return leaves[0]
	}
	split := 1
	for split*2 < len(leaves) {
		split *= 2
	}
	left, right := merkle(leaves[:split]), merkle(leaves[split:])
	return gm.SM3([]byte{1}, left[:], right[:])
}
