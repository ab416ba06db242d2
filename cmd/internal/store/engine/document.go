package engine

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

var errDocument = errors.New(`engine: a document begins with "_id" (string) and "ver" (int64 from 1)`)

// Head reads the two fields every document begins with, and checks the frame
// of the document; what lies behind them is not looked at.
func Head(doc bson.Raw) (id string, ver int64, err error) {
	switch {
	case len(doc) > MaxDocument:
		return "", 0, fmt.Errorf("engine: a document of %d bytes is over the limit of %d", len(doc), MaxDocument)
	case len(doc) < 5 || int64(binary.LittleEndian.Uint32(doc)) != int64(len(doc)) || doc[len(doc)-1] != 0:
		return "", 0, errDocument
	}
	idValue, rest, ok := readNamed(doc[4:], bsoncore.TypeString, "_id\x00")
	if !ok {
		return "", 0, errDocument
	}
	verValue, _, ok := readNamed(rest, bsoncore.TypeInt64, "ver\x00")
	if !ok {
		return "", 0, errDocument
	}
	id, _, ok = bsoncore.ReadString(idValue)
	ver = int64(binary.LittleEndian.Uint64(verValue))
	if !ok || id == "" || ver < 1 {
		return "", 0, errDocument
	}
	return id, ver, nil
}

// readNamed reads an element of the given type and name (with its zero byte).
func readNamed(b []byte, typ bsoncore.Type, name string) (value, rest []byte, ok bool) {
	if len(b) < 1+len(name) || b[0] != byte(typ) || string(b[1:1+len(name)]) != name {
		return nil, nil, false
	}
	v, rest, ok := bsoncore.ReadValue(b[1+len(name):], typ)
	return v.Data, rest, ok
}

// Layout is an index made ready to read its key out of documents.
type Layout struct {
	Index
	paths [][]string
	while []string
	is    []byte // key of Is, nil for any value
}

// NewLayout prepares an index; the declaration has been checked.
func NewLayout(ix Index) (*Layout, error) {
	l := &Layout{Index: ix}
	for _, f := range ix.Fields {
		l.paths = append(l.paths, strings.Split(f, "."))
	}
	if ix.While == "" {
		return l, nil
	}
	l.while = strings.Split(ix.While, ".")
	if ix.Is == nil {
		return l, nil
	}
	var err error
	l.is, err = AppendValue(nil, ix.Is)
	return l, err
}

// Key appends the key of a document to key; in is false when the index does
// not hold this document. The id is not part of it.
func (l *Layout) Key(key []byte, doc bson.Raw) (_ []byte, in bool, err error) {
	if in, err := l.holds(doc); !in || err != nil {
		return nil, false, err
	}
	for i, path := range l.paths {
		v, err := lookup(doc, path)
		if err == nil {
			key, err = AppendRaw(key, v)
		}
		if err != nil {
			return nil, false, fmt.Errorf("engine: field %s: %w", l.Fields[i], err)
		}
	}
	return key, true, nil
}

// holds reports whether the index holds the document.
func (l *Layout) holds(doc bson.Raw) (bool, error) {
	if l.while == nil {
		return true, nil
	}
	v, err := lookup(doc, l.while)
	if err != nil {
		return false, fmt.Errorf("engine: field %s: %w", l.While, err)
	}
	if l.is == nil {
		return v.Value != nil, nil
	}
	key, err := AppendRaw(nil, v)
	return err == nil && bytes.Equal(key, l.is), nil
}

// absent is what lookup gives for a field that is not there: null, but with no
// value at all where a null that is there has an empty one.
var absent = bson.RawValue{Type: bson.TypeNull}

// lookup finds a field by its path. A list on the way would stand for many
// values, which an index of ours does not hold.
func lookup(doc bson.Raw, path []string) (bson.RawValue, error) {
	for step, name := range path {
		v, err := member(doc, name)
		if err != nil || step == len(path)-1 {
			return v, err
		}
		if v.Type == bson.TypeArray {
			return absent, errors.New("a list is on the way to it")
		}
		if v.Type != bson.TypeEmbeddedDocument {
			return absent, nil
		}
		doc = v.Value
	}
	return absent, nil
}

// member finds a field of one document without copying anything.
func member(doc bson.Raw, name string) (bson.RawValue, error) {
	if len(doc) < 5 {
		return absent, errDocument
	}
	rest := []byte(doc[4:])
	for len(rest) > 1 {
		typ := bsoncore.Type(rest[0])
		end := bytes.IndexByte(rest[1:], 0)
		if end < 0 {
			return absent, errDocument
		}
		field := rest[1 : 1+end]
		v, next, ok := bsoncore.ReadValue(rest[end+2:], typ)
		if !ok {
			return absent, errDocument
		}
		if string(field) == name {
			return bson.RawValue{Type: bson.Type(typ), Value: present(v.Data)}, nil
		}
		rest = next
	}
	return absent, nil
}

// present makes the value of a field that is there differ from that of one
// that is not.
func present(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
