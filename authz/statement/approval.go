package statement

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

// matchKey begins the last line of an approval; the head ends with it.
const matchKey = "match: "

func approvalLayout() layout[Approval] {
	return layout[Approval]{
		first: "cseal-approval/1",
		lines: []line[Approval]{
			one("purpose", oneOf(Login, Bind, Stamp), func(a *Approval) *string { return &a.Purpose }),
			one("decision", oneOf(Approve, Reject), func(a *Approval) *string { return &a.Decision }),
			one("issuer", token(), func(a *Approval) *string { return &a.Issuer }),
			one("ticket", token(), func(a *Approval) *string { return &a.Ticket }),
			one("nonce", nonce(), func(a *Approval) *string { return &a.Nonce }),
			one("app", app(), func(a *Approval) *App { return &a.App }),
			one("origin", origin(), func(a *Approval) *string { return &a.Origin }),
			maybe("account", text(), func(a *Approval) *string { return &a.Account }, none),
			one("principal", org(), func(a *Approval) *Org { return &a.Principal }),
			one("agent", person(), func(a *Approval) *Person { return &a.Agent }),
			one("device", digest(), func(a *Approval) *gm.Digest { return &a.Device }),
			one("delegation", delegation(), func(a *Approval) *Ref { return &a.Delegation }),
			approvalSeals(),
			maybe("case", text(), func(a *Approval) *string { return &a.Case }, none),
			approvalDocs(),
			maybe("limits", limits(), func(a *Approval) **Limits { return &a.Limits }, none),
			one("context", text(), func(a *Approval) *string { return &a.Context }),
			one("display", digest(), func(a *Approval) *gm.Digest { return &a.Display }),
			one("issued-at", instant(), func(a *Approval) *time.Time { return &a.IssuedAt }),
			one("expires-at", instant(), func(a *Approval) *time.Time { return &a.ExpiresAt }),
		},
		check: (*Approval).check,
	}
}

// check holds what one line cannot know.
func (a *Approval) check() error {
	switch {
	case a.Account == "" && a.Purpose != Stamp:
		return lineErr("account", errMissing)
	case !a.ExpiresAt.After(a.IssuedAt):
		return lineErr("expires-at", errRange)
	case a.Purpose == Stamp && a.Total() == 0:
		return lineErr("docs", errMissing)
	case a.Purpose != Stamp && a.Total() > 0:
		return lineErr("docs", errNotHere)
	}
	delegated := a.Delegation != Ref{}
	switch {
	case a.Limits == nil && a.Purpose == Stamp && delegated:
		return lineErr("limits", errMissing)
	case a.Limits != nil && (a.Purpose != Stamp || !delegated):
		return lineErr("limits", errNotHere)
	}
	return nil
}

func lineErr(key string, err error) error {
	b := builder{}
	b.fail(key, err)
	return b.err
}

// Head gives everything up to and including "match: ". The display of a phone
// comes from these bytes, and [Complete] makes the statement of them. It fails
// with fault.StatementBad.
func (a Approval) Head() ([]byte, error) {
	lines, err := approvalLayout().build(&a)
	if err != nil {
		return nil, err
	}
	head := append(lines, matchKey...)
	if len(head)+MatchDigits+1 > MaxSize {
		return nil, fault.StatementBad.Because(errors.New("the statement is too long"))
	}
	return head, nil
}

// Complete gives the statement: head, the digits the person typed, LF.
func Complete(head []byte, match string) []byte {
	out := make([]byte, 0, len(head)+len(match)+1)
	out = append(out, head...)
	out = append(out, match...)
	return append(out, '\n')
}

// ParseHead reads what Head gave, for display; strict like ParseApproval.
func ParseHead(head []byte) (Approval, error) {
	lines, ok := bytes.CutSuffix(head, []byte("\n"+matchKey))
	if !ok {
		return Approval{}, fault.StatementBad.Becausef("read approval: no number at the end")
	}
	return approvalLayout().parse(append(bytes.Clone(lines), '\n'))
}

// ParseApproval reads a complete statement and the number in it. It accepts
// exactly what Head and Complete make, else fault.StatementBad.
func ParseApproval(b []byte) (Approval, string, error) {
	cut := len(b) - MatchDigits - 1
	if cut < 0 || b[len(b)-1] != '\n' {
		return Approval{}, "", fault.StatementBad.Becausef("read approval: no number at the end")
	}
	match := string(b[cut : len(b)-1])
	if strings.Trim(match, "0123456789") != "" {
		return Approval{}, "", fault.StatementBad.Becausef("read approval: no number at the end")
	}
	a, err := ParseHead(b[:cut])
	if err != nil {
		return Approval{}, "", err
	}
	return a, match, nil
}
