package httpx

import (
	"bytes"
	"context"
	"strings"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Idempotency remembers answers by (client, route, key) for at least 24 hours.
type Idempotency interface {
	// Begin claims the key by inserting its record: of several callers at once
	// one gets a Run, which must end. Later callers with the same fingerprint get
	// no Run but the answer, or fault.IdempotencyRunning while there is none;
	// another fingerprint gives fault.IdempotencyMismatch. The client's Spend runs
	// first, in the same transaction, and what it wrote stays whichever of these
	// is the answer.
	Begin(ctx context.Context, c Client, route, key string, fingerprint gm.Digest) (Stored, Run, error)
}

// Run is the one run of a key, until it lapses. It ends by one of its verbs.
type Run interface {
	// Keep stores the answer in the unit of work that it tells of. It fails, and
	// the unit with it, when the run has ended or lapsed: another may be at work.
	Keep(tx unit.Tx, answer Stored) error
	// Reads is what Keep reads.
	Reads() unit.Want
	// Finish stores the answer durably, over one that was kept.
	Finish(ctx context.Context, answer Stored) error
	// Abandon forgets the claim, so that the same key may be tried again. An
	// answer that was kept stays.
	Abandon(ctx context.Context) error
}

// Client is who makes a request, as authenticated.
type Client struct {
	Name string // keys of clients with different names never meet
	// Spend uses up the request's nonce; its error refuses the request. nil: it
	// has none, or it is spent already.
	Spend func(tx unit.Tx) error
}

// Stored is an answer. Body may hold personal data: a store encrypts it.
type Stored struct {
	Status int
	Type   string
	Body   []byte
}

// IdempotencyKey and Replayed are the header fields of a repeated request.
const (
	IdempotencyKey      = "Idempotency-Key"
	IdempotencyReplayed = "Idempotency-Replayed"
)

// Idempotent is a handler in front of one that changes state: a repetition with
// the same key gets the first answer and changes nothing. client says who asks. Its
// nonce is spent together with the claim of the key.
func Idempotent(store Idempotency, client func(*fiber.Ctx) Client) fiber.Handler {
	return func(c *fiber.Ctx) error {
		key, err := ParseIdempotencyKey(c.Get(IdempotencyKey))
		if err != nil {
			return err
		}
		who := client(c)
		route := c.Route().Method + " " + c.Route().Path
		stored, run, err := store.Begin(c.UserContext(), who, route, key, Fingerprint(c))
		if err != nil {
			return err
		}
		if run == nil {
			replay(c, stored)
			return nil
		}
		r := &running{Run: run}
		c.Locals(runKey{}, r)
		return r.first(c)
	}
}

// Kept has a handler's answer kept in the unit of work that does what was asked:
// whatever happens behind its commit, a repetition gets this answer. reply is the
// end of the handler; it runs in each try of the unit. A handler that returns
// without error must have its last unit of this kind committed. What a unit does
// not keep is stored when the handler has returned.
func Kept[T any](c *fiber.Ctx, reply func(T) error) unit.Kept[T] {
	r, once := c.Locals(runKey{}).(*running)
	if !once {
		return unit.Kept[T]{In: func(_ unit.Tx, result T) error { return reply(result) }}
	}
	return unit.Kept[T]{Reads: []unit.Want{r.Reads()}, In: func(tx unit.Tx, result T) error {
		if err := reply(result); err != nil {
			return err
		}
		r.kept = true
		return r.Keep(tx, answerOf(c, nil))
	}}
}

// ParseIdempotencyKey reads the header's value: 26 to 128 letters, digits, "-"
// or "_", with or without the quotes of a structured field.
func ParseIdempotencyKey(value string) (string, error) {
	if value == "" {
		return "", fault.IdempotencyMissing
	}
	if bare, ok := strings.CutPrefix(value, `"`); ok {
		value, ok = strings.CutSuffix(bare, `"`)
		if !ok {
			return "", fault.BadRequest.With("reason", "idempotency-key")
		}
	}
	if len(value) < 26 || len(value) > 128 || strings.Trim(value, wordLetters) != "" {
		return "", fault.BadRequest.With("reason", "idempotency-key")
	}
	return value, nil
}

const wordLetters = "0123456789-_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// Fingerprint is SM3(method ‖ 0 ‖ path ‖ 0 ‖ SM3(body)), the path with its query.
func Fingerprint(c *fiber.Ctx) gm.Digest {
	zero, body := []byte{0}, BodySM3(c)
	return gm.SM3([]byte(c.Method()), zero, c.Request().Header.RequestURI(), zero, body[:])
}

func replay(c *fiber.Ctx, s Stored) {
	c.Set(IdempotencyReplayed, "true")
	c.Set(fiber.HeaderContentType, s.Type)
	c.Status(s.Status)
	c.Response().SetBodyRaw(s.Body)
}

type runKey struct{}

// running is a run in the hands of its handler.
type running struct {
	Run
	kept bool // in a unit of work, which stands if the handler succeeds
}

// first runs the handler. An answer is kept when asking again could not honestly
// give another: success, and every refusal but those that ask to come back
// (unknown sender, fresh evidence, later). A refusal may have counted something,
// such as a wrong number, and must not count twice. Otherwise the key is set free.
// Storing outlives the request's context, which may end while the work is done.
func (r *running) first(c *fiber.Ctx) error {
	ctx := context.WithoutCancel(c.UserContext())
	ended := false
	defer func() {
		if !ended { // a panic passes through here as well
			_ = r.Abandon(ctx)
		}
	}()
	err := c.Next()
	if err == nil && r.kept {
		ended = true
		return nil
	}
	answer := answerOf(c, err)
	if !final(answer.Status) {
		return err
	}
	ended = true
	// The work is committed: its answer goes out even when it cannot be stored.
	// A repetition then meets IdempotencyRunning until the record lapses.
	if lost := r.Finish(ctx, answer); lost != nil {
		Note(c, "idempotency", "not stored")
	}
	return err
}

func answerOf(c *fiber.Ctx, err error) Stored {
	if err != nil {
		doc := Problem(err, Lang(c))
		doc.Instance = RequestID(c)
		return Stored{Status: doc.Status, Type: ProblemType, Body: doc.encode()}
	}
	return Stored{
		Status: c.Response().StatusCode(),
		Type:   string(c.Response().Header.ContentType()),
		Body:   bytes.Clone(c.Response().Body()),
	}
}

func final(status int) bool {
	switch status {
	case fiber.StatusUnauthorized, fiber.StatusPreconditionRequired, fiber.StatusTooManyRequests:
		return false
	default:
		return status < 500
	}
}
