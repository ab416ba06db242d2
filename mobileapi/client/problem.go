package client

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz/fault"
)

// Problem is a refusal of the server (RFC 9457). Decide on its Code;
// errors.Is(err, fault.PINWrong) works too.
type Problem struct {
	Code     string `json:"code"`
	Title    string `json:"title"`
	Detail   string `json:"detail"`
	Status   int    `json:"status"`
	Instance string `json:"instance"` // request id, by which the operator finds the cause
	Retry    int    `json:"retry_after"`
	// Fields are further facts, such as tries_left or until.
	Fields map[string]any `json:",inline"`
}

// Error gives the code and the words.
func (p *Problem) Error() string { return p.Code + ": " + p.Detail }

// Is reports whether target is the fault with this code.
func (p *Problem) Is(target error) bool {
	f, ok := target.(*fault.Error)
	return ok && f.Code == p.Code
}

// RetryAfter is how long the server asks to wait; zero when it does not.
func (p *Problem) RetryAfter() time.Duration { return time.Duration(p.Retry) * time.Second }

// problemOf reads a refusal. What is not one of ours is named by its status: a
// proxy's page that says that it got no answer is none.
func problemOf(status int, body []byte) error {
	p := &Problem{}
	if err := json.Unmarshal(body, p); err != nil || p.Code == "" {
		err := fmt.Errorf("phone: the server answered with status %d", status)
		switch status {
		case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return &lostAnswer{err}
		}
		return err
	}
	p.Status = status
	return p
}

// codeOf gives the code of a problem, "" for any other error.
func codeOf(err error) string {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Code
	}
	return ""
}
