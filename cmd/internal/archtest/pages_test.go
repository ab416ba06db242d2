package archtest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// pages gives every script and page below web/ that is not somebody else's.
func pages(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	root, err := filepath.Abs("../../../web")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && d.Name() == "vendor" {
				return fs.SkipDir
			}
			return err
		}
		if !slices.Contains([]string{".js", ".mjs", ".html"}, filepath.Ext(p)) {
			return nil
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		all[filepath.ToSlash(rel)] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("only %d pages and scripts found: looking in the wrong place", len(all))
	}
	return all
}

// otherWays are the ways into a page by which a code could come that no camera
// saw: a picked picture, a pasted text, a link.
var otherWays = regexp.MustCompile(`type=["']?file|<input[^>]*capture|clipboard|['"]paste['"]|onpaste|location\.(hash|search)|URLSearchParams|launchQueue|share_target|['"]drop['"]`)

// AT-006: in the app's pages the only code that is claimed is one from the live
// camera (as amended: no file, paste or link input for codes). No other page
// claims at all.
func TestAT006CodesComeFromTheCamera(t *testing.T) {
	for path, text := range pages(t) {
		claims := strings.Contains(text, "/v1/claims") && !strings.Contains(text, "/v1/claims/")
		scans := claims || strings.Contains(text, "jsQR") || strings.Contains(text, "BarcodeDetector")
		if scans && !strings.HasPrefix(path, "app/") {
			t.Errorf("%s scans or claims codes: only the app does", path)
		}
		if way := otherWays.FindString(text); scans && way != "" {
			t.Errorf("%s takes codes and has another way in: %s", path, way)
		}
	}
}
