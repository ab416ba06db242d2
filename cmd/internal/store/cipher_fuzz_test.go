package store

import (
	"bytes"
	"encoding/binary"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// What comes from the disk may be anything; what goes there must come back.
func FuzzRowCipher(f *testing.F) {
	doc, err := bson.Marshal(bson.D{{Key: "_id", Value: "a"}, {Key: "name", Value: "张三"}, {Key: "n", Value: 1}, {Key: "list", Value: bson.A{1}}})
	if err != nil {
		f.Fatal(err)
	}
	fields := []sealedField{
		{name: "name", class: "personal", key: make([]byte, 16)}, {name: "list", class: "secret", key: make([]byte, 32)},
	}
	sealed, err := (&rowCipher{fields: fields, collection: "c", id: "a", keys: &rowKeys{}}).seal(doc)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{doc, sealed, sealed[:30], nil, {5, 0, 0, 0, 0}} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := &rowCipher{fields: fields, collection: "c", id: "a", keys: &rowKeys{}}
		if out, err := r.open(doc); err != nil && out != nil {
			t.Error("a document beside an error")
		}
		if bson.Raw(doc).Validate() != nil || int(binary.LittleEndian.Uint32(doc)) != len(doc) {
			return // Validate looks at the document and not at what lies behind it
		}
		sealed, err := r.seal(doc)
		if err != nil {
			t.Fatal(err)
		}
		opened, err := (&rowCipher{fields: fields, collection: "c", id: "a", keys: &rowKeys{}}).open(sealed)
		if err != nil || !bytes.Equal(opened, doc) {
			t.Errorf("%x came back as %x (%v)", doc, opened, err)
		}
	})
}
