package onetime

import (
	"errors"
	"fmt"
	"time"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// Flood bounds messages that each are within the limits of their number, and
// together are somebody's business at our cost: numbers of one block, called in
// turn, share the revenue with whoever makes us call them.
type Flood struct {
	// Prefix is how many codes in 24 hours go to numbers that differ in their
	// last four digits only. Default 200: a large company's block on the day it
	// registers.
	Prefix int
	// All is how many codes go out in an hour. Default 2000, which is what is
	// willingly paid for before somebody looks.
	All int
}

// DefaultFlood are the bounds unless the configuration has others.
func DefaultFlood() Flood { return Flood{Prefix: 200, All: 2000} }

func (f Flood) withDefaults() Flood {
	d := DefaultFlood()
	if f.Prefix == 0 {
		f.Prefix = d.Prefix
	}
	if f.All == 0 {
		f.All = d.All
	}
	return f
}

// Tally counts codes of one sort: those of a purpose to a number, those to a
// block of numbers, all. ID is a keyed hash.
type Tally struct {
	unit.Row `bson:",inline"`
	Since    time.Time `bson:"since"`
	Count    int       `bson:"count"`
}

const day = 24 * time.Hour

// count counts a message everywhere it counts, or refuses it. The message that
// reaches a bound of Flood raises the alarm.
func (s *SMS) count(tx unit.Tx, purpose string, phone codes.Phone, l Limits) error {
	if _, err := s.tally(tx, s.keyed("tally", purpose, string(phone)).Hex(), l.PerDay, day); err != nil {
		return err
	}
	block := string(phone[:max(0, len(phone)-4)])
	for _, b := range []struct {
		name, id string
		most     int
		per      time.Duration
	}{
		{"prefix", s.keyed("prefix", block).Hex(), s.d.Flood.Prefix, day},
		{"all", s.keyed("all").Hex(), s.d.Flood.All, time.Hour},
	} {
		full, err := s.tally(tx, b.id, b.most, b.per)
		if err != nil {
			return err
		}
		if full && s.d.Alarm != nil {
			if err := s.d.Alarm(tx, b.name); err != nil {
				return fmt.Errorf("raise the alarm: %w", err)
			}
		}
	}
	return nil
}

// tally counts one more of at most so many in a time; full when it was the last.
func (s *SMS) tally(tx unit.Tx, id string, most int, per time.Duration) (full bool, err error) {
	t, err := s.d.Tallies.Get(tx, id)
	if errors.Is(err, unit.ErrAbsent) {
		return most == 1, again(s.d.Tallies.Insert(tx, &Tally{Row: unit.Row{ID: id}, Since: tx.Now(), Count: 1}))
	}
	if err != nil {
		return false, fmt.Errorf("load tally: %w", err)
	}
	if !tx.Now().Before(t.Since.Add(per)) {
		t.Since, t.Count = tx.Now(), 0
	}
	if t.Count >= most {
		return false, fault.SlowDown.After(t.Since.Add(per).Sub(tx.Now()))
	}
	t.Count++
	return t.Count == most, s.d.Tallies.Replace(tx, t)
}
