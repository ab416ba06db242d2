package qrflowtest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"yunzhang.dev/authz/unit"
)

// dumped is everything stored about a ticket, as text; binary values in
// hexadecimal.
type dumped struct{ ticket, events, records string }

func (w *World) dump(t testing.TB, ticket string) (d dumped) {
	t.Helper()
	row := w.Row(t, ticket)
	row.HeadBytes = nil // the statement: its own fields are looked at in package statement
	for v, i := reflect.ValueOf(row), 0; i < v.NumField(); i++ {
		if b, ok := v.Field(i).Interface().([]byte); ok {
			d.ticket += hex.EncodeToString(b) + "\n"
		} else {
			d.ticket += fmt.Sprintf("%+v\n", v.Field(i).Interface())
		}
	}
	for _, e := range w.Rows(t, ticket) {
		d.events += fmt.Sprintf("%+v\n", *e)
	}
	w.Audited(t, ticket) // chains the records
	err := w.Work.View(t.Context(), func(tx unit.Tx) error {
		all, err := w.Records.Find(tx, unit.Query{Index: "chain+seq", Key: []any{"main"}})
		for _, r := range all {
			d.records += fmt.Sprintf("%+v\n", *r)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// holds looks for a value as it is and for its bytes.
func (d dumped) holds(secret string) bool {
	all := d.ticket + d.events + d.records
	if strings.Contains(all, secret) || strings.Contains(all, hex.EncodeToString([]byte(secret))) {
		return true
	}
	raw, err := base64.RawURLEncoding.DecodeString(secret)
	return err == nil && strings.Contains(all, hex.EncodeToString(raw))
}
