package mongosim

import (
	"encoding/binary"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

type (
	doc = bsoncore.Document
	val = bsoncore.Value
)

// Keys are bytes in the order of the values they stand for ("Comparison/Sort
// Order" of the manual); none is the beginning of another, so that the keys of
// several fields are put one behind the other. The first byte is the bracket
// of types that compare with each other.
const (
	keyMin       = 0x0A
	keyUndefined = 0x0F
	keyNull      = 0x14
	keyNumber    = 0x1E
	keyString    = 0x3C
	keyObject    = 0x46
	keyArray     = 0x50
	keyBinary    = 0x5A
	keyObjectID  = 0x64
	keyBool      = 0x6E
	keyDate      = 0x78
	keyTimestamp = 0x82
	keyMax       = 0xF0
)

// keyOf gives the key of one value.
func keyOf(v val) string { return string(appendKey(nil, v)) }

// appendKey appends the key of a value. A type that is not imitated is refused
// by panicking with the refusal, which the command answers with.
func appendKey(k []byte, v val) []byte {
	switch v.Type {
	case 0, bsoncore.TypeNull:
		return append(k, keyNull)
	case bsoncore.TypeUndefined:
		return append(k, keyUndefined)
	case bsoncore.TypeMinKey:
		return append(k, keyMin)
	case bsoncore.TypeMaxKey:
		return append(k, keyMax)
	case bsoncore.TypeInt32, bsoncore.TypeInt64:
		return appendNumber(k, float64(v.AsInt64()), v.AsInt64(), true)
	case bsoncore.TypeDouble:
		return appendNumber(k, v.Double(), 0, false)
	case bsoncore.TypeString:
		return appendText(append(k, keyString), v.StringValue())
	case bsoncore.TypeSymbol:
		return appendText(append(k, keyString), v.Symbol())
	case bsoncore.TypeEmbeddedDocument:
		return appendElements(append(k, keyObject), v.Document(), true)
	case bsoncore.TypeArray:
		return appendElements(append(k, keyArray), doc(v.Data), false)
	case bsoncore.TypeBinary:
		kind, data := v.Binary()
		k = binary.BigEndian.AppendUint32(append(k, keyBinary), uint32(len(data)))
		return append(append(k, kind), data...)
	case bsoncore.TypeObjectID:
		id := v.ObjectID()
		return append(append(k, keyObjectID), id[:]...)
	case bsoncore.TypeBoolean:
		if v.Boolean() {
			return append(k, keyBool, 1)
		}
		return append(k, keyBool, 0)
	case bsoncore.TypeDateTime:
		return binary.BigEndian.AppendUint64(append(k, keyDate), uint64(v.DateTime())^1<<63)
	case bsoncore.TypeTimestamp:
		t, i := v.Timestamp()
		k = binary.BigEndian.AppendUint32(append(k, keyTimestamp), t)
		return binary.BigEndian.AppendUint32(k, i)
	}
	panic(refuse("values of type %s", bson.Type(v.Type)))
}

// appendNumber orders all numbers together: first as a double, then, for
// integers that are none, by what rounding took away.
func appendNumber(k []byte, f float64, whole int64, isInt bool) []byte {
	k = append(k, keyNumber)
	bits := math.Float64bits(f + 0) // -0 is 0
	if f == 0 {
		bits = 0
	}
	switch {
	case math.IsNaN(f):
		bits = 0
	case bits>>63 == 1:
		bits = ^bits
	default:
		bits |= 1 << 63
	}
	var rest int64
	switch {
	case isInt && f >= 1<<63:
		rest = whole - math.MaxInt64 - 1
	case isInt:
		rest = whole - int64(f)
	}
	k = binary.BigEndian.AppendUint64(k, bits)
	return binary.BigEndian.AppendUint16(k, uint16(int16(rest))^1<<15)
}

// appendText writes 0 as 0 255 and ends with 0 0.
func appendText(k []byte, s string) []byte {
	for i := range len(s) {
		k = append(k, s[i])
		if s[i] == 0 {
			k = append(k, 0xFF)
		}
	}
	return append(k, 0, 0)
}

func appendElements(k []byte, d doc, named bool) []byte {
	for _, e := range elements(d) {
		if named {
			k = append(k, bracket(e.Value()))
			k = appendText(k, e.Key())
		}
		k = appendKey(k, e.Value())
	}
	return append(k, 0)
}

// bracket is the first byte of the value's key.
func bracket(v val) byte { return appendKey(nil, v)[0] }

// indexKey gives the key of a document's values in an index, the bytes of
// descending fields turned round.
func indexKey(values []val, descending []bool) string {
	var k []byte
	for i, v := range values {
		from := len(k)
		k = appendKey(k, v)
		if descending[i] {
			for j := from; j < len(k); j++ {
				k[j] = ^k[j]
			}
		}
	}
	return string(k)
}

// after gives the least string greater than all that begin with prefix.
func after(prefix string) string {
	b := []byte(prefix)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] != 0xFF {
			b[i]++
			return string(b[:i+1])
		}
	}
	return ""
}
