package pagebench_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/pagebench"
)

// playing names the part of a child of this test.
const playing = "PAGEBENCH_TEST_PART"

func TestMain(m *testing.M) {
	if part := os.Getenv(playing); part != "" {
		if err := pagebench.Play(context.Background(), part, os.Args[1], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Every page is served and every approval reaches its page; the figures are for a
// quiet machine and no test's business.
func TestFiftyPages(t *testing.T) {
	var out bytes.Buffer
	b := &pagebench.Bench{
		Pages: 50, Approvals: 5, For: 4 * time.Second, Dir: t.TempDir(), Out: &out, Note: t.Logf,
		Command: func(ctx context.Context, part, dir string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, os.Args[0], dir)
			cmd.Env, cmd.Stderr = append(os.Environ(), playing+"="+part), t.Output()
			return cmd
		},
	}
	f, err := b.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Log(out.String())
	if f.Lost != 0 || len(f.Delays) != 5 || f.Renewed < 4 || f.Frames < 50 || f.Ours.Each == 0 || f.Bare.Each == 0 {
		t.Errorf("%+v", f)
	}
	for _, want := range []string{"50 pages", "12 KiB", "approval → page, p99", "100 000 pages"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the table lacks %q", want)
		}
	}
}

func TestUnknownPart(t *testing.T) {
	if err := pagebench.Play(t.Context(), "nobody", t.TempDir(), strings.NewReader(""), &bytes.Buffer{}); err == nil || errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
