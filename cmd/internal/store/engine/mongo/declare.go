package mongo

import (
	"context"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"yunzhang.dev/cmd/internal/store/engine"
)

// Collections of the engine's own. A declared collection cannot be called so:
// its name has no underscore.
const (
	// anchorName holds one tiny document, over which rows of several
	// collections are read in one command.
	anchorName = "yz_anchor"
	anchorID   = "anchor"
)

// catalogue is what has been declared. It does not change.
type catalogue struct{ collections map[string]*collected }

// collected is a declared collection.
type collected struct {
	engine.Collection
	on      *mongo.Collection
	indexes map[string]*indexed
}

// indexed is a declared index.
type indexed struct {
	*engine.Layout
	name string // on the server, by content
	keys bson.D // as on the server
	only bson.D // the condition on the documents it holds; nil: all
}

func (c *catalogue) find(name string) (*collected, error) {
	if d := c.collections[name]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("mongo: the collection %s is not declared", name)
}

func (c *collected) index(name string) (*indexed, error) {
	if ix := c.indexes[name]; ix != nil {
		return ix, nil
	}
	return nil, fmt.Errorf("mongo: the collection %s has no index %s", c.Name, name)
}

// with gives a catalogue that has these too.
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

// Declare implements [engine.Engine].
func (e *Engine) Declare(ctx context.Context, collections ...engine.Collection) error {
	var made []*collected
	for _, c := range collections {
		m, err := e.collect(c)
		if err != nil {
			return err
		}
		made = append(made, m)
	}
	leave, err := e.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	e.mu.Lock()
	defer e.mu.Unlock()
	there, err := e.db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return e.explain("list collections", err)
	}
	for _, m := range made {
		if err := e.make(ctx, m, slices.Contains(there, m.Name)); err != nil {
			return err
		}
		if !m.Outbox || e.declared.Load().collections[m.Name] != nil {
			continue
		}
		// Whether it can be followed is said now: followers begin later and try
		// again for ever.
		if _, err := e.tail(ctx, m); err != nil {
			return err
		}
	}
	e.declared.Store(e.declared.Load().with(made))
	return nil
}

// collect checks a declaration and prepares it.
func (e *Engine) collect(c engine.Collection) (*collected, error) {
	if err := c.Check(); err != nil {
		return nil, err
	}
	if was := e.declared.Load().collections[c.Name]; was != nil && was.Outbox != c.Outbox {
		return nil, fmt.Errorf("mongo: the collection %s is declared as an outbox here and as none there", c.Name)
	}
	m := &collected{Collection: c, on: e.db.Collection(c.Name), indexes: map[string]*indexed{}}
	for _, ix := range c.Indexes {
		prepared, err := prepare(ix)
		if err != nil {
			return nil, fmt.Errorf("mongo: collection %s: index %s: %w", c.Name, ix.Name(), err)
		}
		m.indexes[ix.Name()] = prepared
	}
	return m, nil
}

// prepare works an index out for the server.
func prepare(ix engine.Index) (*indexed, error) {
	layout, err := engine.NewLayout(ix)
	if err != nil {
		return nil, err
	}
	p := &indexed{Layout: layout, name: "yz " + ix.Name()}
	for _, f := range ix.Fields {
		p.keys = append(p.keys, bson.E{Key: f, Value: int32(1)})
	}
	if ix.Unique {
		p.name += " unique"
	} else {
		p.keys = append(p.keys, bson.E{Key: "_id", Value: int32(1)})
	}
	switch {
	case ix.While == "":
	case ix.Is == nil:
		p.only = bson.D{{Key: ix.While, Value: bson.D{{Key: "$exists", Value: true}}}}
		p.name += " with " + ix.While
	default:
		is, err := engine.Scalar(ix.Is)
		if err != nil {
			return nil, err
		}
		p.only = bson.D{{Key: ix.While, Value: bson.D{{Key: "$eq", Value: is}}}}
		p.name += " while " + ix.While + " is " + inName(is)
	}
	return p, nil
}

// inName writes a value so that it is clear in the name of an index.
func inName(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return "0x" + hex.EncodeToString(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}

// make makes a collection and its indexes. Whatever is there stays.
func (e *Engine) make(ctx context.Context, m *collected, there bool) error {
	if !there {
		err := e.db.CreateCollection(ctx, m.Name)
		if err != nil && !hasCode(err, codeNamespaceExists) {
			return e.explain("create collection "+m.Name, err)
		}
	}
	var models []mongo.IndexModel
	var names []string
	for _, ix := range m.Indexes {
		p := m.indexes[ix.Name()]
		o := options.Index().SetName(p.name)
		if p.Unique {
			o.SetUnique(true)
		}
		if p.only != nil {
			o.SetPartialFilterExpression(p.only)
		}
		models = append(models, mongo.IndexModel{Keys: p.keys, Options: o})
		names = append(names, ix.Name())
	}
	if len(models) == 0 {
		return nil
	}
	// A member that is down must not hold up the start of a node.
	_, err := m.on.Indexes().CreateMany(ctx, models, options.CreateIndexes().SetCommitQuorumMajority())
	switch {
	case mongo.IsDuplicateKeyError(err):
		return fmt.Errorf("mongo: collection %s: its documents break a unique index, of %s: %w", m.Name, strings.Join(names, ", "), err)
	case hasCode(err, codeIndexOptionsConflict, codeIndexKeyConflict):
		return fmt.Errorf("mongo: collection %s has an index like one of %s that was not made by this program: drop it: %w",
			m.Name, strings.Join(names, ", "), err)
	}
	return e.explain("create indexes of "+m.Name, err)
}

// Retired lists the indexes that an earlier program made and no declaration
// names any more, as "collection: index". They cost a little with every write,
// and a unique one still refuses. Drop them (dropIndexes) once no node of the
// older program runs.
func (e *Engine) Retired(ctx context.Context) (list []string, err error) {
	all := e.declared.Load().collections
	for _, name := range slices.Sorted(maps.Keys(all)) {
		known := map[string]bool{"_id_": true}
		for _, ix := range all[name].indexes {
			known[ix.name] = true
		}
		specs, err := all[name].on.Indexes().ListSpecifications(ctx)
		if err != nil {
			return nil, e.explain("list indexes of "+name, err)
		}
		for _, s := range specs {
			if !known[s.Name] && strings.HasPrefix(s.Name, "yz ") {
				list = append(list, name+": "+s.Name)
			}
		}
	}
	return list, nil
}
