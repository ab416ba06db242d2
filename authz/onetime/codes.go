package onetime

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"yunzhang.dev/authz/codes"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Request names one code and everything it is bound to: checked with another
// purpose, number, request or key it is wrong.
type Request struct {
	Purpose string    // what it is for, such as enrol or authorize-agent
	Phone   string    // who receives it
	Request string    // the request it is for
	Key     gm.Digest // the device key it is for; zero for none
	About   string    // a masked name for the text; not part of the binding
}

// Delivery is a code on its way. It prints without the code.
type Delivery struct {
	Purpose string
	Phone   codes.Phone
	About   string
	Code    string
	Life    time.Duration
}

// String hides code and number.
func (d Delivery) String() string { return "[code for " + d.Purpose + "]" }

// Carrier brings a code to its number, with the text of its purpose. An error
// means that it was surely not accepted for delivery.
type Carrier interface {
	Deliver(ctx context.Context, d Delivery) error
}

// Limits bound the codes of one purpose.
type Limits struct {
	Life   time.Duration // how long a code works
	Tries  int           // wrong guesses that end it
	Gap    time.Duration // between two codes for the same request
	PerDay int           // codes of this purpose to one number in 24 hours
}

// DefaultLimits are those of protocol.md §2.14: five guesses in a million, five
// messages a day, so that a number cannot be flooded and a guesser gets 25
// guesses a day. The gap is what an SMS may take to arrive.
func DefaultLimits() Limits {
	return Limits{Life: 5 * time.Minute, Tries: 5, Gap: time.Minute, PerDay: 5}
}

// AuthorizeAgent is the purpose of the code that a legal representative passes
// on to an agent.
const AuthorizeAgent = "authorize-agent"

// PurposeLimits are the purposes with limits of their own. An authorization
// code is passed on by telephone, which takes longer, and several agents of one
// organization may apply on one day.
func PurposeLimits() map[string]Limits {
	return map[string]Limits{
		AuthorizeAgent: {Life: 15 * time.Minute, Tries: 5, Gap: time.Minute, PerDay: 20},
	}
}

// Code is an issued code as the store keeps it. ID is a keyed hash of what it
// is bound to: one code for each binding, a new one overwrites the old.
type Code struct {
	unit.Row `bson:",inline"`
	Salt     []byte    `bson:"salt"`
	Digest   gm.Digest `bson:"digest"` // keyed, over the binding, the salt and the code
	Sent     time.Time `bson:"sent"`
	Expires  time.Time `bson:"expires"`
	Tries    int       `bson:"tries"`
	Burned   bool      `bson:"burned"`
}

// Deps are what SMS codes need.
type Deps struct {
	Work    unit.Work
	Codes   unit.Table[Code]
	Tallies unit.Table[Tally]
	Carrier Carrier
	// Pepper is a secret that is not in the database, 32 bytes: with the
	// database alone six digits would be found in no time.
	Pepper []byte
	// Limits of each purpose; nil: PurposeLimits. A purpose that is not listed
	// takes DefaultLimits.
	Limits map[string]Limits
	// Flood bounds all of them together; zero fields take DefaultFlood.
	Flood Flood
	// Alarm puts it on record when a bound of Flood is reached: "prefix" or
	// "all". nil: nobody is told.
	Alarm func(tx unit.Tx, bound string) error
}

// SMS issues and checks codes. It is safe for concurrent use.
type SMS struct{ d Deps }

// NewSMS makes an SMS.
func NewSMS(d Deps) (*SMS, error) {
	if d.Work == nil || d.Codes == nil || d.Tallies == nil || d.Carrier == nil {
		return nil, errors.New("onetime: a dependency is missing")
	}
	if len(d.Pepper) < 32 {
		return nil, errors.New("onetime: the pepper is shorter than 32 bytes")
	}
	if d.Limits == nil {
		d.Limits = PurposeLimits()
	}
	d.Flood = d.Flood.withDefaults()
	return &SMS{d}, nil
}

// Send issues a code and hands it to the carrier. Errors: fault.PhoneBad;
// fault.SlowDown with the time to wait, when the last code is too fresh, or the
// number, its neighbours or everybody had their share; fault.NoticeDown when it could not be sent, which
// counts all the same: failing deliveries must not flood a number either.
func (s *SMS) Send(ctx context.Context, r Request) error {
	phone, err := codes.ParsePhone(r.Phone)
	if err != nil {
		return fault.PhoneBad.Because(err)
	}
	code, err := sixDigits()
	if err != nil {
		return err
	}
	limits := s.limits(r.Purpose)
	salt := gm.Random(16)
	err = s.d.Work.Update(ctx, func(tx unit.Tx) error {
		if err := s.issue(tx, r, phone, limits, salt, code); err != nil {
			return err
		}
		return s.count(tx, r.Purpose, phone, limits)
	})
	if err != nil {
		return err
	}
	err = s.d.Carrier.Deliver(ctx, Delivery{r.Purpose, phone, r.About, code, limits.Life})
	if err != nil {
		return fault.NoticeDown.Because(err)
	}
	return nil
}

func (s *SMS) limits(purpose string) Limits {
	if l, ok := s.d.Limits[purpose]; ok {
		return l
	}
	return DefaultLimits()
}

// issue writes the code over the one before it.
func (s *SMS) issue(tx unit.Tx, r Request, phone codes.Phone, l Limits, salt []byte, code string) error {
	id := s.binding(r, phone)
	c, err := s.d.Codes.Get(tx, id)
	absent := errors.Is(err, unit.ErrAbsent)
	switch {
	case absent:
		c = &Code{Row: unit.Row{ID: id}}
	case err != nil:
		return fmt.Errorf("load code: %w", err)
	case tx.Now().Before(c.Sent.Add(l.Gap)):
		return fault.SlowDown.After(c.Sent.Add(l.Gap).Sub(tx.Now()))
	}
	c.Salt, c.Digest = salt, s.digest(id, salt, code)
	c.Sent, c.Expires = tx.Now(), tx.Now().Add(l.Life)
	c.Tries, c.Burned = 0, false
	if absent {
		return again(s.d.Codes.Insert(tx, c))
	}
	return s.d.Codes.Replace(tx, c)
}

// again turns a lost race for a new row into a conflict, so that the unit runs
// again and finds the row.
func again(err error) error {
	if errors.Is(err, unit.ErrTaken) {
		return unit.ErrConflict
	}
	return err
}

// Check burns the code. A wrong, old, used, foreign or never issued one is
// fault.CodeWrong, without a word on which.
func (s *SMS) Check(ctx context.Context, r Request, code string) error {
	phone, err := codes.ParsePhone(r.Phone)
	if err != nil {
		return fault.CodeWrong.Because(err)
	}
	var right bool
	err = s.d.Work.Update(ctx, func(tx unit.Tx) error {
		right = false
		c, err := s.d.Codes.Get(tx, s.binding(r, phone))
		if errors.Is(err, unit.ErrAbsent) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load code: %w", err)
		}
		if c.Burned || c.Tries >= s.limits(r.Purpose).Tries || !tx.Now().Before(c.Expires) {
			return nil
		}
		right = c.Digest.Equal(s.digest(c.ID, c.Salt, code))
		c.Burned = right
		c.Tries++ // in the same unit as the comparison: guesses in parallel count
		return s.d.Codes.Replace(tx, c)
	})
	if err != nil {
		return err
	}
	if !right {
		return fault.CodeWrong
	}
	return nil
}

func (s *SMS) binding(r Request, phone codes.Phone) string {
	return s.keyed("binding", r.Purpose, string(phone), r.Request, r.Key.Hex()).Hex()
}

func (s *SMS) digest(id string, salt []byte, code string) gm.Digest {
	return s.keyed("code", id, string(salt), code)
}

func (s *SMS) keyed(label string, parts ...string) gm.Digest {
	input := make([][]byte, len(parts))
	for i, p := range parts {
		input[i] = []byte(p)
	}
	return gm.Digest(gm.Derive(s.d.Pepper, "onetime "+label, input...))
}

// sixDigits draws a code, every one as likely as another.
func sixDigits() (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return "", fmt.Errorf("draw a code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}
