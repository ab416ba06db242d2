package embedded_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// Whoever follows hears the same whether it is still in memory, in the file only,
// or some of it in each; and what a unit that failed inserted is in neither.
func TestFollowersFarAndNear(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := embedded.Open(dir, embedded.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	events := engine.Collection{Name: "events", Outbox: true}
	declare(t, s, rows, events)
	start, err := s.Tail(t.Context(), "events")
	if err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", 300<<10)
	var want []string
	insert := func(s *embedded.Store, id, text string) {
		t.Helper()
		for _, end := range []error{errors.New("failed"), nil} {
			err := s.Update(t.Context(), func(tx engine.Tx) error { return errors.Join(tx.Insert("events", event(id, text)), end) })
			if !errors.Is(err, end) {
				t.Fatal(err)
			}
		}
		insertRow(t, s, "r"+id, 1)
		want = append(want, id)
	}
	for i := range 8 { // more than is held in memory
		insert(s, fmt.Sprint("e", i), large)
	}
	positions := follows(t, s, start, want)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, embedded.Options{})
	declare(t, s, rows, events)
	insert(s, "e8", "")
	insert(s, "e9", "")
	positions = append(positions, follows(t, s, positions[7], want[8:])...)
	for i, p := range positions[:9] {
		follows(t, s, p, want[i+1:])
	}
	follows(t, s, start, want)
}

// follows checks what a follower hears behind a position, and gives where.
func follows(t *testing.T, s *embedded.Store, after engine.Position, want []string) (positions []engine.Position) {
	t.Helper()
	var got []string
	enough := errors.New("enough")
	err := s.Follow(t.Context(), "events", after, func(c engine.Change) error {
		got, positions = append(got, c.Doc.Lookup("_id").StringValue()), append(positions, c.Position)
		if len(got) == len(want) {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || !slices.Equal(got, want) {
		t.Fatalf("behind %s: %v, want %v: %v", after, got, want, err)
	}
	return positions
}

func event(id, text string) bson.Raw {
	return marshal(bson.D{{Key: "_id", Value: id}, {Key: "ver", Value: int64(1)}, {Key: "text", Value: text}})
}
