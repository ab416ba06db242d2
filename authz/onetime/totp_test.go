package onetime_test

import (
	"context"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/onetime"
	"yunzhang.dev/authz/unit"
)

func newTOTP(t *testing.T, w *world, s onetime.Settings) *onetime.TOTP {
	t.Helper()
	s.Issuer = "云章"
	x, err := onetime.NewTOTP(w.db, w.tokens, s)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// enrolled makes an authenticator of owner pe_1 and gives its secret.
func enrolled(t *testing.T, w *world, x *onetime.TOTP) string {
	t.Helper()
	link, err := x.Enrol(t.Context(), "pe_1", "zhang@example")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "otpauth" || u.Host != "totp" {
		t.Fatalf("%s, %v", link, err)
	}
	secret := u.Query().Get("secret")
	if err := x.Confirm(t.Context(), "pe_1", codeAt(t, secret, w.clock())); err != nil {
		t.Fatal(err)
	}
	w.pass(time.Minute)
	return secret
}

func codeAt(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCodeCustom(secret, at, totp.ValidateOpts{Period: 30, Digits: otp.DigitsSix})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// RFC 6238 appendix B, the last six digits.
func TestRFC6238Vectors(t *testing.T) {
	t.Parallel()
	const key = "12345678901234567890"
	tests := []struct {
		at     int64
		sha256 bool
		secret string
		code   string
	}{
		{59, false, key, "287082"},
		{1111111109, false, key, "081804"},
		{1234567890, false, key, "005924"},
		{20000000000, false, key, "353130"},
		{59, true, key + "123456789012", "119246"},
		{1111111109, true, key + "123456789012", "084774"},
	}
	for _, tt := range tests {
		w := newWorld(t)
		w.now = time.Unix(tt.at, 0)
		_ = w.db.Update(t.Context(), func(tx unit.Tx) error {
			return w.tokens.Insert(tx, &onetime.Token{Row: unit.Row{ID: "pe_1"}, Secret: base32Of(tt.secret)})
		})
		x := newTOTP(t, w, onetime.Settings{SHA256: tt.sha256})
		wantCode(t, x.Check(t.Context(), "pe_1", tt.code), nil)
		wantCode(t, x.Check(t.Context(), "pe_1", tt.code), fault.CodeWrong)
	}
}

func TestAT110NoCodeTwice(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := newTOTP(t, w, onetime.Settings{Skew: 1})
	secret := enrolled(t, w, x)
	previous, current := codeAt(t, secret, w.now.Add(-30*time.Second)), codeAt(t, secret, w.now)
	wantCode(t, x.Check(t.Context(), "pe_1", current), nil)
	wantCode(t, x.Check(t.Context(), "pe_1", current), fault.CodeWrong)
	wantCode(t, x.Check(t.Context(), "pe_1", previous), fault.CodeWrong)
	w.pass(30 * time.Second)
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, secret, w.now)), nil)
}

func TestAT111Skew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		skew int
		late time.Duration
		want *fault.Error
	}{
		{0, 29 * time.Second, nil},
		{0, 30 * time.Second, fault.CodeWrong},
		{0, -time.Second, fault.CodeWrong}, // from the future
		{1, 59 * time.Second, nil},
		{1, 60 * time.Second, fault.CodeWrong},
	} {
		w := newWorld(t)
		x := newTOTP(t, w, onetime.Settings{Skew: tt.skew})
		secret := enrolled(t, w, x)
		code := codeAt(t, secret, w.now) // the clock stands at the start of a period
		if tt.late < 0 {
			code = codeAt(t, secret, w.now.Add(30*time.Second))
		}
		w.pass(max(0, tt.late))
		wantCode(t, x.Check(t.Context(), "pe_1", code), tt.want)
	}
}

func TestAT110ParallelUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := newTOTP(t, w, onetime.Settings{})
	code := codeAt(t, enrolled(t, w, x), w.now)
	var wg sync.WaitGroup
	var right atomic.Int32
	for range 3 {
		wg.Go(func() {
			if x.Check(t.Context(), "pe_1", code) == nil {
				right.Add(1)
			}
		})
	}
	wg.Wait()
	if n := right.Load(); n != 1 {
		t.Errorf("worked %d times", n)
	}
}

func TestAT111LockGrows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := newTOTP(t, w, onetime.Settings{})
	secret := enrolled(t, w, x)
	bad := func() error { return x.Check(t.Context(), "pe_1", wrong(codeAt(t, secret, w.now))) }
	for range 5 {
		wantCode(t, bad(), fault.CodeWrong)
	}
	for _, want := range []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour} {
		err := x.Check(t.Context(), "pe_1", codeAt(t, secret, w.now)) // right, and not looked at
		wantCode(t, err, fault.SlowDown)
		if after := fault.From(err).RetryAfter; after != want {
			t.Errorf("locked for %v, want %v", after, want)
		}
		w.pass(want)
		wantCode(t, bad(), fault.CodeWrong)
	}
	for range 20 {
		w.pass(24 * time.Hour)
		wantCode(t, bad(), fault.CodeWrong)
	}
	w.pass(24 * time.Hour) // no lock is longer than a day
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, secret, w.now)), nil)
	for range 4 { // and the count began anew
		wantCode(t, bad(), fault.CodeWrong)
	}
	w.pass(time.Minute)
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, secret, w.now)), nil)
}

// AT-111: ten thousand guesses in a row: five are looked at, then one after each
// lock, and the owner hears of every lock.
func TestAT111TenThousandGuesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var told []time.Time
	x := newTOTP(t, w, onetime.Settings{Locked: func(_ context.Context, owner string, until time.Time) {
		if owner != "pe_1" {
			t.Errorf("%s was told", owner)
		}
		told = append(told, until)
	}})
	secret := enrolled(t, w, x)
	for window, looked := range []int{5, 1, 1, 1} {
		codes := map[string]int{}
		for range 2500 {
			codes[fault.CodeOf(x.Check(t.Context(), "pe_1", wrong(codeAt(t, secret, w.now))))]++
		}
		if codes[fault.CodeWrong.Code] != looked || codes[fault.SlowDown.Code] != 2500-looked {
			t.Errorf("window %d: %v", window, codes)
		}
		if want := w.now.Add(15 * time.Minute << window); len(told) != window+1 || !told[window].Equal(want) {
			t.Fatalf("window %d: told of %v, want %v", window, told, want)
		}
		w.pass(told[window].Sub(w.now))
	}
}

func TestNewSecretCountsFromItsConfirmation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := newTOTP(t, w, onetime.Settings{})
	old := enrolled(t, w, x)
	link, err := x.Enrol(t.Context(), "pe_1", "zhang@example")
	if err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(link)
	fresh := u.Query().Get("secret")
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, fresh, w.now)), fault.CodeWrong)
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, old, w.now)), nil)
	wantCode(t, x.Confirm(t.Context(), "pe_1", codeAt(t, old, w.now)), fault.CodeWrong)
	wantCode(t, x.Confirm(t.Context(), "pe_1", codeAt(t, fresh, w.now)), nil)
	w.pass(30 * time.Second)
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, old, w.now)), fault.CodeWrong)
	wantCode(t, x.Check(t.Context(), "pe_1", codeAt(t, fresh, w.now)), nil)
}

func TestOwnerWithoutAuthenticator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	x := newTOTP(t, w, onetime.Settings{})
	for _, code := range []string{"", "000000", "１２３４５６"} {
		wantCode(t, x.Check(t.Context(), "pe_9", code), fault.CodeWrong)
		wantCode(t, x.Confirm(t.Context(), "pe_9", code), fault.CodeWrong)
	}
	if _, err := onetime.NewTOTP(w.db, w.tokens, onetime.Settings{Issuer: "x", Skew: 2}); err == nil {
		t.Error("skew 2 accepted")
	}
}
