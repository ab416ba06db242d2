package store_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store"
)

var _ cloudseal.Blobs = (*store.Blobs)(nil)

func openBlobs(t testing.TB, dir string) *store.Blobs {
	t.Helper()
	b, err := store.OpenBlobs(dir, keys{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func absentBlob(err error) bool {
	return errors.Is(err, fault.Absent) && errors.Is(err, unit.ErrAbsent)
}

// onlyFile gives the one blob file in a folder.
func onlyFile(t *testing.T, dir string) (found string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			if found != "" {
				t.Errorf("two files: %s and %s", found, path)
			}
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("no file: %v", err)
	}
	return found
}

func TestBlobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBlobs(t, dir)
	data := bytes.Repeat([]byte("正文"), 50_000)
	digest := gm.SM3(data)
	if _, err := b.Get(t.Context(), "app_1", digest); !absentBlob(err) {
		t.Errorf("before: %v", err)
	}
	for range 2 {
		if err := b.Put(t.Context(), "app_1", digest, data); err != nil {
			t.Fatal(err)
		}
	}
	again := openBlobs(t, dir)
	if got, err := again.Get(t.Context(), "app_1", digest); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for _, tenant := range []string{"app_2", "", "../app_1", "app_1\x00"} {
		if _, err := b.Get(t.Context(), tenant, digest); !absentBlob(err) {
			t.Errorf("tenant %q: %v", tenant, err)
		}
	}
	raw, err := os.ReadFile(onlyFile(t, dir))
	if err != nil || bytes.Contains(raw, []byte("正文")) {
		t.Errorf("the file can be read (%v)", err)
	}
	for range 2 {
		if err := b.Delete(t.Context(), "app_1", digest); err != nil {
			t.Error(err)
		}
	}
	if _, err := b.Get(t.Context(), "app_1", digest); !absentBlob(err) {
		t.Errorf("behind: %v", err)
	}
	empty := gm.SM3()
	if err := b.Put(t.Context(), "app_1", empty, nil); err != nil {
		t.Error(err)
	}
	if got, err := b.Get(t.Context(), "app_1", empty); err != nil || len(got) != 0 {
		t.Errorf("nothing: %v %v", got, err)
	}
}

// A file that was altered, or put in the place of another, is no blob.
func TestAlteredBlobs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBlobs(t, dir)
	first, second := gm.SM3([]byte("first")), gm.SM3([]byte("second"))
	if err := b.Put(t.Context(), "app_1", first, []byte("first")); err != nil {
		t.Fatal(err)
	}
	path := onlyFile(t, dir)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"a flipped bit": append(bytes.Clone(raw[:len(raw)-1]), raw[len(raw)-1]^1), "cut": raw[:len(raw)-1], "empty": nil,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Get(t.Context(), "app_1", first); !absentBlob(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "app_1", second, []byte("second")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(onlyFile(t, dir), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(t.Context(), "app_1", second); !absentBlob(err) {
		t.Errorf("another blob in its place: %v", err)
	}
}

func TestBlobsAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBlobs(t, dir)
	data := []byte("the same bytes")
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := b.Put(t.Context(), "app_1", gm.SM3(data), data); err != nil {
				t.Error(err)
			}
			if got, err := b.Get(t.Context(), "app_1", gm.SM3(data)); err != nil || !bytes.Equal(got, data) {
				t.Errorf("got %q %v", got, err)
			}
		})
	}
	all.Wait()
	onlyFile(t, dir) // and nothing half written
}

func TestHalfWrittenBlobsAreCleared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openBlobs(t, dir)
	left := filepath.Join(dir, "new", "left")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	openBlobs(t, dir)
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
}

func TestBlobsRefuse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := openBlobs(t, dir)
	if err := b.Put(t.Context(), "app_1", gm.Digest{1}, make([]byte, store.MaxBlob+1)); !errors.Is(err, fault.BodyTooLarge) {
		t.Errorf("too large: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Put(ctx, "app_1", gm.Digest{1}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who has gone: %v", err)
	}
	if _, err := store.OpenBlobs(dir, noKeys{}); err == nil {
		t.Error("opened without a key")
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := store.OpenBlobs(file, keys{}); err == nil {
		t.Error("opened a file")
	}
}

type noKeys struct{}

func (noKeys) Class(string) ([]byte, error) { return nil, errors.New("locked") }
