package store

import (
	"errors"
	"fmt"
	"reflect"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"yunzhang.dev/cloudseal/gm"
)

// errSealed: a field does not open. It was changed, moved here from another
// row, or written under another key; nothing more is said.
var errSealed = errors.New("store: an encrypted field cannot be opened")

// sealer encrypts the fields of one collection that are tagged enc:"class":
// SM4-GCM under the key of the class, bound to collection, row and field, so
// that a value moved elsewhere does not open.
type sealer struct {
	collection string
	fields     map[string][]byte // key by bson name
}

func newSealer(collection string, row reflect.Type, keys Keys) (*sealer, error) {
	s := &sealer{collection: collection, fields: map[string][]byte{}}
	for i := range row.NumField() {
		f := row.Field(i)
		class, ok := f.Tag.Lookup("enc")
		if !ok {
			continue
		}
		name := f.Tag.Get("bson")
		key, err := keys.Class(class)
		if err != nil || len(key) != gm.SealKeySize || name == "" {
			return nil, fmt.Errorf("store: %s.%s: no key for class %q: %w", collection, f.Name, class, err)
		}
		s.fields[name] = key
	}
	return s, nil
}

func (s *sealer) aad(id, field string) []byte {
	return fmt.Appendf(nil, "%s\x00%s\x00%s", s.collection, id, field)
}

// seal puts ciphertexts in the place of the tagged fields. Null stays null.
func (s *sealer) seal(doc bson.Raw, id string) (bson.Raw, error) {
	if len(s.fields) == 0 {
		return doc, nil
	}
	return s.rewrite(doc, func(out []byte, name string, key []byte, v bsoncore.Value) ([]byte, error) {
		if v.Type == bsoncore.TypeNull {
			return bsoncore.AppendNullElement(out, name), nil
		}
		sealed, err := gm.Seal(key, append([]byte{byte(v.Type)}, v.Data...), s.aad(id, name))
		if err != nil {
			return nil, err
		}
		return bsoncore.AppendBinaryElement(out, name, 0, sealed), nil
	})
}

// open puts the values back.
func (s *sealer) open(doc bson.Raw) (bson.Raw, error) {
	if len(s.fields) == 0 {
		return doc, nil
	}
	id, ok := doc.Lookup("_id").StringValueOK()
	if !ok {
		return nil, errSealed
	}
	return s.rewrite(doc, func(out []byte, name string, key []byte, v bsoncore.Value) ([]byte, error) {
		if v.Type == bsoncore.TypeNull {
			return bsoncore.AppendNullElement(out, name), nil
		}
		_, sealed, ok := v.BinaryOK()
		if !ok {
			return nil, errSealed
		}
		value, err := gm.Open(key, sealed, s.aad(id, name))
		if err != nil || len(value) == 0 {
			return nil, errSealed
		}
		return bsoncore.AppendValueElement(out, name, bsoncore.Value{Type: bsoncore.Type(value[0]), Data: value[1:]}), nil
	})
}

// rewrite copies a document, with change deciding over the tagged fields.
func (s *sealer) rewrite(doc bson.Raw, change func(out []byte, name string, key []byte, v bsoncore.Value) ([]byte, error)) (bson.Raw, error) {
	elements, err := bsoncore.Document(doc).Elements()
	if err != nil {
		return nil, err
	}
	start, out := bsoncore.AppendDocumentStart(make([]byte, 0, len(doc)+len(s.fields)*(gm.SealOverhead+8)))
	for _, e := range elements {
		key, tagged := s.fields[e.Key()]
		if !tagged {
			out = append(out, e...)
			continue
		}
		if out, err = change(out, e.Key(), key, e.Value()); err != nil {
			return nil, err
		}
	}
	out, err = bsoncore.AppendDocumentEnd(out, start)
	return bson.Raw(out), err
}
