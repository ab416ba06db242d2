package mobileapi

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"yunzhang.dev/web/httpx"
)

// Described is an operation as tests need it.
type Described struct {
	ID, Method, Path string
	Open, Changes    bool
	Status           int
	Codes            map[string]bool

	o *operation
	s *schemas
}

// Described lists the operations.
func (a *API) Described() []Described {
	var all []Described
	for i := range a.operations {
		o := &a.operations[i]
		d := Described{
			ID: o.id, Method: o.method, Path: o.path, Open: o.open, Changes: o.changes, Status: o.success(),
			Codes: map[string]bool{}, o: o, s: a.schemas,
		}
		for _, f := range o.all() {
			d.Codes[f.Code] = true
		}
		all = append(all, d)
	}
	return all
}

// Matches reports whether a request is one of this operation.
func (d Described) Matches(method, path string) bool {
	path, _, _ = strings.Cut(path, "?")
	pattern := regexp.MustCompile(`\\\{[a-z]+\\\}`).ReplaceAllString(regexp.QuoteMeta(d.Path), `[^/]+`)
	return d.Method == method && regexp.MustCompile(`^`+pattern+`$`).MatchString(path)
}

// CheckAnswer holds a good answer against the published schema.
func (d Described) CheckAnswer(body []byte) error {
	switch {
	case d.o.out.file():
		return nil
	case d.o.out.none():
		if len(body) > 0 {
			return fmt.Errorf("%s answers with a body", d.ID)
		}
		return nil
	}
	return d.s.holds(d.o.out.of, body)
}

// CheckProblem holds a problem document against its schema.
func (d Described) CheckProblem(body []byte) error {
	return d.s.holds(reflect.TypeFor[httpx.ProblemDoc](), body)
}

func (s *schemas) holds(t reflect.Type, body []byte) error {
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return err
	}
	found := &huma.ValidateResult{}
	huma.Validate(s, s.of[t], huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, found)
	if len(found.Errors) > 0 {
		return fmt.Errorf("%v", found.Errors)
	}
	return nil
}

// Examples gives an example of every wire type, by its name.
func (a *API) Examples() map[string]any {
	all := map[string]any{}
	for _, o := range a.operations {
		for _, p := range []payload{o.in, o.out} {
			if p.none() || p.file() {
				continue
			}
			all[schemaName(p.of, "")+kindOf(p.example)] = p.example
		}
	}
	return all
}

func kindOf(example any) string {
	if d, ok := example.(Draft); ok {
		return "-" + d.Kind
	}
	return ""
}

// Document gives the OpenAPI document, empty when it cannot be made.
func (a *API) Document() []byte {
	doc, _ := a.openAPI()
	return doc
}
