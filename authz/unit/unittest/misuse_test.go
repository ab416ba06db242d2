package unittest_test

import (
	"errors"
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
)

func TestMisuseIsRefused(t *testing.T) {
	t.Parallel()
	db, seals := newSeals(t)
	other, _ := newSeals(t)
	s := row("a", "1")
	var kept unit.Tx
	_ = db.View(t.Context(), func(tx unit.Tx) error {
		kept = tx
		if seals.Insert(tx, &s) == nil {
			t.Error("a view wrote")
		}
		return nil
	})
	if _, err := seals.Get(kept, "a"); err == nil || errors.Is(err, unit.ErrAbsent) {
		t.Errorf("used after its end: %v", err)
	}
	_ = other.Update(t.Context(), func(tx unit.Tx) error {
		if seals.Insert(tx, &s) == nil {
			t.Error("wrote through the unit of another store")
		}
		return nil
	})
	nameless := row("", "1")
	if db.Update(t.Context(), func(tx unit.Tx) error { return seals.Insert(tx, &nameless) }) == nil {
		t.Error("inserted without an id")
	}
}

type hidden struct {
	unit.Row `bson:",inline"`
	note     string
}

func TestDeclarationsThatCannotWork(t *testing.T) {
	t.Parallel()
	_ = hidden{note: ""}
	db, _ := newSeals(t)
	for name, declare := range map[string]func(){
		"table twice":      func() { unittest.Table[seal](db, "seals") },
		"no such field":    func() { unittest.Table[seal](db, "x", unittest.Plain("nothing")) },
		"list as key":      func() { unittest.Table[seal](db, "x", unittest.Plain("tags")) },
		"wrong constant":   func() { unittest.Table[seal](db, "x", unittest.Plain("code").Only("n", "one")) },
		"index twice":      func() { unittest.Table[seal](db, "x", unittest.Plain("code"), unittest.Unique("code")) },
		"unexported field": func() { unittest.Table[hidden](db, "x") },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("accepted")
				}
			}()
			declare()
		})
	}
}
