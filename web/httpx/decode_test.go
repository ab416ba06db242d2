package httpx_test

import (
	stdjson "encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

type order struct {
	SealID string `json:"seal_id"`
	Count  int64  `json:"count"`
	Places []struct {
		X float64 `json:"x"`
	} `json:"places"`
}

func TestAT033StrictJSON(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, body, reason, pointer string }{
		{"nothing", "", "empty", ""},
		{"blank", " \n", "empty", ""},
		{"unknown member", `{"seal_id":"a","x":1}`, "unknown", "/x"},
		{"wrong case", `{"SEAL_ID":"a"}`, "unknown", "/SEAL_ID"},
		{"doubled member", `{"seal_id":"a","seal_id":"b"}`, "duplicate", "/seal_id"},
		{"doubled by escape", `{"seal_id":"a","\u0073eal_id":"b"}`, "duplicate", "/seal_id"},
		{"trailing value", `{"seal_id":"a"}{}`, "trailing", ""},
		{"trailing word", `{"seal_id":"a"} x`, "trailing", ""},
		{"2^53+1", `{"count":9007199254740993}`, "number", "/count"},
		{"-2^53-1", `{"count":-9007199254740993}`, "number", "/count"},
		{"beyond int64", `{"count":92233720368547758080}`, "number", "/count"},
		{"large exponent", `{"places":[{"x":1e300}]}`, "number", "/places/0/x"},
		{"infinite", `{"places":[{"x":1e999}]}`, "number", "/places/0/x"},
		{"deep", strings.Repeat("[", 10_000), "depth", ""},
		{"deep objects", strings.Repeat(`{"a":`, 10_000), "depth", ""},
		{"wrong type", `{"count":"1"}`, "value", "/count"},
		{"fraction", `{"count":1.5}`, "value", "/count"},
		{"invalid UTF-8", "{\"seal_id\":\"\xff\"}", "syntax", "/seal_id"},
		{"lone surrogate", `{"seal_id":"\ud800"}`, "syntax", "/seal_id"},
		{"comment", `{"seal_id":"a"/**/}`, "syntax", ""},
		{"unfinished", `{"seal_id":"a"`, "syntax", ""},
		{"NaN", `{"count":NaN}`, "syntax", "/count"},
		{"byte order mark", "\ufeff{}", "syntax", ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var v order
			err := httpx.DecodeJSON([]byte(tc.body), &v)
			var f *fault.Error
			if !errors.As(err, &f) || !errors.Is(err, fault.BadRequest) {
				t.Fatalf("error %v", err)
			}
			if f.Fields["reason"] != tc.reason {
				t.Errorf("reason %v, want %s", f.Fields["reason"], tc.reason)
			}
			if got, _ := f.Fields["pointer"].(string); tc.pointer != "" && got != tc.pointer {
				t.Errorf("pointer %q, want %q", got, tc.pointer)
			}
		})
	}
}

func TestDecodeBoundsTokens(t *testing.T) {
	t.Parallel()
	body := "[" + strings.Repeat("1,", httpx.MaxJSONTokens) + "1]"
	var v []int
	if err := httpx.DecodeJSON([]byte(body), &v); !errors.Is(err, fault.BodyTooLarge) {
		t.Errorf("error %v", err)
	}
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	var v order
	body := ` {"seal_id":"章","count":9007199254740992,"places":[{"x":0.5e1}]} ` + "\n"
	if err := httpx.DecodeJSON([]byte(body), &v); err != nil {
		t.Fatal(err)
	}
	if v.SealID != "章" || v.Count != 1<<53 || v.Places[0].X != 5 {
		t.Errorf("%+v", v)
	}
}

func TestDecodeChecksTheMediaType(t *testing.T) {
	t.Parallel()
	app := httpx.NewServer(httpx.Deps{})
	app.Post("/", func(c *fiber.Ctx) error {
		var v order
		if err := httpx.Decode(c, &v); err != nil {
			return err
		}
		return httpx.Reply(c, 201, v)
	})
	for contentType, want := range map[string]int{
		"application/json": 201, "application/json; charset=utf-8": 201, "Application/JSON;charset=UTF-8": 201,
		"": 415, "text/plain": 415, "application/json; charset=gbk": 415, "application/json; q=1": 415,
		"application/x-www-form-urlencoded": 415, "application/problem+json": 415, "application/json, text/plain": 415,
	} {
		a := call(t, app, "POST", "/", `{"seal_id":"a"}`, "Content-Type", contentType)
		if a.status != want {
			t.Errorf("%q: %d %s", contentType, a.status, a.body)
		}
	}
	a := call(t, app, "POST", "/", "\x1f\x8b", "Content-Type", "application/json", "Content-Encoding", "gzip")
	if a.status != 415 {
		t.Errorf("coded body: %d", a.status)
	}
	if a := call(t, app, "POST", "/", `{}`, "Content-Type", "application/json"); a.body != `{"seal_id":"","count":0,"places":[]}` {
		t.Errorf("reply %s", a.body)
	}
}

// FuzzDecode: what is accepted means the same to Go's own reader, and nothing is
// lost on the way.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,null,true,"x"]}`, `{"a":1,"a":2}`, `[9007199254740993]`, `[[[[`, `1e400`, `"\ud800"`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var ours, theirs any
		if httpx.DecodeJSON(body, &ours) != nil {
			return
		}
		if err := stdjson.Unmarshal(body, &theirs); err != nil {
			t.Fatalf("accepted %q, another reader says %v", body, err)
		}
		if !reflect.DeepEqual(ours, theirs) {
			t.Fatalf("%q read as %v and as %v", body, ours, theirs)
		}
	})
}
