package attack

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const last = 113 // attack test

var (
	row      = regexp.MustCompile(`^\tT\d\d +\S.* {2,}(\d{3}(?: \d{3})*)$`)
	absent   = regexp.MustCompile(`^\t(\d{3}(?:[ -]\d{3})*) {2,}\S`)
	function = regexp.MustCompile(`^[tT]estAT(\d{3})[A-Z]\w*$`)
)

// parse gives the comment of doc.go by lines.
func parse(t *testing.T) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, c := range f.Doc.List {
		lines = append(lines, c.Text)
	}
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], "//")
	}
	return lines
}

// spread gives the numbers of "001 003-005".
func spread(t *testing.T, list string) (numbers []int) {
	t.Helper()
	for _, part := range strings.Fields(list) {
		from, to, ranged := strings.Cut(part, "-")
		if !ranged {
			to = from
		}
		first, err1 := strconv.Atoi(from)
		end, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || end < first {
			t.Fatalf("%q is no list of numbers", list)
		}
		for n := first; n <= end; n++ {
			numbers = append(numbers, n)
		}
	}
	return numbers
}

// chart reads both tables.
func chart(t *testing.T) (here, elsewhere map[int]bool) {
	t.Helper()
	here, elsewhere = map[int]bool{}, map[int]bool{}
	for _, line := range parse(t) {
		if m := row.FindStringSubmatch(line); m != nil {
			for _, n := range spread(t, m[1]) {
				here[n] = true
			}
		} else if m := absent.FindStringSubmatch(line); m != nil {
			for _, n := range spread(t, m[1]) {
				elsewhere[n] = true
			}
		}
	}
	return here, elsewhere
}

// tests finds the functions that are named after an attack test, in the sources.
func tests(t *testing.T) map[int][]string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	found := map[int][]string{}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && strings.HasPrefix(d.Name(), ".") && p != root {
			if err == nil {
				err = fs.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(p, "_test.go") && !strings.HasSuffix(filepath.Dir(p), "test") || !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, filepath.Dir(p))
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil {
				if m := function.FindStringSubmatch(fn.Name.Name); m != nil {
					n, _ := strconv.Atoi(m[1])
					found[n] = append(found[n], filepath.ToSlash(rel)+"."+fn.Name.Name)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The map is the land: each number is in one of the tables, those of the first
// have a test, those of the second have none, and every test is on the map.
func TestMap(t *testing.T) {
	t.Parallel()
	here, elsewhere := chart(t)
	found := tests(t)
	if len(found) < 50 {
		t.Fatalf("only %d numbers found: looking in the wrong place", len(found))
	}
	for n := 1; n <= last; n++ {
		switch {
		case here[n] == elsewhere[n]:
			t.Errorf("AT-%03d is in both tables or in none", n)
		case here[n] && len(found[n]) == 0:
			t.Errorf("AT-%03d has no test", n)
		case elsewhere[n] && len(found[n]) > 0:
			t.Errorf("AT-%03d is said to be elsewhere and is tested by %v", n, found[n])
		}
	}
	for n := range found {
		if n < 1 || n > last {
			t.Errorf("there is no AT-%03d: %v", n, found[n])
		}
	}
}

// Every test of the conformance suite runs: it is in the suite's list under its
// own name.
func TestSuiteIsWhole(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), "../../../qrflow/qrflowtest/run.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	ast.Inspect(f, func(n ast.Node) bool {
		kv, ok := n.(*ast.KeyValueExpr)
		if !ok {
			return true
		}
		name, isName := kv.Key.(*ast.BasicLit)
		fn, isFunc := kv.Value.(*ast.Ident)
		if isName && isFunc {
			listed = append(listed, fn.Name)
			if strings.HasPrefix(fn.Name, "testAT") && name.Value != strconv.Quote(strings.TrimPrefix(fn.Name, "test")) {
				t.Errorf("%s runs as %s", fn.Name, name.Value)
			}
		}
		return true
	})
	for _, all := range tests(t) {
		for _, name := range all {
			fn, ok := strings.CutPrefix(name, "qrflow/qrflowtest.")
			if ok && !slices.Contains(listed, fn) {
				t.Errorf("%s is not in the suite", fn)
			}
		}
	}
}
