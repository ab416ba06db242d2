package store

import (
	"sync"

	"yunzhang.dev/cloudseal/gm"
)

// maxRowKeys bounds the keys that are kept ready: at about 1 KiB each, 4 MiB.
const maxRowKeys = 4096

// rowKeys keeps the keys of rows that were used lately ready. A ticket is read
// and written twenty times in its life, and deriving its keys costs as much as
// opening its fields. Zero is a store that is ready for use.
type rowKeys struct {
	mu    sync.Mutex
	known map[rowKey]*gm.Sealer
}

type rowKey struct{ collection, id, class string }

// find gives the key for a field of a row.
func (k *rowKeys) find(collection, id string, f *sealedField) (*gm.Sealer, error) {
	at := rowKey{collection, id, f.class}
	k.mu.Lock()
	key := k.known[at]
	k.mu.Unlock()
	if key != nil {
		return key, nil
	}
	key, err := gm.NewSealer(oneKey(f.key, "cseal-field/1", []byte(collection), []byte(id)))
	if err == nil {
		k.keep(at, key)
	}
	return key, err
}

// keep adds a key. When there are too many, it takes the place of any other.
func (k *rowKeys) keep(at rowKey, key *gm.Sealer) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.known == nil {
		k.known = map[rowKey]*gm.Sealer{}
	}
	for other := range k.known {
		if len(k.known) < maxRowKeys {
			break
		}
		delete(k.known, other)
	}
	k.known[at] = key
}
