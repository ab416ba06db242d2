package embedded

import (
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine"
)

// tailBytes bounds what a tail holds: some thousand events. Whoever is further
// behind reads the file.
const tailBytes = 1 << 20

// tail holds the newest documents of all outboxes. Followers are behind by what
// has just been committed, nearly always, and need not read it back.
type tail struct {
	mu    sync.Mutex // guards what follows
	from  int64      // nothing that was inserted behind this row is missing
	bytes int
	list  []inserted
}

// inserted is a document of an outbox with its collection and row number.
type inserted struct {
	collection, n int64
	doc           bson.Raw
}

// restart drops what is held: rows up to n are in the file only.
func (t *tail) restart(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.from, t.bytes, t.list = n, 0, nil
}

// add takes what a batch inserted, oldest first, when it has been committed.
func (t *tail) add(more []inserted) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, one := range more {
		t.bytes += len(one.doc)
	}
	t.list = append(t.list, more...)
	for t.bytes > tailBytes {
		t.from, t.bytes = t.list[0].n, t.bytes-len(t.list[0].doc)
		t.list = t.list[1:]
	}
}

// since gives what was inserted into a collection behind row n, at most limit
// changes; ok is false when some of it may be in the file only.
func (t *tail) since(collection, n int64, limit int) (changes []engine.Change, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if n < t.from {
		return nil, false
	}
	i := len(t.list)
	for i > 0 && t.list[i-1].n > n {
		i--
	}
	for _, one := range t.list[i:] {
		if one.collection == collection && len(changes) < limit {
			changes = append(changes, engine.Change{Position: position(one.n), Doc: one.doc})
		}
	}
	return changes, true
}
