package qrflow_test

import (
	"testing"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/qrflow"
	"yunzhang.dev/qrflow/qrflowtest"
)

// memory makes a store in memory with the indexes that qrflow declares.
func memory(now func() time.Time) (*unittest.DB, qrflowtest.Store) {
	db := unittest.New(now)
	return db, qrflowtest.Store{
		Work: db,
		Tickets: unittest.Table[qrflow.Ticket](db, "tickets", unittest.Unique("handleHash"), unittest.Unique("slot"),
			unittest.Plain("due", "deadline"), unittest.Plain("app", "live")),
		Events:    unittest.Table[qrflow.Event](db, "events", unittest.Unique("ticket", "seq")),
		Approvals: unittest.Table[qrflow.Approval](db, "approvals", unittest.Unique("statementHash"), unittest.Unique("nonce")),
		Records: unittest.Table[audit.Record](db, "audit",
			unittest.Unique("chain", "seq").Only("chained", true), unittest.Plain("chained", "at")),
	}
}

func TestConformance(t *testing.T) {
	t.Parallel()
	qrflowtest.Run(t, func(_ testing.TB, now func() time.Time) qrflowtest.Store {
		_, store := memory(now)
		return store
	})
}

// Every unit of work runs twice: nothing may have an effect outside of it.
func TestConformanceRehearsed(t *testing.T) {
	t.Parallel()
	qrflowtest.Run(t, func(_ testing.TB, now func() time.Time) qrflowtest.Store {
		db, store := memory(now)
		db.Rehearse()
		return store
	})
}

func BenchmarkMemory(b *testing.B) {
	qrflowtest.Bench(b, func(_ testing.TB, now func() time.Time) qrflowtest.Store {
		_, store := memory(now)
		return store
	})
}
