package registry_test

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/registry"
)

type drawer struct{ calls int }

func (d *drawer) Draw(kind, name, number string) ([]byte, []byte, float64, float64, error) {
	d.calls++
	return []byte("png " + name + number), []byte("svg " + kind), 40, 40, nil
}

const uscc = "91350100M000100Y43"

func world(d *drawer) *registry.Sandbox {
	s := registry.NewSandbox(d, func() time.Time { return time.Unix(1_790_000_000, 0) })
	s.Put(registry.Organization{USCC: uscc, Name: "示例科技有限公司", Legal: registry.Identity{Name: "张三", IDNumber: "11010519491231002X"}, Kinds: []string{"statutory"}})
	return s
}

func TestRepresents(t *testing.T) {
	t.Parallel()
	s := world(&drawer{})
	rows := []struct {
		uscc string
		who  registry.Identity
		want registry.Answer
	}{
		{uscc, registry.Identity{Name: "张三", IDNumber: "11010519491231002X"}, registry.Yes},
		{uscc, registry.Identity{Name: "李四", IDNumber: "11010519491231002X"}, registry.No},
		{uscc, registry.Identity{Name: "张三", IDNumber: "440524188001010014"}, registry.No},
		{"91110000802100433B", registry.Identity{Name: "张三", IDNumber: "11010519491231002X"}, registry.No},
	}
	for _, r := range rows {
		f, err := s.Represents(t.Context(), r.uscc, r.who)
		if err != nil || f.Answer != r.want {
			t.Errorf("%s: %+v, %v", r.uscc, f, err)
		}
	}
	s.Put(registry.Organization{USCC: uscc, Name: "示例科技有限公司", Legal: rows[0].who, Status: registry.Dissolved})
	if f, _ := s.Represents(t.Context(), uscc, rows[0].who); f.Answer != registry.No {
		t.Errorf("a dissolved organization is represented: %+v", f)
	}
	s.SetDown(true)
	if _, err := s.Represents(t.Context(), uscc, rows[0].who); !errors.Is(err, registry.ErrDown) {
		t.Errorf("down: %v", err)
	}
}

func TestImpressionIsDrawnOnce(t *testing.T) {
	t.Parallel()
	d := &drawer{}
	s := world(d)
	first, err := s.Impression(t.Context(), uscc, "statutory")
	if err != nil || first.Name != "示例科技有限公司" || len(first.Code) != 13 {
		t.Fatalf("%+v, %v", first, err)
	}
	if again, err := s.Impression(t.Context(), uscc, "statutory"); err != nil || string(again.PNG) != string(first.PNG) || d.calls != 1 {
		t.Errorf("again: %v, drawn %d times", err, d.calls)
	}
	if _, err := s.Impression(t.Context(), uscc, "finance"); !errors.Is(err, registry.ErrNotFiled) {
		t.Errorf("not filed: %v", err)
	}
	if _, err := s.Impression(t.Context(), "91110000802100433B", "statutory"); !errors.Is(err, registry.ErrNotFiled) {
		t.Errorf("unknown organization: %v", err)
	}
}
