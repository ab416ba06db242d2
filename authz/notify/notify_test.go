package notify_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/notify"
)

func TestEveryTextIsFilled(t *testing.T) {
	t.Parallel()
	params := map[string]string{"code": "123456", "name": "张*", "org": "示例公司", "app": "社保网报", "until": "2026-12-31", "count": "1", "device": "手机", "account": "zh***an"}
	for _, tpl := range notify.Templates() {
		text, err := notify.Text(notify.Message{Template: tpl, Params: params})
		if err != nil || !strings.HasPrefix(text, "【云章】") {
			t.Errorf("%s: %q, %v", tpl, text, err)
		}
		if _, err := notify.Text(notify.Message{Template: tpl}); err == nil {
			t.Errorf("%s: places left open", tpl)
		}
	}
	if _, err := notify.Text(notify.Message{Template: "unknown"}); err == nil {
		t.Error("an unknown text was rendered")
	}
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sms.jsonl")
	o := notify.NewOutbox(path, func() time.Time { return time.Unix(1_790_000_000, 0) })
	for _, code := range []string{"111111", "222222"} {
		if err := o.Send(t.Context(), notify.Message{To: "13800138000", Template: notify.PhoneCode, Params: map[string]string{"code": code}}); err != nil {
			t.Fatal(err)
		}
	}
	if got := o.LastCode("13800138000", notify.PhoneCode); got != "222222" {
		t.Errorf("last code %q", got)
	}
	if got := o.LastCode("13900139000", notify.PhoneCode); got != "" {
		t.Errorf("somebody else's code %q", got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	b, _ := os.ReadFile(path)
	var first notify.Sent
	if err := json.Unmarshal([]byte(strings.SplitN(string(b), "\n", 2)[0]), &first); err != nil || first.Params["code"] != "111111" {
		t.Errorf("%+v, %v", first, err)
	}
}

func TestValuesAreNotReadAsPlaces(t *testing.T) {
	t.Parallel()
	m := notify.Message{Template: notify.AuthorizeAgent, Params: map[string]string{"name": "{code}", "code": "123456"}}
	for range 20 { // maps have no order
		text, err := notify.Text(m)
		if err != nil || strings.Count(text, "123456") != 2 || strings.Count(text, "{code}") != 2 {
			t.Fatalf("%q, %v", text, err)
		}
	}
}

func TestValuesCannotBreakTheText(t *testing.T) {
	t.Parallel()
	text, err := notify.Text(notify.Message{Template: notify.DeviceEnrolled, Params: map[string]string{
		"name": "张*", "device": "手机\n@evil.example #1\x1b[2J" + strings.Repeat("长", 200),
	}})
	if err != nil || strings.ContainsAny(text, "\n\x1b") || strings.Count(text, "长") > 120 {
		t.Errorf("%q, %v", text, err)
	}
}

func TestCodeBoundToItsOrigin(t *testing.T) {
	t.Parallel()
	text, err := notify.Text(notify.Message{Template: notify.PhoneCode, Params: map[string]string{"code": "123456", "domain": "app.example.gov.cn"}})
	if err != nil || !strings.HasSuffix(text, "\n@app.example.gov.cn #123456") {
		t.Errorf("%q, %v", text, err)
	}
}

func TestMessageDoesNotPrint(t *testing.T) {
	t.Parallel()
	m := notify.Message{To: "13800138000", Template: notify.PhoneCode, Params: map[string]string{"code": "123456"}}
	if s := fmt.Sprintf("%v %s", m, m); strings.Contains(s, "138") || strings.Contains(s, "123456") {
		t.Error(s)
	}
}

func TestOutboxRefusesAReadableFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sms.jsonl")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o := notify.NewOutbox(path, func() time.Time { return time.Unix(1_790_000_000, 0) })
	err := o.Send(t.Context(), notify.Message{To: "13800138000", Template: notify.PhoneCode, Params: map[string]string{"code": "111111"}})
	if err == nil {
		t.Error("codes went into a file that others can read")
	}
}

func TestOutboxCanFail(t *testing.T) {
	t.Parallel()
	o := notify.NewOutbox("", func() time.Time { return time.Unix(1_790_000_000, 0) })
	m := notify.Message{To: "13800138000", Template: notify.PhoneCode, Params: map[string]string{"code": "111111"}}
	o.SetDown(true)
	if err := o.Send(t.Context(), m); !errors.Is(err, notify.ErrDown) || len(o.Messages("")) != 0 {
		t.Errorf("down: %v", err)
	}
	o.SetDown(false)
	if err := o.Send(t.Context(), m); err != nil || len(o.Messages("")) != 1 {
		t.Errorf("up again: %v", err)
	}
}
