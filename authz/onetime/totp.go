package onetime

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
)

// What bounds guessing of TOTP codes: after lockAfter wrong codes in a row the
// owner waits firstLock, and after every further one twice as long.
const (
	lockAfter = 5
	firstLock = 15 * time.Minute
	maxLock   = 24 * time.Hour
	period    = 30 // seconds, RFC 6238 §4.1
)

// Token is an authenticator as the store keeps it. ID is its owner.
type Token struct {
	unit.Row `bson:",inline"`
	Secret   string    `bson:"secret" enc:"secret"`  // base32; "" until one is confirmed
	Pending  string    `bson:"pending" enc:"secret"` // shown and not confirmed
	Counter  int64     `bson:"counter"`              // of the last code used
	Failures int       `bson:"failures"`             // wrong codes in a row
	Locked   time.Time `bson:"locked"`               // no code is looked at before
}

// Settings of TOTP.
type Settings struct {
	Issuer string // whose name authenticators show
	// Skew is how many periods old a code may be: 0 for administrators, 1 for
	// others. More would leave a code in force for too long (ASVS 6.5: 30 s).
	Skew int
	// SHA256 instead of SHA-1, where the authenticators are known to do it;
	// some ignore the wish and compute other codes.
	SHA256 bool
	// Locked tells the owner, after it is stored, that wrong codes have locked
	// his authenticator; nil: nobody is told.
	Locked func(ctx context.Context, owner string, until time.Time)
}

// TOTP checks codes of authenticators and burns each. It is safe for
// concurrent use.
type TOTP struct {
	work     unit.Work
	tokens   unit.Table[Token]
	settings Settings
}

// NewTOTP makes a TOTP.
func NewTOTP(work unit.Work, tokens unit.Table[Token], s Settings) (*TOTP, error) {
	if work == nil || tokens == nil || s.Issuer == "" {
		return nil, errors.New("onetime: a dependency is missing")
	}
	if s.Skew < 0 || s.Skew > 1 {
		return nil, errors.New("onetime: the skew is 0 or 1")
	}
	return &TOTP{work, tokens, s}, nil
}

// Enrol makes a new secret for the owner and gives it as an otpauth URL, once.
// It counts from Confirm on; until then the old one stays.
func (t *TOTP) Enrol(ctx context.Context, owner, account string) (url string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: t.settings.Issuer, AccountName: account, Period: period, SecretSize: 32, Algorithm: t.algorithm(),
	})
	if err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	err = t.work.Update(ctx, func(tx unit.Tx) error {
		token, err := t.tokens.Get(tx, owner)
		if errors.Is(err, unit.ErrAbsent) {
			return again(t.tokens.Insert(tx, &Token{Row: unit.Row{ID: owner}, Pending: key.Secret()}))
		}
		if err != nil {
			return fmt.Errorf("load token: %w", err)
		}
		token.Pending = key.Secret()
		return t.tokens.Replace(tx, token)
	})
	if err != nil {
		return "", err
	}
	return key.URL(), nil
}

// Confirm makes the new secret the owner's, against a code that it gives.
// Errors are those of Check.
func (t *TOTP) Confirm(ctx context.Context, owner, code string) error {
	return t.use(ctx, owner, code, true)
}

// Check burns a code. A wrong or used one is fault.CodeWrong, as for an owner
// without an authenticator; after too many, fault.SlowDown with the time to
// wait, and the code is not looked at.
func (t *TOTP) Check(ctx context.Context, owner, code string) error {
	return t.use(ctx, owner, code, false)
}

// use compares and writes the counter in one unit: of two that bring the same
// code at once, one finds it used.
func (t *TOTP) use(ctx context.Context, owner, code string, confirm bool) error {
	var refusal error
	var locked time.Time
	err := t.work.Update(ctx, func(tx unit.Tx) error {
		refusal, locked = fault.CodeWrong, time.Time{}
		token, err := t.tokens.Get(tx, owner)
		if errors.Is(err, unit.ErrAbsent) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load token: %w", err)
		}
		if tx.Now().Before(token.Locked) {
			refusal = fault.SlowDown.After(token.Locked.Sub(tx.Now()))
			return nil
		}
		ok, err := t.accept(token, code, tx.Now(), confirm)
		if err != nil {
			return err
		}
		if ok {
			refusal = nil
		} else {
			locked = token.fail(tx.Now())
		}
		return t.tokens.Replace(tx, token)
	})
	if err != nil {
		return err
	}
	if !locked.IsZero() && t.settings.Locked != nil {
		t.settings.Locked(ctx, owner, locked)
	}
	return refusal
}

// accept compares a code and burns it.
func (t *TOTP) accept(token *Token, code string, now time.Time, confirm bool) (bool, error) {
	secret, last := token.Secret, token.Counter
	if confirm {
		secret, last = token.Pending, -1 // no code of a new secret was ever used
	}
	if secret == "" {
		return false, nil
	}
	counter, ok, err := t.match(secret, code, now, last)
	if err != nil || !ok {
		return false, err
	}
	token.Secret, token.Counter, token.Failures = secret, counter, 0
	if confirm {
		token.Pending = ""
	}
	return true, nil
}

// match gives the counter of a code. It compares with every candidate, used
// ones too, so that the time taken says nothing.
func (t *TOTP) match(secret, code string, now time.Time, last int64) (found int64, ok bool, err error) {
	current := now.Unix() / period
	for counter := current - int64(t.settings.Skew); counter <= current; counter++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(counter), hotp.ValidateOpts{
			Digits: otp.DigitsSix, Algorithm: t.algorithm(),
		})
		if err != nil {
			return 0, false, fmt.Errorf("compute a code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && counter > last {
			found, ok = counter, true
		}
	}
	return found, ok, nil
}

func (t *TOTP) algorithm() otp.Algorithm {
	if t.settings.SHA256 {
		return otp.AlgorithmSHA256
	}
	return otp.AlgorithmSHA1
}

// fail counts a wrong code and locks after too many; it gives the end of a lock.
func (k *Token) fail(now time.Time) (locked time.Time) {
	k.Failures++
	over := k.Failures - lockAfter
	if over < 0 {
		return time.Time{}
	}
	k.Locked = now.Add(min(maxLock, firstLock<<min(over, 10)))
	return k.Locked
}
