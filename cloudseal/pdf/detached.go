package pdf

import (
	"bytes"

	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// detached looks for signature dictionaries that no field leads to: a later
// revision may have dropped a signature, and the file would look unsigned.
func (s *search) detached() error {
	mark := []byte("/ByteRange")
	data := s.file.Data
	for at := 0; ; at += len(mark) {
		n := bytes.Index(data[at:], mark)
		if n < 0 {
			return nil
		}
		if at += n; s.known(at) {
			continue
		}
		if len(s.found) >= MaxStamps {
			return cos.ErrLimit
		}
		if o := s.enclosing(at); o != nil {
			f := &found{Stamp: s.inspect(o.Dict(), o), dict: o.Dict()}
			f.problem(ProblemDetached)
			s.found = append(s.found, f)
		}
	}
}

func (s *search) known(at int) bool {
	for _, f := range s.found {
		if f.start <= at && at < f.start+len(f.dict.Src) {
			return true
		}
	}
	return false
}

// enclosing gives the signature dictionary around a position, of whatever
// revision; nil when the position is in something else, such as a stream.
func (s *search) enclosing(at int) *cos.Object {
	o := s.file.Around(at)
	if o == nil {
		return nil
	}
	d, ok := o.Value.(*cos.Dict)
	if !ok || d.Get("ByteRange") == nil || d.Get("Contents") == nil {
		return nil
	}
	return o
}
