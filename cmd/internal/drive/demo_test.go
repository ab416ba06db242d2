package drive_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"yunzhang.dev/cloudseal/verify"
	"yunzhang.dev/cmd/internal/config"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store/storetest"
)

func demo(t *testing.T, on config.Store, dir, pdf string) string {
	t.Helper()
	var out bytes.Buffer
	d := &drive.Demo{Dir: dir, PDF: pdf, Addr: "127.0.0.1:0", Out: &out, Store: on}
	stop, err := d.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v, err := d.Run(t.Context())
	if err != nil || v != verify.Genuine {
		t.Errorf("verdict %q, %v\n%s", v, err, out.String())
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	return out.String()
}

// The folder of a demonstration can be used again: what was done is not done
// twice, and the next stamp is genuine too.
func TestDemoTwiceInOneFolder(t *testing.T) {
	t.Parallel()
	dir, on := t.TempDir(), storetest.Choose(t)
	first := demo(t, on, dir, "")
	again := demo(t, on, dir, "../../../../shared/samples/pdf/ff.pdf")
	if strings.Contains(first, "跳过") || strings.Count(again, "跳过") != 4 || !strings.Contains(again, "[9/9]") {
		t.Errorf("%s\n%s", first, again)
	}
	if found, err := filepath.Glob(filepath.Join(dir, "*-stamped.pdf")); err != nil || len(found) != 2 {
		t.Errorf("%v, %v", found, err)
	}
}
