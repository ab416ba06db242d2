package store_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// The documentation of engine/mongo says of every collection whether it is worth
// spreading over shards.
func TestEveryCollectionHasItsShard(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("engine/mongo/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, said, _ := strings.Cut(string(text), "// # Sharding")
	words := strings.FieldsFunc(said, func(r rune) bool { return strings.ContainsRune(" \t\n:,.;/", r) })
	names := mainStore(t, embedded.Options{Now: time.Now}).Collections()
	for _, name := range append(names, "leases", "marks", "yz_blobs", "yz_chunks", "yz_uploads", "yz_anchor") {
		if !slices.Contains(words, name) {
			t.Errorf("nothing is said of %s", name)
		}
	}
	if len(names) < 35 {
		t.Errorf("only %d collections", len(names))
	}
}
