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
	// one gets a zero Stored and must call Finish or Abandon. Later callers with
	// the same fingerprint get what Finish stored, or fault.IdempotencyRunning
	// while it has not; another fingerprint gives fault.IdempotencyMismatch. The
	// client's Spend runs first, in the same transaction, and what it wrote stays
	// whichever of these is the answer.
	Begin(ctx context.Context, c Client, route, key string, fingerprint gm.Digest) (Stored, error)
	// Finish stores the answer durably.
	Finish(ctx context.Context, client, route, key string, answer Stored) error
	// Abandon forgets the claim, so that the same key may be tried again.
	Abandon(ctx context.Context, client, route, key string) error
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
	Status int // 0: nothing stored, the caller is the first
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
		run := idempotent{store: store, client: who.Name, route: c.Route().Method + " " + c.Route().Path, key: key}
		stored, err := store.Begin(c.UserContext(), who, run.route, key, Fingerprint(c))
		if err != nil {
			return err
		}
		if stored.Status != 0 {
			replay(c, stored)
			return nil
		}
		return run.first(c)
	}
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

// idempotent is the one run of a key.
type idempotent struct {
	store              Idempotency
	client, route, key string
}

// first runs the handler. An answer is kept when asking again could not honestly
// give another: success, and every refusal but those that ask to come back
// (unknown sender, fresh evidence, later). A refusal may have counted something,
// such as a wrong number, and must not count twice. Otherwise the key is set free.
// Storing outlives the request's context, which may end while the work is done.
func (r idempotent) first(c *fiber.Ctx) error {
	ctx := context.WithoutCancel(c.UserContext())
	kept := false
	defer func() {
		if !kept { // a panic passes through here as well
			_ = r.store.Abandon(ctx, r.client, r.route, r.key)
		}
	}()
	err := c.Next()
	answer := answerOf(c, err)
	if !final(answer.Status) {
		return err
	}
	kept = true
	// The work is committed: its answer goes out even when it cannot be stored.
	// A repetition then meets IdempotencyRunning until the record lapses.
	if lost := r.store.Finish(ctx, r.client, r.route, r.key, answer); lost != nil {
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
