package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
)

// The test binary plays the other process: these name what it shall do, and on
// which folder.
const (
	roleEnv   = "YUNZHANG_TEST_ROLE"
	folderEnv = "YUNZHANG_TEST_FOLDER"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(folderEnv)
	switch os.Getenv(roleEnv) {
	case "write":
		fmt.Println(writeUntilKilled(dir))
		os.Exit(1)
	case "open":
		_, err := embedded.Open(dir, embedded.Options{Now: time.Now})
		fmt.Println(err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func other(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), roleEnv+"="+role, folderEnv+"="+dir)
	c.Stderr = os.Stderr
	return c
}

// pairs is the collection of the kill test: each unit inserts two rows, of
// which both or none may be found.
var pairs = engine.Collection{Name: "pairs", Outbox: true, Indexes: []engine.Index{
	{Fields: []string{"code"}, Unique: true}, {Fields: []string{"writer", "n"}},
}}

func pair(writer, run string, n int, half string) bson.Raw {
	id := fmt.Sprintf("%s-%s-%d", run, writer, n)
	return marshal(bson.D{
		{Key: "_id", Value: id + half}, {Key: "ver", Value: int64(1)}, {Key: "code", Value: half + id},
		{Key: "writer", Value: writer}, {Key: "n", Value: n}, {Key: "body", Value: make([]byte, 300)},
	})
}

// writeUntilKilled prints the name of every pair that was acknowledged.
func writeUntilKilled(dir string) error {
	s, err := embedded.Open(dir, embedded.Options{Now: time.Now})
	if err != nil {
		return err
	}
	if err := s.Declare(context.Background(), pairs); err != nil {
		return err
	}
	run := fmt.Sprint(os.Getpid())
	var out sync.Mutex
	failed := make(chan error)
	for w := range 8 {
		go func() {
			for n := 0; ; n++ {
				writer := fmt.Sprint("w", w)
				err := s.Update(context.Background(), func(tx engine.Tx) error {
					return errors.Join(tx.Insert("pairs", pair(writer, run, n, "a")), tx.Insert("pairs", pair(writer, run, n, "b")))
				})
				if err != nil {
					failed <- err
				}
				out.Lock()
				fmt.Printf("%s-%s-%d\n", run, writer, n)
				out.Unlock()
			}
		}()
	}
	return <-failed
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	seed := fromEnv(t, "YUNZHANG_SEED", rand.Uint64())
	dice := rand.New(rand.NewPCG(seed, 3))
	var acknowledged []string
	for range fromEnv(t, "YUNZHANG_KILLS", 4) {
		acknowledged = append(acknowledged, killedAfter(t, dir, 1+dice.IntN(1500))...)
	}
	s := open(t, dir, embedded.Options{})
	if err := s.Declare(t.Context(), pairs); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := allRows(t, s)
	for _, name := range acknowledged {
		if !rows[name+"a"] || !rows[name+"b"] {
			t.Fatalf("%s was acknowledged and is lost (seed %d)", name, seed)
		}
	}
	for id := range rows {
		if name := id[:len(id)-1]; !rows[name+"a"] || !rows[name+"b"] {
			t.Fatalf("half of %s is there (seed %d)", name, seed)
		}
	}
	t.Logf("%d pairs acknowledged, %d there", len(acknowledged), len(rows)/2)
}

// killedAfter lets another process write and kills it behind its n-th line,
// and gives all lines it came to print.
func killedAfter(t *testing.T, dir string, n int) []string {
	t.Helper()
	c := other(t, "write", dir)
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for in := bufio.NewReader(out); ; {
		line, err := in.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a line cut by the kill was not said
		}
		if !strings.Contains(line, "-w") {
			t.Fatalf("the writer failed: %s", line)
		}
		if lines = append(lines, strings.TrimSpace(line)); len(lines) == n {
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = c.Wait()
	return lines
}

func allRows(t *testing.T, s *embedded.Store) map[string]bool {
	t.Helper()
	rows := map[string]bool{}
	err := s.View(t.Context(), func(tx engine.Tx) error {
		q := unit.Query{Index: engine.IDIndex}
		for {
			docs, err := tx.Find("pairs", q)
			if err != nil || len(docs) == 0 {
				return err
			}
			for _, d := range docs {
				id, _, _ := engine.Head(d)
				rows[id], q.After = true, []any{id}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestFolderInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, embedded.Options{})
	said, err := other(t, "open", dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("the data folder %s is in use by process %d", dir, os.Getpid())
	if !strings.Contains(string(said), want) {
		t.Errorf("another process was told %q, want %q", said, want)
	}
	if _, err := embedded.Open(dir, embedded.Options{Now: time.Now}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the same process was told %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if said, err = other(t, "open", dir).Output(); err != nil || string(said) != "<nil>\n" {
		t.Errorf("behind Close: %q %v", said, err)
	}
}
