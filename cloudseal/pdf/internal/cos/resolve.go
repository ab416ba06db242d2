package cos

// The helpers here follow references and give the zero value for anything that
// is absent or of another type, as readers do. An object that cannot be read is
// not absent: it is kept as the file's error, see Err.

// Err is the first error that following a reference met.
func (f *File) Err() error { return f.err }

// Resolve follows references to a direct value.
func (f *File) Resolve(v any) any {
	for range maxChain {
		ref, ok := v.(Ref)
		if !ok {
			return v
		}
		o, err := f.Load(ref)
		if err != nil {
			f.fail(err)
			return nil
		}
		if o == nil {
			return nil
		}
		v = o.Value
	}
	f.fail(overLimit("references"))
	return nil
}

func (f *File) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// Dict resolves to a dictionary, of a stream too.
func (f *File) Dict(v any) *Dict {
	switch d := f.Resolve(v).(type) {
	case *Dict:
		return d
	case *Stream:
		return d.Dict
	}
	return nil
}

// Array resolves to an array.
func (f *File) Array(v any) *Array {
	a, _ := f.Resolve(v).(*Array)
	return a
}

// Items resolves to the items of an array.
func (f *File) Items(v any) []any {
	if a := f.Array(v); a != nil {
		return a.Items
	}
	return nil
}

// Name resolves to a name.
func (f *File) Name(v any) Name {
	n, _ := f.Resolve(v).(Name)
	return n
}

// Int resolves to an integer.
func (f *File) Int(v any) (int64, bool) {
	n, ok := f.Resolve(v).(int64)
	return n, ok
}

// Real resolves to a number of either kind.
func (f *File) Real(v any) (float64, bool) {
	switch n := f.Resolve(v).(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// Bool resolves to a boolean.
func (f *File) Bool(v any) bool {
	b, _ := f.Resolve(v).(bool)
	return b
}

// String resolves to a string.
func (f *File) String(v any) (String, bool) {
	s, ok := f.Resolve(v).(String)
	return s, ok
}
