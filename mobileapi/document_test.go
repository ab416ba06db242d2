package mobileapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"yunzhang.dev/mobileapi"
)

func TestDocumentIsTheCommittedOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	got := w.get(t, nil, "/openapi.json")
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %s", got.status, got.header.Get("Content-Type"))
	}
	golden(t, "openapi.json", got.body)
}

// golden compares with a committed file, or writes it under -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs from what the code makes; run go test ./mobileapi -update and look at the change", path)
	}
}

func TestWireTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	examples := w.api.Examples()
	if len(examples) < 30 {
		t.Fatalf("only %d wire types", len(examples))
	}
	names := map[string]bool{}
	for name, example := range examples {
		b, err := json.MarshalIndent(example, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		names[name+".json"] = true
		golden(t, filepath.Join("testdata", "wire", name+".json"), append(b, '\n'))
	}
	entries, err := os.ReadDir(filepath.Join("testdata", "wire"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !names[e.Name()] {
			t.Errorf("testdata/wire/%s belongs to no wire type", e.Name())
		}
	}
}

// page is what the test reads of the document.
type page struct {
	OpenAPI string
	Paths   map[string]map[string]struct {
		OperationID string
		Summary     string
		Description string
		Words       map[string]string `json:"x-summary"`
		Security    []map[string][]string
		Parameters  []struct {
			Name, In, Description string
			Example               any
		}
		RequestBody *struct{ Content map[string]content }
		Responses   map[string]response
	}
	Components struct {
		Examples  map[string]problemExample
		Responses map[string]response
	}
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Headers     map[string]any
	Content     map[string]content
}

type problemExample struct {
	Ref     string `json:"$ref"`
	Summary string
	Value   struct {
		Code, Title string
		Status      int
	}
}

type content struct {
	Schema   json.RawMessage
	Example  json.RawMessage
	Examples map[string]problemExample
}

func TestEveryOperationIsDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	var doc page
	if err := json.Unmarshal(w.api.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	seen := 0
	for path, methods := range doc.Paths {
		for method, op := range methods {
			seen++
			name := method + " " + path
			if op.Words["zh"] != op.Summary || !chinese(op.Summary) || op.Words["en"] == "" || chinese(op.Words["en"]) {
				t.Errorf("%s: summaries %q", name, op.Words)
			}
			if !strings.HasPrefix(op.Description, op.Words["en"]) {
				t.Errorf("%s: description %q", name, op.Description)
			}
			for _, p := range op.Parameters {
				if p.Example == nil || !chinese(p.Description) {
					t.Errorf("%s: parameter %s has no example or no words", name, p.Name)
				}
			}
			if op.RequestBody != nil && empty(op.RequestBody.Content["application/json"].Example) {
				t.Errorf("%s: no example of the request", name)
			}
			answers(t, name, op.Responses, doc)
		}
	}
	if seen != len(w.described) {
		t.Errorf("%d operations in the document, %d routes", seen, len(w.described))
	}
}

// answers checks what one operation may answer.
func answers(t *testing.T, name string, responses map[string]response, doc page) {
	t.Helper()
	codes := 0
	for status, r := range responses {
		if r.Ref != "" {
			r = doc.Components.Responses[strings.TrimPrefix(r.Ref, "#/components/responses/")]
		}
		if r.Headers[mobileapi.NonceHeader] == nil || !chinese(r.Description) {
			t.Errorf("%s %s: no nonce header or no words", name, status)
		}
		for media, c := range r.Content {
			if media == "application/problem+json" {
				codes += len(c.Examples)
				for code, ref := range c.Examples {
					e := doc.Components.Examples[strings.TrimPrefix(ref.Ref, "#/components/examples/")]
					if e.Value.Code != code || strconv.Itoa(e.Value.Status) != status || e.Summary == "" || !strings.Contains(r.Description, "`"+code+"`") {
						t.Errorf("%s %s: code %s is not described", name, status, code)
					}
				}
				continue
			}
			if empty(c.Example) {
				t.Errorf("%s %s: no example", name, status)
			}
		}
	}
	if codes < 6 {
		t.Errorf("%s: only %d errors are documented", name, codes)
	}
}

func empty(example json.RawMessage) bool {
	return len(example) == 0 || slices.Contains([]string{"null", `""`}, string(example))
}

func chinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
}

func TestExamplesAreTrue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	for name, example := range w.api.Examples() {
		b, err := json.Marshal(example)
		if err != nil {
			t.Fatal(err)
		}
		var v any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatal(err)
		}
		walk(t, name, v)
	}
}

// walk refuses examples that a failed construction would leave: empty binary
// values and lists.
func walk(t *testing.T, at string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			walk(t, at+"."+k, x)
		}
	case []any:
		if len(v) == 0 {
			t.Errorf("%s is empty", at)
		}
		for _, x := range v {
			walk(t, at, x)
		}
	case string:
		if v == "" {
			t.Errorf("%s is empty", at)
		}
	case nil:
		t.Errorf("%s is null", at)
	}
}
