package onetime_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/onetime"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

func TestCodeWorksOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.send(request)
	if len(code) != 6 || strings.Trim(code, "0123456789") != "" {
		t.Errorf("code %q", code)
	}
	written := request
	written.Phone, written.About = "+86 138 0013 8000", "张*"
	wantCode(t, w.check(written, code), nil)
	wantCode(t, w.check(request, code), fault.CodeWrong)
}

func TestAT112Bound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.send(request)
	for name, change := range map[string]func(*onetime.Request){
		"purpose": func(r *onetime.Request) { r.Purpose = "recover" },
		"phone":   func(r *onetime.Request) { r.Phone = "13900139000" },
		"request": func(r *onetime.Request) { r.Request = "en_2" },
		"key":     func(r *onetime.Request) { r.Key = gm.SM3([]byte("other")) },
		"no key":  func(r *onetime.Request) { r.Key = gm.Digest{} },
		"no phone": func(r *onetime.Request) {
			r.Phone = "x"
		},
	} {
		other := request
		change(&other)
		if err := w.check(other, code); fault.CodeOf(err) != fault.CodeWrong.Code {
			t.Errorf("other %s: %v", name, err)
		}
	}
	wantCode(t, w.check(request, code), nil)
}

func TestAT112Lapses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.send(request)
	w.pass(5*time.Minute - time.Millisecond)
	agent := onetime.Request{Purpose: "authorize-agent", Phone: "13900139000", Request: "en_1"}
	pass := w.send(agent)
	w.pass(time.Millisecond)
	wantCode(t, w.check(request, code), fault.CodeWrong)
	w.pass(9 * time.Minute) // this purpose has a longer life
	wantCode(t, w.check(agent, pass), nil)
}

func TestAT112FiveGuesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.send(request)
	for range 4 {
		wantCode(t, w.check(request, wrong(code)), fault.CodeWrong)
	}
	wantCode(t, w.check(request, code), nil)

	w.pass(time.Minute)
	code = w.send(request)
	for range 5 {
		wantCode(t, w.check(request, wrong(code)), fault.CodeWrong)
	}
	wantCode(t, w.check(request, code), fault.CodeWrong)
}

// wrong is another code.
func wrong(code string) string {
	return fmt.Sprintf("%s%d", code[:5], (code[5]-'0'+1)%10)
}

func TestGuessesInParallelCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.send(request)
	var wg sync.WaitGroup
	var right atomic.Int32
	for i := range 20 {
		guess := wrong(code)
		if i%2 == 0 {
			guess = code
		}
		wg.Go(func() {
			if w.check(request, guess) == nil {
				right.Add(1)
			}
		})
	}
	wg.Wait()
	if n := right.Load(); n > 1 {
		t.Errorf("a code worked %d times", n)
	}
	wantCode(t, w.check(request, code), fault.CodeWrong)
}

func TestAT112Replaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.send(request)
	wantCode(t, w.check(request, wrong(first)), fault.CodeWrong)
	w.pass(time.Minute)
	second := w.send(request)
	if first != second {
		wantCode(t, w.check(request, first), fault.CodeWrong)
	}
	wantCode(t, w.check(request, second), nil)
}

func TestCodesOfSeveralRequestsStandSideBySide(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	codes := map[onetime.Request]string{}
	for i := range 3 {
		r := onetime.Request{Purpose: "authorize-agent", Phone: "13900139000", Request: fmt.Sprint("en_", i)}
		codes[r] = w.send(r)
	}
	for r, code := range codes {
		wantCode(t, w.check(r, code), nil)
	}
}

func TestAT113CapsOfANumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(request)
	err := w.sms.Send(t.Context(), request)
	wantCode(t, err, fault.SlowDown)
	if after := fault.From(err).RetryAfter; after != time.Minute {
		t.Errorf("too fresh: wait %v", after)
	}
	for i := range 4 { // another request does not help
		r := request
		r.Request = fmt.Sprint("other", i)
		w.send(r)
	}
	w.pass(time.Hour)
	err = w.sms.Send(t.Context(), request)
	wantCode(t, err, fault.SlowDown)
	if after := fault.From(err).RetryAfter; after != 23*time.Hour {
		t.Errorf("had its share: wait %v", after)
	}
	other := request
	other.Phone = "13900139000"
	w.send(other)
	agent := request
	agent.Purpose = "authorize-agent"
	w.send(agent)

	w.pass(23 * time.Hour)
	w.send(request)
	if n := len(w.sent); n != 8 {
		t.Errorf("%d messages went out", n)
	}
}

func TestAT113ParallelSends(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			r := request
			r.Request = fmt.Sprint(i)
			if err := w.sms.Send(t.Context(), r); err != nil && fault.CodeOf(err) != fault.SlowDown.Code {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := len(w.sent); n != 5 {
		t.Errorf("%d messages went out, want 5", n)
	}
}

// AT-113: a thousand numbers, each for the first time. Those of one block stop at
// the block's bound, all together at theirs, and each bound raises the alarm once.
func TestAT113Pumping(t *testing.T) {
	t.Parallel()
	for name, number := range map[string]func(i int) string{
		"prefix": func(i int) string { return fmt.Sprintf("1380013%04d", i) },
		"all":    func(i int) string { return fmt.Sprintf("138%04d0000", i) },
	} {
		w := newWorld(t)
		sms, err := onetime.NewSMS(onetime.Deps{
			Work: w.db, Codes: w.codes, Tallies: w.tallies, Carrier: w, Pepper: make([]byte, 32),
			Flood: onetime.Flood{Prefix: 60, All: 90},
			Alarm: func(tx unit.Tx, bound string) error { // a second one finds its place taken
				return w.tallies.Insert(tx, &onetime.Tally{Row: unit.Row{ID: "alarm " + bound}})
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			r := request
			r.Phone, r.Request = number(i), fmt.Sprint(i)
			if err := sms.Send(t.Context(), r); err != nil && fault.CodeOf(err) != fault.SlowDown.Code {
				t.Fatal(err)
			}
		}
		want := map[string]int{"prefix": 60, "all": 90}[name]
		if alarms := w.alarms(); len(w.sent) != want || len(alarms) != 1 || alarms[0] != name {
			t.Errorf("%s: %d messages, alarms %v", name, len(w.sent), alarms)
		}
		w.pass(24 * time.Hour)
		r := request
		r.Phone = number(2000)
		wantCode(t, sms.Send(t.Context(), r), nil)
	}
}

// alarms gives the bounds that were reached.
func (w *world) alarms() (bounds []string) {
	_ = w.db.View(w.t.Context(), func(tx unit.Tx) error {
		for _, bound := range []string{"prefix", "all"} {
			if _, err := w.tallies.Get(tx, "alarm "+bound); err == nil {
				bounds = append(bounds, bound)
			}
		}
		return nil
	})
	return bounds
}

func TestCarrierFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.down = true
	wantCode(t, w.sms.Send(t.Context(), request), fault.NoticeDown)
	w.down = false
	wantCode(t, w.sms.Send(t.Context(), request), fault.SlowDown) // it counted
	w.pass(time.Minute)
	wantCode(t, w.check(request, w.send(request)), nil)
}

func TestBadNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := request
	r.Phone = "12345"
	wantCode(t, w.sms.Send(t.Context(), r), fault.PhoneBad)
	if len(w.sent) != 0 {
		t.Error("sent")
	}
}

// Neither the store nor a log shows code or number.
func TestNothingIsKeptInTheClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	code := w.send(request)
	if err := w.check(request, wrong(code)); strings.Contains(fmt.Sprintf("%v %+v", err, w.sent), code) {
		t.Error("a delivery or an error prints the code")
	}
	unsalted := gm.Derive(make([]byte, 32), "onetime code", []byte(code))
	_ = w.db.View(t.Context(), func(tx unit.Tx) error {
		for _, id := range ids(w) {
			if strings.Contains(id, "13800138000") {
				t.Errorf("an id holds the number: %s", id)
			}
			if c, err := w.codes.Get(tx, id); err == nil && (c.Digest.Equal(gm.Digest(unsalted)) || c.Tries != 1) {
				t.Errorf("stored %+v", c)
			}
		}
		return nil
	})
}

// ids computes where the request is stored, from the published derivation.
func ids(w *world) []string {
	w.t.Helper()
	key := func(label string, parts ...string) string {
		in := make([][]byte, len(parts))
		for i, p := range parts {
			in[i] = []byte(p)
		}
		return gm.Digest(gm.Derive(make([]byte, 32), "onetime "+label, in...)).Hex()
	}
	return []string{key("binding", "enrol", "13800138000", "en_1", request.Key.Hex())}
}

func TestNewSMSRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, d := range map[string]onetime.Deps{
		"nothing":      {},
		"short pepper": {Work: w.db, Codes: w.codes, Tallies: w.tallies, Carrier: w, Pepper: make([]byte, 16)},
	} {
		if _, err := onetime.NewSMS(d); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}
