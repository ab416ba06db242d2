package status_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/status"
)

var (
	start = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	maker = gm.SM3([]byte("maker"))
)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

func TestStateAtATime(t *testing.T) {
	t.Parallel()
	h := status.History{
		{State: status.Usable, From: at(0)},
		{State: status.Frozen, From: at(5200)},
		{State: status.Usable, From: at(9700)},
		{State: status.Cancelled, From: at(20000)},
	}
	for _, c := range []struct {
		ms    int
		want  status.State
		known bool
		why   string
	}{
		{-1000, "", false, "before it existed"},
		{0, status.Usable, true, "from its first second"},
		{5000, status.Usable, true, "a stamp of the second in which it was frozen came before"},
		{6000, status.Frozen, true, "the second after"},
		{8000, status.Frozen, true, "while frozen"},
		{9000, status.Usable, true, "a stamp of the second in which it was released came after"},
		{19999, status.Usable, true, "just before the end"},
		{20000, status.Cancelled, true, "the end on a whole second"},
		{9e6, status.Cancelled, true, "for ever"},
	} {
		if got, known := h.At(at(c.ms)); got != c.want || known != c.known {
			t.Errorf("%s: %q %v, want %q %v", c.why, got, known, c.want, c.known)
		}
	}
}

func TestFreezeAndReleaseWithinOneSecond(t *testing.T) {
	t.Parallel()
	h := status.History{
		{State: status.Usable, From: at(0)}, {State: status.Frozen, From: at(5200)}, {State: status.Usable, From: at(5600)},
	}
	for _, ms := range []int{5000, 6000, 7000} {
		if got, _ := h.At(at(ms)); got != status.Usable {
			t.Errorf("at %d: %q", ms, got)
		}
	}
}

func TestWhatMayFollow(t *testing.T) {
	t.Parallel()
	all := []status.State{status.Usable, status.Frozen, status.Lost, status.Cancelled, status.Revoked}
	allowed := map[string]bool{
		"usable frozen": true, "usable lost": true, "usable cancelled": true, "usable revoked": true,
		"frozen usable": true, "frozen lost": true, "frozen cancelled": true, "frozen revoked": true,
		"lost usable": true, "lost cancelled": true, "lost revoked": true,
	}
	for _, from := range all {
		for _, to := range all {
			if got := from.CanBecome(to); got != allowed[string(from)+" "+string(to)] {
				t.Errorf("%s → %s: %v", from, to, got)
			}
		}
		if zh, en := from.Name(); zh == "未知" || en == "unknown" {
			t.Errorf("%s has no name", from)
		}
		if from.Final() != (from == status.Cancelled || from == status.Revoked) {
			t.Errorf("%s: final %v", from, from.Final())
		}
	}
	if status.State("other").Known() || status.State("other").Final() {
		t.Error("an unknown state passes")
	}
}

func sample() status.List {
	return status.NewList("seal.example.cn", 7, []gm.Digest{maker}, at(60_000), at(3_660_000), []status.Entry{
		{Seal: "33010600000002", Events: status.History{{State: status.Usable, From: at(1)}}},
		{Seal: "33010600000003", Events: status.History{{State: status.Usable, From: at(0)}, {State: status.Lost, From: at(7100)}}},
		{Seal: "33010600000001", Events: status.History{{State: status.Usable, From: at(0)}, {State: status.Frozen, From: at(5200)}, {State: status.Usable, From: at(9700)}}},
	})
}

// canonical pins the bytes: a published list must verify for ever.
const canonical = `cseal-status/1
issuer: seal.example.cn
number: 7
makers: ` + "MAKER" + `
issued-at: 2026-03-01T08:01:00Z
next-update: 2026-03-01T09:01:00Z
entries: 2
entry.1: 33010600000001 usable@2026-03-01T08:00:00Z frozen@2026-03-01T08:00:06Z usable@2026-03-01T08:00:09Z
entry.2: 33010600000003 usable@2026-03-01T08:00:00Z lost@2026-03-01T08:00:08Z
`

func TestListBytes(t *testing.T) {
	t.Parallel()
	b, err := sample().Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(canonical, "MAKER", maker.Hex(), 1); string(b) != want {
		t.Fatalf("got\n%s\nwant\n%s", b, want)
	}
	l, err := status.ParseList(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := l.Bytes()
	if err != nil || !bytes.Equal(again, b) {
		t.Fatalf("read and written again: %v\n%s", err, again)
	}
}

func TestListAnswers(t *testing.T) {
	t.Parallel()
	l := sample()
	for _, c := range []struct {
		seal  string
		maker gm.Digest
		ms    int
		want  status.State
		known bool
		why   string
	}{
		{"33010600000001", maker, 8000, status.Frozen, true, "listed"},
		{"33010600000001", maker, 30_000, status.Usable, true, "listed, released"},
		{"33010600000002", maker, 30_000, status.Usable, true, "never stopped, so not listed"},
		{"33010600000003", maker, 60_000, status.Lost, true, "up to the list's own second"},
		{"33010600000003", maker, 61_000, "", false, "after the list"},
		{"33010600000001", gm.SM3([]byte("other")), 8000, "", false, "another maker's seal of the same code"},
	} {
		if got, known := l.StateAt(c.seal, c.maker, at(c.ms)); got != c.want || known != c.known {
			t.Errorf("%s: %q %v, want %q %v", c.why, got, known, c.want, c.known)
		}
	}
}

func TestListRefusesOtherForms(t *testing.T) {
	t.Parallel()
	good := strings.Replace(canonical, "MAKER", maker.Hex(), 1)
	for name, bad := range map[string]string{
		"empty":           "",
		"no end of line":  strings.TrimSuffix(good, "\n"),
		"one more":        good + "\n",
		"CR":              strings.ReplaceAll(good, "\n", "\r\n"),
		"count too small": strings.Replace(good, "entries: 2", "entries: 1", 1),
		"count too large": strings.Replace(good, "entries: 2", "entries: 3", 1),
		"count absurd":    strings.Replace(good, "entries: 2", "entries: 2000000000", 1),
		"leading zero":    strings.Replace(good, "number: 7", "number: 07", 1),
		"unsorted":        strings.Replace(good, "entry.1: 33010600000001", "entry.1: 33010600000009", 1),
		"unknown state":   strings.Replace(good, "lost@", "gone@", 1),
		"impossible step": strings.Replace(good, "usable@2026-03-01T08:00:00Z lost", "lost@2026-03-01T08:00:00Z lost", 1),
		"upper-case hash": strings.Replace(good, maker.Hex(), strings.ToUpper(maker.Hex()), 1),
		"no validity":     strings.Replace(good, "T09:01:00Z", "T08:01:00Z", 1),
		"other line":      strings.Replace(good, "issuer:", "issuers:", 1),
	} {
		if _, err := status.ParseList([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte(strings.Replace(canonical, "MAKER", maker.Hex(), 1)))
	f.Add([]byte("cseal-status/1\nentries: 99999999999\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := status.ParseList(b)
		if err != nil {
			return
		}
		again, err := l.Bytes()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("accepted %q, writes %q (%v)", b, again, err)
		}
	})
}
