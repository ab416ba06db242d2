package cos

// table reads the subsections of a cross-reference table (ISO 32000-1 §7.5.4)
// and its trailer. Rows are read as words, since some writers end them with one
// byte instead of two.
func (l *lexer) table(s *Section) error {
	for {
		l.skip()
		if l.word("trailer") {
			return l.trailer(s)
		}
		first, ok1 := plainInt(l.regular())
		l.skip()
		count, ok2 := plainInt(l.regular())
		if !ok1 || !ok2 {
			return damaged(l.pos, "bad cross-reference table")
		}
		if first > MaxObjects || count > MaxObjects-first {
			return overLimit("objects")
		}
		l.skip()
		if err := l.rows(s, int(first), int(count)); err != nil {
			return err
		}
	}
}

func (l *lexer) rows(s *Section, first, count int) error {
	if len(s.entries)+count > MaxObjects {
		return overLimit("objects")
	}
	for num := first; num < first+count; num++ {
		e, ok := l.row()
		if !ok {
			return damaged(l.pos, "bad row of the cross-reference table")
		}
		s.entries = append(s.entries, numbered{num, e})
	}
	return nil
}

// row reads "oooooooooo ggggg n" and the white space after it.
func (l *lexer) row() (entry, bool) {
	l.skip()
	off, ok1 := plainInt(l.regular())
	l.skip()
	gen, ok2 := plainInt(l.regular())
	l.skip()
	e := entry{gen: int(min(gen, 65535)), off: int(min(off, 1<<40)), kind: free}
	switch {
	case !ok1 || !ok2:
		return e, false
	case l.word("n"):
		// Some writers leave rows of never written objects at offset 0.
		if off > 0 {
			e.kind = inFile
		}
	case !l.word("f"):
		return e, false
	}
	return e, true
}

func (l *lexer) trailer(s *Section) error {
	l.skip()
	at := l.pos
	v, err := l.operand()
	if err != nil {
		return err
	}
	d, ok := v.(*Dict)
	if !ok {
		return damaged(at, "a trailer was expected")
	}
	s.Trailer = d
	return nil
}
