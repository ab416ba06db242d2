package app

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"yunzhang.dev/authz/fault"
)

// writeCursor packs a position (time, id) into a word that clients hand back
// without looking into it.
func writeCursor(position []any) string {
	if len(position) != 2 {
		return ""
	}
	at, okAt := position[0].(time.Time)
	id, okID := position[1].(string)
	if !okAt || !okID {
		return ""
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(b, id...))
}

// readCursor unpacks a position; nil for "".
func readCursor(cursor string) ([]any, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(b) < 9 || len(b) > 200 {
		return nil, fault.BadRequest.With("field", "cursor")
	}
	at := time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC()
	return []any{at, string(b[8:])}, nil
}
