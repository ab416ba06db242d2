package cloudseal

import (
	"errors"
	"slices"
	"strings"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/pdf"
)

var errIncrement = errors.New("an increment was not stored as it was made")

// newIncrement cuts the slot out of a prepared stamp: twice the size of the
// signature, and zeros.
func newIncrement(id string, p pdf.Prepared) *Increment {
	from, to := slotOf(&p)
	p.Tail = slices.Concat(p.Tail[:from], p.Tail[to:])
	return &Increment{Row: unit.Row{ID: id}, Prepared: p, Slot: to - from}
}

// slotOf gives where the digits of Contents lie in the tail.
func slotOf(p *pdf.Prepared) (from, to int) {
	return int(p.ByteRange[1]-p.Base) + 1, int(p.ByteRange[2]-p.Base) - 1
}

// increment reads a prepared stamp and puts the zeros back. A row that cannot
// have been made so is an error; any other change of it changes a digest.
func (s *Service) increment(tx unit.Tx, id string) (*pdf.Prepared, error) {
	i, err := s.t.Increments.Get(tx, id)
	if err != nil {
		return nil, err
	}
	p := i.Prepared
	from, to := slotOf(&p)
	if from < 1 || to-from != i.Slot || i.Slot > 2*pdf.MaxSlot || from > len(p.Tail) {
		return nil, errIncrement
	}
	tail := append(make([]byte, 0, len(p.Tail)+i.Slot), p.Tail[:from]...)
	for len(tail) < to {
		tail = append(tail, zeros[:min(to-len(tail), len(zeros))]...)
	}
	p.Tail = append(tail, p.Tail[from:]...)
	return &p, nil
}

// zeros is what an empty slot consists of.
var zeros = strings.Repeat("0", 1<<10)
