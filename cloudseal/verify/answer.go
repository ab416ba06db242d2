package verify

import "slices"

func (l *looked) yes(name Name, code, zh, en string)       { l.answer(name, Yes, code, zh, en) }
func (l *looked) no(name Name, code, zh, en string)        { l.answer(name, No, code, zh, en) }
func (l *looked) unchecked(name Name, code, zh, en string) { l.answer(name, NotChecked, code, zh, en) }

func (l *looked) answer(name Name, a Answer, code, zh, en string) {
	l.out.Checks = append(l.out.Checks, Check{Name: name, Answer: a, Code: code, Reason: Text{zh, en}})
}

func (l *looked) answered(name Name) bool {
	return slices.ContainsFunc(l.out.Checks, func(c Check) bool { return c.Name == name })
}

// sort brings the checks into the order of Names.
func (l *looked) sort() {
	order := Names()
	slices.SortStableFunc(l.out.Checks, func(a, b Check) int { return slices.Index(order, a.Name) - slices.Index(order, b.Name) })
}
