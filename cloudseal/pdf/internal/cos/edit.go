package cos

// Edit replaces the value of a key by the given text, or adds the key.
type Edit struct {
	Key   Name
	Value []byte
}

// Edited gives the dictionary's source text with the edits made. Everything
// else stays byte for byte, so that nothing of a stranger's object is lost or
// written differently. Keys must be plain names.
func (d *Dict) Edited(edits ...Edit) []byte {
	out := make([]byte, 0, len(d.Src)+64*len(edits))
	from := 0
	for i := range d.Entries {
		e := &d.Entries[i]
		if v, ok := find(edits, e.Key); ok {
			out = append(out, d.Src[from:e.Start]...)
			if !isSpace(out[len(out)-1]) {
				out = append(out, ' ')
			}
			out = append(out, v...)
			from = e.End
		}
	}
	body := len(d.Src) - len(">>")
	out = append(out, d.Src[from:body]...)
	for _, ed := range edits {
		if d.entry(ed.Key) == nil {
			out = append(out, "\n/"...)
			out = append(append(out, ed.Key...), ' ')
			out = append(out, ed.Value...)
		}
	}
	if len(edits) > 0 {
		// The text before may end in a comment.
		out = append(out, '\n')
	}
	return append(out, ">>"...)
}

func find(edits []Edit, key Name) ([]byte, bool) {
	for _, e := range edits {
		if e.Key == key {
			return e.Value, true
		}
	}
	return nil, false
}

// Appended gives the array's source text with one more item at its end.
func (a *Array) Appended(item []byte) []byte {
	out := make([]byte, 0, len(a.Src)+len(item)+2)
	out = append(out, a.Src[:len(a.Src)-1]...)
	out = append(append(out, '\n'), item...)
	return append(out, ']')
}
