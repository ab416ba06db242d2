package embedded

import (
	"fmt"
	"maps"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine"
)

// catalogue is what has been declared. It is replaced as a whole, never
// changed.
type catalogue struct{ collections map[string]*collected }

// collected is a declared collection with its numbers in the file.
type collected struct {
	engine.Collection
	id      int64
	indexes []*indexed
}

// indexed is a declared index.
type indexed struct {
	*engine.Layout
	id int64
}

func (c *catalogue) find(name string) (*collected, error) {
	if found := c.collections[name]; found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("embedded: the collection %q is not declared", name)
}

// with gives a catalogue that also holds the given collections.
func (c *catalogue) with(more []*collected) *catalogue {
	all := maps.Clone(c.collections)
	if all == nil {
		all = map[string]*collected{}
	}
	for _, m := range more {
		all[m.Name] = m
	}
	return &catalogue{all}
}

func (c *collected) index(name string) (*indexed, error) {
	for _, ix := range c.indexes {
		if ix.Name() == name {
			return ix, nil
		}
	}
	return nil, fmt.Errorf("embedded: collection %s has no index %q", c.Name, name)
}

// order is the number under which the entries table keeps the order of
// commits of an outbox; indexes have positive numbers.
func (c *collected) order() int64 { return -c.id }

// keys gives the key of the document in each index, nil where an index does
// not hold it. In an index that is not unique the id completes the key.
func (c *collected) keys(doc bson.Raw, id string) ([][]byte, error) {
	keys := make([][]byte, len(c.indexes))
	buf := make([]byte, 0, 64*len(c.indexes))
	for i, ix := range c.indexes {
		start := len(buf)
		key, in, err := ix.Key(buf, doc)
		if err != nil {
			return nil, fmt.Errorf("collection %s: %w", c.Name, err)
		}
		if !in {
			continue
		}
		if !ix.Unique {
			key = engine.AppendString(key, id)
		}
		keys[i], buf = key[start:len(key):len(key)], key
	}
	return keys, nil
}
