package config_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"yunzhang.dev/cmd/internal/config"
)

var update = flag.Bool("update", false, "write the reference into README.md")

const (
	readme = "../../../README.md"
	begin  = "<!-- configuration reference: generated from cmd/internal/config, kept equal by a test -->\n"
	end    = "<!-- end of configuration reference -->"
)

func TestReadmeHoldsTheReference(t *testing.T) {
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(b), begin)
	old, after, found := strings.Cut(rest, end)
	if !ok || !found {
		t.Fatal("README.md has no place for the configuration reference")
	}
	ref, err := config.Reference()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(readme, []byte(before+begin+ref+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if old != ref {
		t.Error("README.md does not say what the configuration does; run go test ./cmd/internal/config -update")
	}
}
