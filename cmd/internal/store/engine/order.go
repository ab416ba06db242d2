package engine

import (
	"encoding/binary"
	"fmt"
	"reflect"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Keys are strings of bytes whose order is the order of the values they stand
// for, and of which none is the beginning of another: keys of several fields
// are simply put one behind the other. The first byte is the kind, in
// MongoDB's order of kinds.
const (
	kindNull   = 0x10
	kindNumber = 0x20
	kindString = 0x30
	kindBinary = 0x40
	kindBool   = 0x50
	kindTime   = 0x60

	keyEnd = 0xFF // greater than any kind
)

// Behind gives a key greater than all keys that begin with the values in
// prefix, and not greater than any other that is greater than them.
func Behind(prefix []byte) []byte {
	return append(prefix[:len(prefix):len(prefix)], keyEnd)
}

// AppendValue appends the key of a value of a query: nil, or anything of kind
// string, integer, bool, time, bytes or array of bytes.
func AppendValue(key []byte, value any) ([]byte, error) {
	v, err := Scalar(value)
	if err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case int64:
		return appendInt(append(key, kindNumber), v), nil
	case string:
		return AppendString(key, v), nil
	case []byte:
		return appendBinary(key, bson.TypeBinaryGeneric, v), nil
	case bool:
		return appendBool(key, v), nil
	case time.Time:
		return appendInt(append(key, kindTime), v.UnixMilli()), nil
	default:
		return append(key, kindNull), nil
	}
}

// Scalar gives a value of a query in one of six forms: nil, int64, string,
// []byte, bool or time.Time. Types with a name, such as a state, become what
// they are made of.
func Scalar(value any) (any, error) {
	switch v := value.(type) {
	case nil, int64, string, []byte, bool, time.Time:
		return v, nil
	case bson.DateTime:
		return v.Time().UTC(), nil
	}
	v := reflect.ValueOf(value)
	switch {
	case v.Kind() == reflect.String:
		return v.String(), nil
	case v.CanInt():
		return v.Int(), nil
	case v.CanUint() && v.Uint() <= 1<<63-1:
		return int64(v.Uint()), nil
	case v.Kind() == reflect.Bool:
		return v.Bool(), nil
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		return v.Bytes(), nil
	case v.Kind() == reflect.Array && v.Type().Elem().Kind() == reflect.Uint8:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return b, nil
	}
	return nil, fmt.Errorf("a %T cannot be in an index", value)
}

// AppendString appends the key of a string: its bytes and an end of two zero
// bytes; a zero byte inside gets 0xFF behind it.
func AppendString[T string | []byte](key []byte, s T) []byte {
	key = append(key, kindString)
	start := 0
	for i := range len(s) {
		if s[i] == 0 {
			key = append(append(key, s[start:i+1]...), 0xFF)
			start = i + 1
		}
	}
	return append(append(key, s[start:]...), 0, 0)
}

// AppendRaw appends the key of a value of a document.
func AppendRaw(key []byte, v bson.RawValue) ([]byte, error) {
	b := v.Value
	switch {
	case v.Type == bson.TypeNull:
		return append(key, kindNull), nil
	case v.Type == bson.TypeInt32 && len(b) == 4:
		return appendInt(append(key, kindNumber), int64(int32(binary.LittleEndian.Uint32(b)))), nil
	case v.Type == bson.TypeInt64 && len(b) == 8:
		return appendInt(append(key, kindNumber), int64(binary.LittleEndian.Uint64(b))), nil
	case v.Type == bson.TypeDateTime && len(b) == 8:
		return appendInt(append(key, kindTime), int64(binary.LittleEndian.Uint64(b))), nil
	case v.Type == bson.TypeBoolean && len(b) == 1:
		return appendBool(key, b[0] != 0), nil
	case v.Type == bson.TypeString && len(b) > 4: // length, bytes, zero
		return AppendString(key, b[4:len(b)-1]), nil
	case v.Type == bson.TypeBinary:
		if subtype, data, ok := v.BinaryOK(); ok {
			return appendBinary(key, subtype, data), nil
		}
	}
	return nil, fmt.Errorf("a value of BSON type %s cannot be in an index", v.Type)
}

func appendInt(key []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(key, uint64(n)^1<<63)
}

func appendBool(key []byte, v bool) []byte {
	if v {
		return append(key, kindBool, 1)
	}
	return append(key, kindBool, 0)
}

func appendBinary(key []byte, subtype byte, b []byte) []byte {
	key = binary.BigEndian.AppendUint32(append(key, kindBinary), uint32(len(b)))
	return append(append(key, subtype), b...)
}
