// Package fault is the error vocabulary of the whole system: a kind, a stable
// code, a text that may be shown to anyone, and a private cause.
//
// Domains return faults; web/httpx turns them into problem documents (RFC
// 9457) in one place. What is not a fault is an internal error and is shown as
// nothing but that. The list of all codes is table.go; a test keeps it unique
// and complete.
package fault

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what sort of refusal it is. Transports map it to a status.
type Kind int

// The kinds, each with the HTTP status that web/httpx gives it.
const (
	Internal        Kind = iota // 500
	Invalid                     // 400 the request is malformed
	Unauthenticated             // 401 who asks is not known
	Forbidden                   // 403 known, and not allowed
	NotFound                    // 404 absent, or not yours: the same answer
	Conflict                    // 409 the state does not permit it
	Gone                        // 410 it was there and has ended
	LengthRequired              // 411 a body must announce its size
	TooLarge                    // 413 over a named limit
	MediaType                   // 415 another kind of body is wanted
	Unprocessable               // 422 well formed and refused
	Locked                      // 423 locked after failures
	StepUp                      // 428 fresh evidence is needed first
	TooMany                     // 429 a rate limit
	Unavailable                 // 503 a part we need is down
)

// Error is a fault. The values in table.go are templates: compare with
// errors.Is, derive with Because, With and After.
type Error struct {
	Kind Kind
	Code string // stable, lower case, hyphens; part of the API
	// Public texts. They never hold names, numbers of persons, keys or causes.
	ZH, EN string
	// Fields are safe facts for the caller, such as tries_left.
	Fields map[string]any
	// RetryAfter is a hint for TooMany and Unavailable; zero for none.
	RetryAfter time.Duration

	cause error
}

// Error gives code and cause for logs, never for callers.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Code + ": " + e.cause.Error()
	}
	return e.Code
}

// Unwrap gives the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is a fault with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Because derives a fault with a private cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// Becausef is Because with a formatted cause.
func (e *Error) Becausef(format string, args ...any) *Error {
	return e.Because(fmt.Errorf(format, args...))
}

// With derives a fault with one more public field.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.Fields = make(map[string]any, len(e.Fields)+1)
	for k, v := range e.Fields {
		c.Fields[k] = v
	}
	c.Fields[key] = value
	return &c
}

// After derives a fault that names when trying again makes sense.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// From gives the fault in err's chain, or InternalError with err as its cause.
func From(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return InternalError.Because(err)
}

// CodeOf gives the code of err, "" for nil.
func CodeOf(err error) string {
	if err == nil {
		return ""
	}
	return From(err).Code
}
