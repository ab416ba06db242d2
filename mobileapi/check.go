package mobileapi

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
)

// schemas are the JSON schemas of the document. Requests are checked against
// the very schemas that are published.
type schemas struct {
	huma.Registry
	of       map[reflect.Type]*huma.Schema // of bodies
	patterns map[string]*regexp.Regexp     // of query parameters
}

const schemaPrefix = "#/components/schemas/"

func newSchemas(list []operation) *schemas {
	s := &schemas{
		huma.NewMapRegistry(schemaPrefix, schemaName), map[reflect.Type]*huma.Schema{}, map[string]*regexp.Regexp{},
	}
	for _, o := range list {
		for _, p := range []payload{o.in, o.out} {
			if !p.none() && !p.file() {
				s.of[p.of] = s.Schema(p.of, true, "")
			}
		}
		for _, q := range o.query {
			s.patterns[q.pattern] = regexp.MustCompile(q.pattern)
		}
	}
	problem := reflect.TypeFor[httpx.ProblemDoc]()
	s.of[problem] = s.Schema(problem, true, "")
	for name, schema := range s.Map() {
		tidy(schema)
		if name == problemSchema {
			schema.AdditionalProperties = true // RFC 9457 §3.2
		}
	}
	return s
}

const problemSchema = "Problem"

func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[httpx.ProblemDoc]() {
		return problemSchema
	}
	return huma.DefaultSchemaNamer(t, hint)
}

// tidy corrects what huma assumes of Go values: our lists are never null, and a
// digest has one spelling.
func tidy(s *huma.Schema) {
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	for _, p := range s.Properties {
		tidy(p)
	}
}

// check holds a body, which was read strictly before, against its schema.
func (s *schemas) check(t reflect.Type, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return listed(err)
	}
	found := &huma.ValidateResult{}
	huma.Validate(s, s.of[t], huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, v, found)
	if len(found.Errors) == 0 {
		return nil
	}
	fields := make([]fieldProblem, 0, len(found.Errors))
	for _, e := range found.Errors {
		if d, ok := e.(*huma.ErrorDetail); ok {
			fields = append(fields, fieldProblem{pointer(d.Location), d.Message})
		}
	}
	return fault.BadRequest.Becausef("schema").With("fields", fields)
}

func (s *schemas) matches(pattern, value string) bool { return s.patterns[pattern].MatchString(value) }

// fieldProblem says where a request is wrong and how, never with what value:
// values may be personal.
type fieldProblem struct {
	Pointer string `json:"pointer"` // RFC 6901; empty: the whole
	Reason  string `json:"reason"`
}

func refuse(pointer, reason string) error {
	return fault.BadRequest.Becausef("%s", reason).With("fields", []fieldProblem{{pointer, reason}})
}

// listed gives an error of strict decoding the same form as one of the schema.
func listed(err error) error {
	f := fault.From(err)
	reason, _ := f.Fields["reason"].(string)
	if f.Code != fault.BadRequest.Code || reason == "" {
		return err
	}
	at, _ := f.Fields["pointer"].(string)
	return fault.BadRequest.Because(err).With("fields", []fieldProblem{{at, reason}})
}

// pointer turns huma's "applicant.name" and "seals[0]" into RFC 6901.
func pointer(location string) string {
	if location == "" {
		return ""
	}
	return "/" + strings.NewReplacer(".", "/", "[", "/", "]", "").Replace(location)
}

// Bytes are binary on the wire: base64url without padding, in its one spelling.
type Bytes []byte

// MarshalText writes base64url.
func (b Bytes) MarshalText() ([]byte, error) { return encoding.AppendEncode(nil, b), nil }

// UnmarshalText reads what MarshalText writes and nothing else.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := encoding.AppendDecode(nil, text)
	if err != nil || string(encoding.AppendEncode(nil, v)) != string(text) {
		return errEncoding
	}
	*b = v
	return nil
}

// Schema describes it.
func (Bytes) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, ContentEncoding: "base64url", Pattern: "^[A-Za-z0-9_-]*$"}
}

// Hash is an SM3 value on the wire.
type Hash gm.Digest

// MarshalText writes 64 lower-case hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return gm.Digest(h).MarshalText() }

// UnmarshalText reads what MarshalText writes and nothing else.
func (h *Hash) UnmarshalText(text []byte) error { return (*gm.Digest)(h).UnmarshalText(text) }

// Schema describes it.
func (Hash) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-f]{64}$", Description: "SM3"}
}
