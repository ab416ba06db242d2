package pdf

import (
	"errors"
	"math"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// Page is a page as displayed: rotation, crop box and user unit are applied.
// Sizes are millimetres.
type Page struct {
	Width, Height float64
}

// page is a leaf of the page tree with what it inherits (ISO 32000-1 §7.7.3.4).
type page struct {
	obj    *cos.Object
	dict   *cos.Dict
	box    box     // crop box within media box, in user space
	rotate int     // clockwise: 0, 90, 180 or 270
	unit   float64 // points of one unit of user space
	// shared: the tree leads to this object more than once, so that whatever is
	// put on this page shows on another too.
	shared bool
	// annotsAbove: a node above has annotations. They are not inheritable, and
	// yet some readers let them be.
	annotsAbove bool
}

var errPages = errors.New("too many pages")

// inherited are the attributes a node hands down.
type inherited struct {
	media, crop, rotate any
	annots              bool
}

type pageWalk struct {
	file  *cos.File
	nodes map[cos.Ref]bool
	leafs map[cos.Ref]int // index of the first page made of it
	pages []page
}

func walkPages(file *cos.File, root *cos.Dict) ([]page, error) {
	w := &pageWalk{file: file, nodes: map[cos.Ref]bool{}, leafs: map[cos.Ref]int{}}
	err := w.node(root.Get("Pages"), inherited{}, 0)
	switch {
	case file.Err() != nil:
		return nil, file.Err() // the cause of whatever else is missing
	case err != nil:
		return nil, err
	case len(w.pages) == 0:
		return nil, errDamaged("no pages")
	}
	return w.pages, nil
}

// node walks a node of the tree. Each must be an object of its own; a node met
// twice would make the tree a graph.
func (w *pageWalk) node(v any, above inherited, depth int) error {
	ref, ok := v.(cos.Ref)
	if !ok || depth > maxTreeDepth {
		return errDamaged("bad page tree")
	}
	o, err := w.file.Load(ref)
	if err != nil {
		return err
	}
	if o == nil {
		return errDamaged("a page is missing")
	}
	dict, ok := o.Value.(*cos.Dict)
	if !ok {
		return errDamaged("a page is no dictionary")
	}
	here := above.with(dict)
	kids, isNode := w.file.Resolve(dict.Get("Kids")).(*cos.Array)
	typ := w.file.Name(dict.Get("Type"))
	switch {
	case isNode && typ == "Page", !isNode && typ == "Pages":
		return errDamaged("a page of unclear kind")
	case !isNode:
		return w.leaf(o, dict, here, above.annots)
	case w.nodes[ref]:
		return errDamaged("page tree in a circle")
	}
	w.nodes[ref] = true
	here.annots = above.annots || dict.Has("Annots")
	for _, kid := range kids.Items {
		if err := w.node(kid, here, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (i inherited) with(d *cos.Dict) inherited {
	if v := d.Get("MediaBox"); v != nil {
		i.media = v
	}
	if v := d.Get("CropBox"); v != nil {
		i.crop = v
	}
	if v := d.Get("Rotate"); v != nil {
		i.rotate = v
	}
	return i
}

func (w *pageWalk) leaf(o *cos.Object, dict *cos.Dict, in inherited, annotsAbove bool) error {
	if len(w.pages) == MaxPages {
		return errPages
	}
	p := page{obj: o, dict: dict, unit: 1, annotsAbove: annotsAbove}
	if err := p.measure(w.file, in); err != nil {
		return err
	}
	if first, again := w.leafs[o.Ref]; again {
		w.pages[first].shared, p.shared = true, true
	} else {
		w.leafs[o.Ref] = len(w.pages)
	}
	w.pages = append(w.pages, p)
	return nil
}

// measure reads what decides size and orientation.
func (p *page) measure(file *cos.File, in inherited) error {
	media, ok := readBox(file, in.media)
	if !ok {
		return errDamaged("a page without a size")
	}
	p.box = media
	if in.crop != nil {
		crop, ok := readBox(file, in.crop)
		if p.box = media.within(crop); !ok || p.box.empty() {
			return errDamaged("a page with a bad crop box")
		}
	}
	if in.rotate != nil {
		r, ok := file.Real(in.rotate)
		if !ok || math.Mod(r, 90) != 0 {
			return errDamaged("a page with a bad rotation")
		}
		p.rotate = (int(math.Mod(r, 360)) + 360) % 360
	}
	if v := p.dict.Get("UserUnit"); v != nil {
		u, ok := file.Real(v)
		if !ok || u <= 0 || u > maxUnit {
			return errDamaged("a page with a bad unit")
		}
		p.unit = u
	}
	return nil
}

// maxCoordinate and maxUnit keep arithmetic on boxes exact enough; readers
// allow 14,400 and 75,000.
const (
	maxCoordinate = 1e7
	maxUnit       = 1e5
)

// readBox reads a rectangle with its corners in any order.
func readBox(file *cos.File, v any) (box, bool) {
	items := file.Items(v)
	if len(items) != 4 {
		return box{}, false
	}
	var n [4]float64
	for i, item := range items {
		f, ok := file.Real(item)
		if !ok || math.Abs(f) > maxCoordinate {
			return box{}, false
		}
		n[i] = f
	}
	b := box{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}
	return b, !b.empty()
}
