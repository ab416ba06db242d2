package fault_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"yunzhang.dev/authz/fault"
)

var codeForm = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*$`)

func TestTableIsUnique(t *testing.T) {
	t.Parallel()
	codes, zh, en := map[string]bool{}, map[string]string{}, map[string]string{}
	for _, e := range fault.All() {
		if codes[e.Code] {
			t.Errorf("code %q twice", e.Code)
		}
		if other := zh[e.ZH]; other != "" {
			t.Errorf("%s and %s say the same in Chinese", e.Code, other)
		}
		if other := en[e.EN]; other != "" {
			t.Errorf("%s and %s say the same in English", e.Code, other)
		}
		codes[e.Code], zh[e.ZH], en[e.EN] = true, e.Code, e.Code
	}
}

func TestTableIsWellFormed(t *testing.T) {
	t.Parallel()
	for _, e := range fault.All() {
		switch {
		case !codeForm.MatchString(e.Code):
			t.Errorf("code %q", e.Code)
		case e.Kind < fault.Internal || e.Kind > fault.Unavailable:
			t.Errorf("%s: kind %d has no status", e.Code, e.Kind)
		case e.Kind == fault.Internal && e.Code != fault.InternalError.Code:
			t.Errorf("%s: only one fault may be internal", e.Code)
		case !strings.ContainsFunc(e.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }):
			t.Errorf("%s: no Chinese text", e.Code)
		case !strings.HasSuffix(e.EN, ".") || !unicode.IsUpper(rune(e.EN[0])):
			t.Errorf("%s: %q is no English sentence", e.Code, e.EN)
		case strings.Contains(e.ZH+e.EN, "%"):
			t.Errorf("%s: texts are fixed, facts go into fields", e.Code)
		case e.Fields != nil || e.RetryAfter != 0 || e.Unwrap() != nil:
			t.Errorf("%s: a template holds nothing of one case", e.Code)
		}
	}
}

// Every fault is defined in table.go, in a variable, so that All, the list of
// codes in the documents and errors.Is see all of them.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	defined := defines(t, "table.go")
	all := fault.All()
	if len(all) != len(defined) {
		t.Fatalf("%d faults listed, %d defined", len(all), len(defined))
	}
	for i, e := range all {
		if defined[i] != e.Code {
			t.Errorf("fault %d is %s, defined there is %s", i, e.Code, defined[i])
		}
	}
	if others := defines(t, "fault.go"); len(others) != 0 {
		t.Errorf("defined outside of the table: %v", others)
	}
}

// defines lists the codes of all define calls that initialize a variable.
func defines(t *testing.T, file string) (codes []string) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for _, v := range spec.Values {
			call, ok := v.(*ast.CallExpr)
			if !ok || len(call.Args) != 4 {
				continue
			}
			code, err := strconv.Unquote(call.Args[1].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	return codes
}

// Codes that the protocol (§2.12) promises to callers, with their status.
func TestProtocolCodes(t *testing.T) {
	t.Parallel()
	promised := map[fault.Kind]string{
		fault.Invalid:         "bad-request idempotency-missing",
		fault.Unauthenticated: "auth nonce-required",
		fault.Forbidden: "device-revoked device-cooling signature signature-hw tier subject delegation-none " +
			"delegation-revoked delegation-scope delegation-limit principal seal-frozen seal-cert app origin",
		fault.NotFound:      "ticket-unavailable",
		fault.Conflict:      "wrong-state ticket-claimed statement-changed document-changed conflict idempotency-running",
		fault.Gone:          "expired",
		fault.TooLarge:      "too-large",
		fault.MediaType:     "media-type",
		fault.Unprocessable: "match-wrong frame-stale idempotency-mismatch document-refused",
		fault.Locked:        "blocked",
		fault.StepUp:        "step-up",
		fault.TooMany:       "slow-down",
	}
	kinds := map[string]fault.Kind{}
	for _, e := range fault.All() {
		kinds[e.Code] = e.Kind
	}
	for kind, codes := range promised {
		for _, code := range strings.Fields(codes) {
			if got, ok := kinds[code]; !ok || got != kind {
				t.Errorf("%s: kind %d, defined %v; want %d", code, got, ok, kind)
			}
		}
	}
}

// Deriving leaves the template as it is and the code comparable.
func TestDerive(t *testing.T) {
	t.Parallel()
	derived := fault.MatchWrong.With("tries_left", 1).With("more", true).After(time.Second).Because(io.EOF)
	switch {
	case !errors.Is(derived, fault.MatchWrong) || errors.Is(derived, fault.Blocked):
		t.Error("derived fault is not the template's")
	case !errors.Is(derived, io.EOF) || derived.Error() != "match-wrong: EOF":
		t.Errorf("cause: %v", derived)
	case derived.Fields["tries_left"] != 1 || derived.Fields["more"] != true || derived.RetryAfter != time.Second:
		t.Errorf("facts: %v", derived.Fields)
	case fault.MatchWrong.Fields != nil || fault.MatchWrong.RetryAfter != 0:
		t.Error("the template was changed")
	case derived.ZH+derived.EN != fault.MatchWrong.ZH+fault.MatchWrong.EN:
		t.Error("the public text was changed")
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if f := fault.From(io.EOF); !errors.Is(f, fault.InternalError) || !errors.Is(f, io.EOF) {
		t.Errorf("an unknown error became %v", f)
	}
	wrapped := errors.Join(errors.New("approve"), fault.Expired)
	if fault.From(wrapped).Code != "expired" || fault.CodeOf(wrapped) != "expired" {
		t.Errorf("the fault in a chain was not found: %v", wrapped)
	}
	if fault.CodeOf(nil) != "" {
		t.Error("no error has a code")
	}
}
