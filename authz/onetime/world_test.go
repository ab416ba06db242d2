package onetime_test

import (
	"context"
	"encoding/base32"
	"errors"
	"sync"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/onetime"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/cloudseal/gm"
)

// world is a store with a clock, an SMS service and what it delivered.
type world struct {
	t       *testing.T
	db      *unittest.DB
	codes   unit.Table[onetime.Code]
	tallies unit.Table[onetime.Tally]
	tokens  unit.Table[onetime.Token]
	sms     *onetime.SMS

	mu   sync.Mutex // guards what follows
	now  time.Time
	sent []onetime.Delivery
	down bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}
	w.db = unittest.New(w.clock)
	w.codes = unittest.Table[onetime.Code](w.db, "codes")
	w.tallies = unittest.Table[onetime.Tally](w.db, "tallies")
	w.tokens = unittest.Table[onetime.Token](w.db, "tokens")
	w.db.Rehearse()
	var err error
	w.sms, err = onetime.NewSMS(onetime.Deps{
		Work: w.db, Codes: w.codes, Tallies: w.tallies, Carrier: w, Pepper: make([]byte, 32),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) Deliver(_ context.Context, d onetime.Delivery) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down {
		return errors.New("no carrier")
	}
	w.sent = append(w.sent, d)
	return nil
}

// send issues a code and gives it.
func (w *world) send(r onetime.Request) string {
	w.t.Helper()
	if err := w.sms.Send(w.t.Context(), r); err != nil {
		w.t.Fatalf("send: %v", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent[len(w.sent)-1].Code
}

func (w *world) check(r onetime.Request, code string) error {
	return w.sms.Check(w.t.Context(), r, code)
}

var request = onetime.Request{Purpose: "enrol", Phone: "13800138000", Request: "en_1", Key: gm.SM3([]byte("key"))}

func wantCode(t *testing.T, err error, want *fault.Error) {
	t.Helper()
	switch {
	case want == nil && err != nil:
		t.Errorf("refused: %v", err)
	case want != nil && !errors.Is(err, want):
		t.Errorf("got %v, want %s", err, want.Code)
	}
}

func base32Of(s string) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString([]byte(s))
}
