package mongosim_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
)

// What runs of the driver's own tests, and by which package of it.
var suites = []struct{ pkg, run string }{
	{"./internal/integration", "TestUnifiedSpecs/(transactions|convenient-transactions)|TestRetryableWritesSpec|TestRetryableWritesProse|TestSessions$|TestSessionsProse|TestChangeStream_ReplicaSet|TestConnectionsSurvivePrimaryStepDown|TestCausalConsistency_Supported"},
	{"./internal/integration/unified", "TestUnifiedSpec/(transactions|change-streams|sessions|retryable-writes)"},
}

// leftOut fails with the test around it and would end it: it wants
// fullDocument "required" (pre- and post-images are not imitated).
const leftOut = "TestChangeStream_ReplicaSet/split_large"

// TestTheDriversSpecifications runs the tests that MongoDB's driver brings of
// the specifications of transactions, sessions, retryable writes and change
// streams against the simulator. testdata/driver/expected.txt holds what must
// come out: the counts, and the tests that do not apply, with the reason.
func TestTheDriversSpecifications(t *testing.T) {
	if testing.Short() {
		t.Skip("skipped: takes a minute, and -short was given")
	}
	dir := driverModule(t)
	var got outcome
	for _, s := range suites {
		got.add(runSuite(t, dir, s.pkg, s.run))
	}
	got.results[leftOut] = "fail" // it would
	want, reasons := readExpected(t)
	lines := got.judge(t, reasons)
	t.Logf("the driver's tests:\n%s", strings.Join(lines, "\n"))
	if !slices.Equal(lines, want) {
		t.Errorf("the counts changed; expected:\n%s", strings.Join(want, "\n"))
	}
}

// driverModule gives the folder of the driver's version that still carries the
// data; its hash is in testdata/driver/go.sum.
func driverModule(t *testing.T) string {
	t.Helper()
	out, err := goCommand("testdata/driver", "mod", "download", "-json", "go.mongodb.org/mongo-driver/v2").Output()
	var m struct{ Dir, Error string }
	_ = json.Unmarshal(out, &m) // an empty Dir says enough
	if m.Dir == "" && os.Getenv("CI") != "" {
		t.Fatalf("the driver's module v2.1.0 cannot be fetched, and CI must run its tests: %v %s", err, m.Error)
	}
	if m.Dir == "" {
		t.Skipf("skipped: the driver's module v2.1.0 cannot be fetched: %v %s", err, m.Error)
	}
	return m.Dir
}

func goCommand(dir string, args ...string) *exec.Cmd {
	c := exec.Command("go", args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	return c
}

// event is a line of "go test -json".
type event struct{ Action, Test, Output string }

func runSuite(t *testing.T, dir, pkg, run string) outcome {
	t.Helper()
	set, err := mongosim.Start(mongosim.Options{AllCommands: true})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	c := goCommand(filepath.Join(dir, pkg), "test", "-json", "-vet=off", "-count=1", "-timeout=10m", "-run", run, "-skip", leftOut, ".")
	c.Env = append(c.Env, "MONGODB_URI="+set.URI())
	out, err := c.CombinedOutput()
	var o outcome
	for line := range bytes.Lines(out) {
		var e event
		if json.Unmarshal(line, &e) == nil && e.Test != "" {
			o.note(e)
		}
	}
	if len(o.results) == 0 {
		t.Fatalf("%s ran nothing: %v\n%s", pkg, err, out)
	}
	return o
}

// outcome is what became of every test, and what it said.
type outcome struct {
	results map[string]string
	said    map[string]string
}

func (o *outcome) note(e event) {
	if o.results == nil {
		o.results, o.said = map[string]string{}, map[string]string{}
	}
	switch e.Action {
	case "pass", "fail", "skip":
		o.results[e.Test] = e.Action
	case "output":
		o.said[e.Test] += e.Output
	}
}

func (o *outcome) add(p outcome) {
	if o.results == nil {
		*o = p
		return
	}
	maps.Copy(o.results, p.results)
	maps.Copy(o.said, p.said)
}

// leaf reports whether a test has no tests below it: what is counted.
func (o *outcome) leaf(name string) bool {
	for other := range o.results {
		if strings.HasPrefix(other, name+"/") {
			return false
		}
	}
	return true
}

// judge reports every failure that is not expected, and counts by suite.
func (o *outcome) judge(t *testing.T, reasons map[string]string) []string {
	t.Helper()
	counts := map[string]int{}
	for name, result := range o.results {
		if !o.leaf(name) {
			continue
		}
		parts := strings.SplitN(name, "/", 3)
		suite := strings.Join(parts[:min(len(parts), 2)], "/")
		if !strings.HasPrefix(suite, "TestUnified") {
			suite = parts[0]
		}
		reason, excused := reasons[name]
		switch {
		case result == "fail" && !excused:
			t.Errorf("%s fails:\n%s", name, o.said[name])
		case result == "fail":
			result = "not applicable (" + reason + ")"
		case result == "pass" && excused:
			t.Errorf("%s passes now: it is applicable", name)
		case result == "skip":
			result = "not applicable (the driver's runner: " + why(o.said[name]) + ")"
		}
		counts[suite+": "+strings.Replace(result, "pass", "passed", 1)]++
	}
	var lines []string
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%4d %s", counts[k], k))
	}
	return lines
}

var skipLine = regexp.MustCompile(`(?m)^\s+\w+\.go:\d+: (.*)$`)

// why gives the reason a skipped test printed.
func why(said string) string {
	m := skipLine.FindStringSubmatch(said)
	if m == nil {
		return "no reason given"
	}
	s := strings.TrimPrefix(m[1], "skipping due to environmental constraints: ")
	return strings.TrimPrefix(s, "no matching RunOnBlock; comparison errors: ")
}

// readExpected reads the expected counts, and after them the tests that do not
// apply: "reason: test".
func readExpected(t *testing.T) (counts []string, reasons map[string]string) {
	t.Helper()
	f, err := os.Open("testdata/driver/expected.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	reasons = map[string]string{}
	reason := ""
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "  ") && strings.HasPrefix(strings.TrimSpace(line), "Test"):
			reasons[strings.TrimSpace(line)] = reason
		case strings.HasSuffix(line, ":"):
			reason = strings.TrimSuffix(line, ":")
		default:
			counts = append(counts, line)
		}
	}
	return counts, reasons
}
