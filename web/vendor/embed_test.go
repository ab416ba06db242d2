package vendored_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"strings"
	"testing"

	vendored "yunzhang.dev/web/vendor"
)

// published are the hashes of the files in the packages as published.
var published = map[string]string{
	"lean-qr-2.7.4.mjs": "0ce41cd6f92cc23cf057a1df7e1b3876767d678665dd65af4e1d22b4fad967dc",
}

func TestFilesAreAsPublished(t *testing.T) {
	t.Parallel()
	entries, err := fs.ReadDir(vendored.FS, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".mjs") {
			continue
		}
		b, err := vendored.FS.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if got := hex.EncodeToString(sum[:]); got != published[e.Name()] {
			t.Errorf("%s was changed: %s", e.Name(), got)
		}
		licence := strings.TrimSuffix(e.Name(), ".mjs") + ".LICENSE.txt"
		if _, err := vendored.FS.ReadFile(licence); err != nil {
			t.Errorf("%s has no licence: %v", e.Name(), err)
		}
	}
	if len(published) == 0 || len(entries) != 2*len(published) {
		t.Errorf("%d files for %d modules", len(entries), len(published))
	}
}
