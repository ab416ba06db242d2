package keys

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// guardedRow is a row that can say what it consists of. content lists every
// field but id, Ver and MAC.
type guardedRow[T any] interface {
	*T
	unit.Entity
	content() [][]byte
	tag() *gm.Digest
}

// guarded is a table whose rows carry a MAC: set on every write, checked on
// every read, so that no caller can forget either. Ver is left out because the
// store sets it.
type guarded[T any, P guardedRow[T]] struct {
	name string
	t    unit.Table[T]
	key  []byte
}

func (g guarded[T, P]) Get(tx unit.Tx, id string) (*T, error) {
	v, err := g.t.Get(tx, id)
	if err != nil {
		return nil, err
	}
	return v, g.check(v)
}

// want names rows for unit.Fetch.
func (g guarded[T, P]) want(ids ...string) unit.Want { return unit.Rows(g.t, ids...) }

// listed names what a query lists, for unit.Fetch.
func (g guarded[T, P]) listed(q unit.Query) unit.Want { return unit.Listed(g.t, q) }

func (g guarded[T, P]) Insert(tx unit.Tx, v *T) error {
	*P(v).tag() = g.mac(v)
	return g.t.Insert(tx, v)
}

func (g guarded[T, P]) Replace(tx unit.Tx, v *T) error {
	*P(v).tag() = g.mac(v)
	return g.t.Replace(tx, v)
}

func (g guarded[T, P]) Find(tx unit.Tx, q unit.Query) ([]*T, error) {
	found, err := g.t.Find(tx, q)
	if err != nil {
		return nil, err
	}
	for _, v := range found {
		if err := g.check(v); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func (g guarded[T, P]) check(v *T) error {
	want := g.mac(v)
	if subtle.ConstantTimeCompare(want[:], P(v).tag()[:]) != 1 {
		return fmt.Errorf("keys: row %s of %s was not written by this signer", P(v).Head().ID, g.name)
	}
	return nil
}

func (g guarded[T, P]) mac(v *T) gm.Digest {
	parts := append([][]byte{[]byte(P(v).Head().ID)}, P(v).content()...)
	return gm.Digest(gm.Derive(g.key, "cseal-signer-row/1 "+g.name, parts...))
}

// number and moment are fields of a row's content.
func number(n int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }

func moment(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	return binary.BigEndian.AppendUint64(nil, uint64(t.UnixMilli()))
}
