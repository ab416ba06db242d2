package cos

// A value of a PDF is one of nil, bool, int64, float64, Name, String, Ref,
// *Array, *Dict, *Stream, and in content streams Keyword.

// Name is a name with its #xx escapes resolved, without the slash.
type Name string

// Keyword is a bare word: an operator of a content stream.
type Keyword string

// Ref points to an indirect object.
type Ref struct{ Num, Gen int }

// String is a string as it stands in the source; it is decoded only on demand,
// because a signature's Contents may be long and is judged digit by digit.
type String struct {
	Raw []byte // with its delimiters
	Off int    // where Raw begins in its buffer
}

// Array is an array and its source text.
type Array struct {
	Items []any
	Src   []byte // with the brackets
	Off   int
}

// Dict is a dictionary and its source text. Entries are in source order.
type Dict struct {
	Entries []Entry
	Src     []byte // from << to >>
	Off     int    // where Src begins in its buffer
}

// Entry is a key and its value; Start and End are the value's span in Src.
type Entry struct {
	Key        Name
	Value      any
	Start, End int
}

// Stream is a stream's dictionary and where its data begins in the file.
type Stream struct {
	Dict *Dict
	Data int
}

// Object is an indirect object.
type Object struct {
	Ref
	Value any
	// Off is where its "n g obj" begins, -1 for an object of an object stream;
	// End is where its value ends, of a stream where its data begins.
	Off, End int
}

// Compressed reports whether the object lives in an object stream.
func (o *Object) Compressed() bool { return o.Off < 0 }

// Dict gives the object's dictionary, of a stream too; nil for anything else.
func (o *Object) Dict() *Dict {
	switch v := o.Value.(type) {
	case *Dict:
		return v
	case *Stream:
		return v.Dict
	}
	return nil
}

// Get gives the value of a key, nil when absent. Of a key that is there twice
// the last counts, as in the common readers; see Twice.
func (d *Dict) Get(key Name) any {
	if e := d.entry(key); e != nil {
		return e.Value
	}
	return nil
}

// Has reports whether the key is there with a value other than null.
func (d *Dict) Has(key Name) bool { return d.Get(key) != nil }

// End is where the dictionary's text ends in its buffer.
func (d *Dict) End() int { return d.Off + len(d.Src) }

func (d *Dict) entry(key Name) *Entry {
	if d == nil {
		return nil
	}
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if d.Entries[i].Key == key {
			return &d.Entries[i]
		}
	}
	return nil
}

// Twice gives a key that occurs twice, "" for none. Readers disagree about such
// a dictionary, so nothing may be signed or judged on it.
func (d *Dict) Twice() Name {
	if len(d.Entries) <= 24 {
		return d.twiceOfFew()
	}
	seen := make(map[Name]bool, len(d.Entries))
	for _, e := range d.Entries {
		if seen[e.Key] {
			return e.Key
		}
		seen[e.Key] = true
	}
	return ""
}

func (d *Dict) twiceOfFew() Name {
	for i := range d.Entries {
		for k := range i {
			if d.Entries[i].Key == d.Entries[k].Key {
				return d.Entries[i].Key
			}
		}
	}
	return ""
}

// Hex reports whether the string is written in hexadecimal.
func (s String) Hex() bool { return len(s.Raw) > 0 && s.Raw[0] == '<' }

// Bytes decodes the string (ISO 32000-1 §7.3.4).
func (s String) Bytes() []byte {
	if len(s.Raw) < 2 {
		return nil
	}
	inner := s.Raw[1 : len(s.Raw)-1]
	if s.Hex() {
		return decodeHex(inner)
	}
	return decodeLiteral(inner)
}
