package notify_test

import (
	"encoding/json"
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
	for _, tpl := range []notify.Template{notify.PhoneCode, notify.AuthorizeAgent, notify.DeviceEnrolled, notify.AgentApplied,
		notify.AgentApproved, notify.Delegated, notify.SealIssued, notify.Stamped, notify.Bound} {
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
