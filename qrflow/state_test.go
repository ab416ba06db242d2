package qrflow_test

import (
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/qrflow"
)

// edges is protocol.md §2.2 with DESIGN.md's amendments, written by hand.
const edges = `
issued attach open
open claim claimed
open wrong_subject open
open mob blocked
claimed match_wrong claimed
claimed guess blocked
claimed approve approved
claimed reject rejected
claimed report blocked
approved disown failed
approved second approved
approved sign signing
signing progress signing
signing finish done
approved fail failed
signing fail failed
approved fetch done
approved kill failed
issued cancel cancelled
open cancel cancelled
claimed cancel cancelled
issued theft cancelled
open theft cancelled
claimed theft cancelled
issued expire expired
open expire expired
claimed expire expired
approved expire expired
`

func steps() (all []qrflow.Step) {
	for _, line := range strings.Split(strings.TrimSpace(edges), "\n") {
		if step := qrflow.Step(strings.Fields(line)[1]); !slices.Contains(all, step) {
			all = append(all, step)
		}
	}
	return all
}

// Only these steps are possible, and each leads where it should.
func TestTransitionTable(t *testing.T) {
	t.Parallel()
	for _, from := range qrflow.States() {
		for _, step := range append(steps(), "unknown") {
			to, possible := qrflow.Next(from, step)
			if line := fmt.Sprintf("\n%s %s %s\n", from, step, to); possible != strings.Contains(edges, line) {
				t.Errorf("%s by %s: %s, possible %v", from, step, to, possible)
			}
			if !possible && to != from {
				t.Errorf("%s by %s is not possible and leads to %s", from, step, to)
			}
			if possible && !from.Live() {
				t.Errorf("%s is terminal and moves by %s", from, step)
			}
		}
	}
}

// The map in doc.go is the table.
func TestDocumentedTable(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile(`(?m)^//\t([a-z, ]+?)\s+(` + alternatives() + `)\s+([a-z]+)\s`)
	var documented []string
	for _, m := range row.FindAllStringSubmatch(string(doc), -1) {
		for _, from := range strings.Split(m[1], ",") {
			documented = append(documented, strings.TrimSpace(from)+" "+m[2]+" "+m[3])
		}
	}
	want := strings.Split(strings.TrimSpace(edges), "\n")
	slices.Sort(documented)
	slices.Sort(want)
	if !slices.Equal(documented, want) {
		t.Errorf("documented\n%s\nwant\n%s", strings.Join(documented, "\n"), strings.Join(want, "\n"))
	}
}

func alternatives() string {
	var names []string
	for _, s := range steps() {
		names = append(names, string(s))
	}
	return strings.Join(names, "|")
}

func TestSecretStaysOutOfLogs(t *testing.T) {
	t.Parallel()
	s := qrflow.Secret{ID: "k1", Key: []byte("very secret very secret very secr")}
	var b strings.Builder
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "secret", s)
	fmt.Fprintf(&b, "%v %+v %#v %s", s, s, s, s)
	if strings.Contains(b.String(), "very") || strings.Contains(b.String(), "[118") || strings.Contains(b.String(), "0x76") {
		t.Errorf("the secret shows: %s", b.String())
	}
}

func TestWindows(t *testing.T) {
	t.Parallel()
	w, now, rate := qrflow.NewWindows(), time.Unix(1_800_000_000, 0), qrflow.Rate{Events: 2, Per: time.Minute}
	take := func(key string) time.Duration { return w.Take(now, key, rate) }
	for _, key := range []string{"a", "a", "b"} {
		if take(key) != 0 {
			t.Errorf("%s is refused what is allowed", key)
		}
	}
	if w.Full(now, qrflow.Limit{Key: "b", Rate: rate}) != 0 || w.Full(now, qrflow.Limit{Key: "a", Rate: rate}) != time.Minute || w.Full(now, qrflow.Limit{Key: "c", Rate: rate}) != 0 {
		t.Error("full or not full is wrong")
	}
	now = now.Add(20 * time.Second)
	if wait := take("a"); wait != 40*time.Second {
		t.Errorf("the third has to wait %s", wait)
	}
	now = now.Add(40 * time.Second)
	if w.Full(now, qrflow.Limit{Key: "a", Rate: rate}) != 0 || take("a") != 0 {
		t.Error("the next window is closed")
	}
}

// A flood of keys takes bounded memory, and does not open the gates.
func TestWindowsFlood(t *testing.T) {
	t.Parallel()
	w, now, rate := qrflow.NewWindows(), time.Unix(1_800_000_000, 0), qrflow.Rate{Events: 1, Per: time.Minute}
	refused := 0
	for i := range 100_010 {
		if w.Take(now, fmt.Sprint(i), rate) > 0 {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d keys refused", refused)
	}
	if w.Take(now.Add(time.Minute), "new", rate) != 0 {
		t.Error("no room after the windows have closed")
	}
}
