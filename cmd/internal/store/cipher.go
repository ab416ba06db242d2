package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"yunzhang.dev/cloudseal/gm"
)

// sealedSubtype marks a sealed value in a document: BSON binary of the first
// user-defined subtype. Its first byte is the form of the rest, so that another
// form can come beside it.
const (
	sealedSubtype = 0x80
	sealedForm    = 1
)

// minClassKey is the least length of a key of a class, that of SM4.
const minClassKey = gm.SealKeySize

func classKey(keys Keys, class string) ([]byte, error) {
	key, err := keys.Class(class)
	if err != nil {
		return nil, fmt.Errorf("key of class %q: %w", class, err)
	}
	if len(key) < minClassKey {
		return nil, fmt.Errorf("the key of class %q has %d bytes and needs %d", class, len(key), minClassKey)
	}
	return key, nil
}

// oneKey derives the key of one row or blob from that of its class: a key that
// sealed all values of a province would pass the 2³² that random nonces allow
// (NIST SP 800-38D §8.3) within months.
func oneKey(classKey []byte, label string, parts ...[]byte) []byte {
	return gm.Derive(classKey, label, parts...)[:gm.SealKeySize]
}

// rowCipher seals and opens the marked fields of one row.
type rowCipher struct {
	fields         []sealedField
	collection, id string
	keys           *rowKeys

	prefix []byte // of the additional data, once it was needed
}

// aad binds a sealed value to its place: collection, id and field, each behind
// its length.
func (r *rowCipher) aad(field []byte) []byte {
	if r.prefix == nil {
		r.prefix = appendPart(appendPart([]byte("cseal-field/1\x00"), []byte(r.collection)), []byte(r.id))
	}
	return appendPart(r.prefix[:len(r.prefix):len(r.prefix)], field)
}

func appendPart(b, part []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(part))), part...)
}

// seal replaces the values of the marked fields by their sealed form.
func (r *rowCipher) seal(doc bson.Raw) (bson.Raw, error) {
	return r.rewrite(doc, func(out []byte, key *gm.Sealer, e element) ([]byte, error) {
		plain := append([]byte{byte(e.typ)}, e.value...)
		sealed, err := key.Seal(plain, r.aad(e.name))
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, byte(bsoncore.TypeBinary)), e.name...), 0)
		return bsoncore.AppendBinary(out, sealedSubtype, append([]byte{sealedForm}, sealed...)), nil
	})
}

var errNotSealed = errors.New("it is not sealed")

// open is the reverse of seal. A marked field that is there in the clear is
// refused: only somebody without the key would write it so.
func (r *rowCipher) open(doc bson.Raw) (bson.Raw, error) {
	return r.rewrite(doc, func(out []byte, key *gm.Sealer, e element) ([]byte, error) {
		subtype, sealed, _, ok := bsoncore.ReadBinary(e.value)
		if e.typ != bsoncore.TypeBinary || !ok || subtype != sealedSubtype || len(sealed) < 1 || sealed[0] != sealedForm {
			return nil, errNotSealed
		}
		plain, err := key.Open(sealed[1:], r.aad(e.name))
		if err != nil {
			return nil, err
		}
		if len(plain) == 0 {
			return nil, errNotSealed
		}
		out = append(append(append(out, plain[0]), e.name...), 0)
		return append(out, plain[1:]...), nil
	})
}

// element is one field of a document, in place.
type element struct {
	typ         bsoncore.Type
	name, value []byte
}

var errDocument = errors.New("the document is damaged")

// rewrite copies a document and lets change write the marked fields.
func (r *rowCipher) rewrite(doc bson.Raw, change func(out []byte, key *gm.Sealer, e element) ([]byte, error)) (bson.Raw, error) {
	if len(doc) < 5 {
		return nil, errDocument
	}
	out := make([]byte, 4, len(doc)+64*len(r.fields))
	rest := []byte(doc[4:])
	for len(rest) > 1 {
		end := bytes.IndexByte(rest[1:], 0)
		if end < 0 {
			return nil, errDocument
		}
		e := element{typ: bsoncore.Type(rest[0]), name: rest[1 : 1+end]}
		value, next, ok := bsoncore.ReadValue(rest[end+2:], e.typ)
		if !ok {
			return nil, errDocument
		}
		whole := rest[:len(rest)-len(next)]
		e.value, rest = value.Data, next
		f := r.marked(e.name)
		if f == nil {
			out = append(out, whole...)
			continue
		}
		key, err := r.keys.find(r.collection, r.id, f)
		if err == nil {
			out, err = change(out, key, e)
		}
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", e.name, err)
		}
	}
	out = append(out, 0)
	binary.LittleEndian.PutUint32(out, uint32(len(out)))
	return out, nil
}

// marked finds a field among the marked ones, of which a row has a few.
func (r *rowCipher) marked(name []byte) *sealedField {
	for i := range r.fields {
		if r.fields[i].name == string(name) {
			return &r.fields[i]
		}
	}
	return nil
}
