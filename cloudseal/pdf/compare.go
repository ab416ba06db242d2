package pdf

import (
	"fmt"
	"slices"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// comparison tells whether a revision did nothing but add one signature.
// Whatever is not known to be part of that counts as another change: an added
// annotation, a field filled in, a page's content replaced.
type comparison struct {
	before, after *cos.File
	next          *found

	root   *cos.Object // before's catalog
	pages  map[int]bool
	annots map[int]bool // arrays of annotations that are objects of their own
}

// why gives what else was changed, "" for nothing.
func (c *comparison) why() string {
	changed, ok := c.after.Changed(c.before)
	if !ok {
		return "the revision does not build on the one before"
	}
	if c.before.Trailer().Get("Root") != c.after.Trailer().Get("Root") {
		return "another catalog"
	}
	if err := c.prepare(); err != nil {
		return "unreadable"
	}
	added := map[int]bool{}
	for _, num := range changed {
		before, err1 := c.before.Number(num)
		after, err2 := c.after.Number(num)
		switch {
		case err1 != nil || err2 != nil:
			return "unreadable"
		case before == nil:
			added[num] = true
		case after == nil:
			return fmt.Sprintf("object %d removed", num)
		case after.Ref != before.Ref || !c.harmless(before, after):
			return fmt.Sprintf("object %d changed", num)
		}
	}
	return c.awaited(added)
}

// prepare collects what the objects of the earlier revision are.
func (c *comparison) prepare() (err error) {
	if c.root, err = catalog(c.before); err != nil {
		return err
	}
	pages, err := walkPages(c.before, c.root.Dict())
	if err != nil {
		return err
	}
	c.pages, c.annots = map[int]bool{}, map[int]bool{}
	for i := range pages {
		c.pages[pages[i].obj.Num] = true
		if ref, ok := pages[i].dict.Get("Annots").(cos.Ref); ok {
			c.annots[ref.Num] = true
		}
	}
	return nil
}

// awaited: an object of the earlier revision may point to a number that did not
// exist then. Adding it would change what that object shows.
func (c *comparison) awaited(added map[int]bool) (why string) {
	c.before.Each(func(num int, o *cos.Object, err error) {
		if err != nil || why != "" {
			return
		}
		cos.Refs(o.Value, func(ref cos.Ref) {
			if added[ref.Num] {
				why = fmt.Sprintf("object %d supplied, which object %d was waiting for", ref.Num, num)
			}
		})
	})
	return why
}

// harmless judges an object that both revisions have.
func (c *comparison) harmless(before, after *cos.Object) bool {
	if cos.SameObject(before, c.before, after, c.after) || c.descriptive(before) {
		return true
	}
	form, _ := c.root.Dict().Get("AcroForm").(cos.Ref)
	old, ok1 := before.Value.(*cos.Dict)
	new, ok2 := after.Value.(*cos.Dict)
	if !ok1 || !ok2 {
		return c.listExtended(before, after)
	}
	switch {
	case new.Twice() != "":
		return false
	case before.Num == c.root.Num:
		return c.catalogExtended(old, new)
	case before.Num == form.Num:
		return c.formExtended(old, new)
	case c.pages[before.Num]:
		return only(old, new, "Annots") && c.extended(old.Get("Annots"), new.Get("Annots"), c.isWidget)
	case c.isField(before.Ref):
		return !old.Has("V") && only(old, new, "V", "AP", "M", "F", "MK")
	}
	return false
}

// descriptive: document information and metadata are not what a page shows.
func (c *comparison) descriptive(o *cos.Object) bool {
	return c.before.Trailer().Get("Info") == o.Ref || c.root.Dict().Get("Metadata") == o.Ref
}

// listExtended judges arrays that are objects: fields, annotations of a page.
func (c *comparison) listExtended(before, after *cos.Object) bool {
	form := c.before.Dict(c.root.Dict().Get("AcroForm"))
	switch {
	case c.annots[before.Num]:
		return c.extended(before.Value, after.Value, c.isWidget)
	case form.Get("Fields") == before.Ref:
		return c.extended(before.Value, after.Value, c.isField)
	}
	return false
}

// catalogExtended: the form may be added, and evidence for the validation of
// signatures with the extension that announces it.
func (c *comparison) catalogExtended(old, new *cos.Dict) bool {
	if !only(old, new, "AcroForm", "DSS", "Extensions") {
		return false
	}
	a, b := old.Get("AcroForm"), new.Get("AcroForm")
	if cos.Equal(a, b) {
		return true
	}
	if _, indirect := a.(cos.Ref); indirect && c.before.Resolve(a) != nil {
		return false // the form itself may change, not which object it is
	}
	before, _ := c.before.Resolve(a).(*cos.Dict)
	after, ok := c.after.Resolve(b).(*cos.Dict)
	return ok && c.formExtended(before, after)
}

// formExtended: the field is listed and the flags say that there are
// signatures. A form that is new may bring its fonts.
func (c *comparison) formExtended(old, new *cos.Dict) bool {
	allowed := []cos.Name{"Fields", "SigFlags"}
	if old == nil {
		allowed = append(allowed, "DR", "DA")
	}
	return only(old, new, allowed...) && c.extended(old.Get("Fields"), new.Get("Fields"), c.isField)
}

// only reports whether no other keys differ.
func only(old, new *cos.Dict, keys ...cos.Name) bool {
	for _, key := range cos.Different(old, new) {
		if !slices.Contains(keys, key) {
			return false
		}
	}
	return true
}

// extended reports whether a list only got more of the permitted items.
func (c *comparison) extended(old, new any, permitted func(cos.Ref) bool) bool {
	before, after := c.before.Items(old), c.after.Items(new)
	if len(after) < len(before) {
		return false
	}
	for i, v := range after {
		if i < len(before) {
			if !cos.Equal(before[i], v) {
				return false
			}
			continue
		}
		if ref, ok := v.(cos.Ref); !ok || !permitted(ref) {
			return false
		}
	}
	return true
}

func (c *comparison) isField(ref cos.Ref) bool {
	f := c.next.field
	return f != nil && f.obj != nil && f.obj.Ref == ref
}

func (c *comparison) isWidget(ref cos.Ref) bool {
	return slices.ContainsFunc(c.next.widgets(), func(w *cos.Object) bool { return w.Ref == ref })
}
