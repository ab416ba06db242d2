package cos

import "bytes"

// Equal reports whether two direct values say the same. References are equal
// when they name the same object; what they lead to is not looked at. A
// dictionary with a key twice equals only its own text.
func Equal(a, b any) bool {
	switch x := a.(type) {
	case *Dict:
		y, ok := b.(*Dict)
		return ok && equalDicts(x, y)
	case *Array:
		y, ok := b.(*Array)
		return ok && equalArrays(x, y)
	case String:
		y, ok := b.(String)
		return ok && bytes.Equal(x.Bytes(), y.Bytes())
	case *Stream:
		return false
	}
	switch b.(type) {
	case *Dict, *Array, String, *Stream:
		return false
	}
	return a == b
}

func equalArrays(a, b *Array) bool {
	if bytes.Equal(a.Src, b.Src) {
		return true
	}
	if len(a.Items) != len(b.Items) {
		return false
	}
	for i := range a.Items {
		if !Equal(a.Items[i], b.Items[i]) {
			return false
		}
	}
	return true
}

func equalDicts(a, b *Dict) bool {
	if bytes.Equal(a.Src, b.Src) {
		return true
	}
	return a.Twice() == "" && b.Twice() == "" && len(Different(a, b)) == 0
}

// Different lists the keys whose values differ; null stands for absent. Either
// dictionary may be nil.
func Different(a, b *Dict) []Name {
	var keys []Name
	if a != nil {
		for _, e := range a.Entries {
			if !Equal(e.Value, b.Get(e.Key)) {
				keys = append(keys, e.Key)
			}
		}
	}
	if b != nil {
		for _, e := range b.Entries {
			if e.Value != nil && a.Get(e.Key) == nil {
				keys = append(keys, e.Key)
			}
		}
	}
	return keys
}

// SameObject reports whether an object says the same in two views of one file,
// a stream's data included.
func SameObject(a *Object, fa *File, b *Object, fb *File) bool {
	x, ok1 := a.Value.(*Stream)
	y, ok2 := b.Value.(*Stream)
	if !ok1 || !ok2 {
		return Equal(a.Value, b.Value)
	}
	if !equalDicts(x.Dict, y.Dict) {
		return false
	}
	p, err1 := fa.Raw(x)
	q, err2 := fb.Raw(y)
	return err1 == nil && err2 == nil && bytes.Equal(p, q)
}

// Changed lists the numbers that the sections of f after those of an earlier
// view define, each once. It fails when f does not go on from that view.
func (f *File) Changed(earlier *File) (nums []int, ok bool) {
	n := len(f.Sections) - len(earlier.Sections)
	if n < 0 {
		return nil, false
	}
	for i := range earlier.Sections {
		if f.Sections[n+i].Off != earlier.Sections[i].Off {
			return nil, false
		}
	}
	seen := map[int]bool{}
	for i := range n {
		for _, e := range f.Sections[i].entries {
			if !seen[e.num] {
				seen[e.num] = true
				nums = append(nums, e.num)
			}
		}
	}
	return nums, true
}

// Refs visits every reference within a value.
func Refs(v any, visit func(Ref)) {
	switch x := v.(type) {
	case Ref:
		visit(x)
	case *Array:
		for _, item := range x.Items {
			Refs(item, visit)
		}
	case *Dict:
		for i := range x.Entries {
			Refs(x.Entries[i].Value, visit)
		}
	case *Stream:
		Refs(x.Dict, visit)
	}
}
