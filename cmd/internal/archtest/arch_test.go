package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module       = "yunzhang.dev"
	maxFileLines = 400 // a file is one idea; style.md §9
	maxFuncLines = 70  // a function fits on a screen
)

// source is one parsed file.
type source struct {
	path string // below the root, with slashes
	pkg  string // its folder
	test bool
	fset *token.FileSet
	file *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatalf("not the root of the module: %v", err)
	}
	var all []source
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (rel == "tmpdeps" || d.Name() == "testdata" || d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && rel != "." || strings.HasPrefix(d.Name(), "_")) {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), fset: fset, file: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Fatalf("only %d files found: looking in the wrong place", len(all))
	}
	return all
}

// matches reports whether a package path is in a room.
func matches(room, pkg string) bool {
	if room == "..." {
		return true
	}
	if base, ok := strings.CutSuffix(room, "/..."); ok {
		return pkg == base || strings.HasPrefix(pkg, base+"/")
	}
	return room == pkg
}

func allowed(from, to string) bool {
	if own, leaf := leaves[from]; leaf {
		return slices.Contains(own, to)
	}
	if _, leaf := leaves[to]; leaf {
		return true
	}
	for room, targets := range edges {
		if matches(room, from) && slices.ContainsFunc(targets, func(t string) bool { return matches(t, to) }) {
			return true
		}
	}
	return false
}

func known(pkg string) bool {
	if _, leaf := leaves[pkg]; leaf {
		return true
	}
	for room := range edges {
		if matches(room, pkg) {
			return true
		}
	}
	return false
}

func imports(s source) []string {
	var paths []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

func TestImportsFollowThePlan(t *testing.T) {
	for _, s := range sources(t) {
		if !known(s.pkg) {
			t.Errorf("%s: package %s is in no room of the plan", s.path, s.pkg)
			continue
		}
		if s.test {
			continue // a test may bring any fake
		}
		for _, p := range imports(s) {
			to, ours := strings.CutPrefix(p, module+"/")
			if ours && to != s.pkg && !allowed(s.pkg, to) {
				t.Errorf("%s: %s may not import %s", s.path, s.pkg, to)
			}
		}
	}
}

func TestDomainsKnowNoTransportAndNoStorage(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || slices.ContainsFunc(transports, func(r string) bool { return matches(r, s.pkg) }) {
			continue
		}
		for _, p := range imports(s) {
			for _, lib := range transportImports {
				if strings.HasPrefix(p, lib) {
					t.Errorf("%s imports %s", s.path, p)
				}
			}
		}
	}
}

func TestPrivateKeysStayInOnePackage(t *testing.T) {
	for _, s := range sources(t) {
		if s.test || s.pkg == "cloudseal/gm" {
			continue
		}
		for _, p := range imports(s) {
			if p == "github.com/emmansun/gmsm/sm2" || p == "github.com/emmansun/gmsm/sm4" || p == "crypto/ecdsa" && strings.HasPrefix(s.pkg, "cloudseal") {
				t.Errorf("%s imports %s: keys are used in cloudseal/gm only", s.path, p)
			}
		}
	}
}

func TestFilesAndFunctionsStayShort(t *testing.T) {
	for _, s := range sources(t) {
		if lines := s.fset.Position(s.file.End()).Line; lines > maxFileLines && !s.test {
			t.Errorf("%s has %d lines: split it by step or idea", s.path, lines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil || s.test || path.Base(s.path) == "wire.go" {
				continue
			}
			if n := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1; n > maxFuncLines {
				t.Errorf("%s: %s has %d lines", s.path, f.Name.Name, n)
			}
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	documented := map[string]bool{}
	seen := map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		seen[s.pkg] = s.path
		if s.file.Doc != nil {
			documented[s.pkg] = true
		}
	}
	for pkg := range seen {
		if !documented[pkg] {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

func TestNoInitAndNoWallClockInDomains(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		domain := !slices.ContainsFunc(transports, func(r string) bool { return matches(r, s.pkg) })
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv == nil && n.Name.Name == "init" {
					t.Errorf("%s has an init function", s.path)
				}
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if x, ok := sel.X.(*ast.Ident); ok && domain && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Since") {
					t.Errorf("%s: %s reads the wall clock", s.path, s.fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

func TestWhatIsForTestsIsLinkedNowhere(t *testing.T) {
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, p := range imports(s) {
			to := strings.TrimPrefix(p, module+"/")
			if rooms, only := testsOnly[to]; only && s.pkg != to && !slices.Contains(rooms, s.pkg) {
				t.Errorf("%s imports %s, which is for tests only", s.path, to)
			}
		}
	}
}
