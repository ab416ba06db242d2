package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// blobs lists the files that hold documents.
func (p *party) blobs(t *testing.T) map[string]bool {
	t.Helper()
	files := map[string]bool{}
	check(t, filepath.WalkDir(filepath.Join(p.Config.DataDir, "documents"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			files[path] = true
		}
		return err
	}))
	return files
}

// addedBy gives the one file that something added.
func (p *party) addedBy(t *testing.T, do func()) (path string) {
	t.Helper()
	before := p.blobs(t)
	do()
	for file := range p.blobs(t) {
		if before[file] {
			continue
		}
		if path != "" {
			t.Fatal("more than one file was added")
		}
		path = file
	}
	if path == "" {
		t.Fatal("no file was added")
	}
	return path
}

// spoilings are what somebody at the disk can do to a document.
func spoilings(t *testing.T, other string) map[string]func(path string) {
	t.Helper()
	return map[string]func(path string){
		"a byte": func(path string) {
			b, err := os.ReadFile(path)
			check(t, err)
			b[len(b)/2] ^= 1
			check(t, os.WriteFile(path, b, 0o600))
		},
		"another document": func(path string) {
			b, err := os.ReadFile(other)
			check(t, err)
			check(t, os.WriteFile(path, b, 0o600))
		},
		"cut short": func(path string) { check(t, os.Truncate(path, 1000)) },
		"removed":   func(path string) { check(t, os.Remove(path)) },
	}
}

// otherDocument uploads something else of the same declaration system.
func (p *party) otherDocument(t *testing.T) (path string) {
	t.Helper()
	return p.addedBy(t, func() {
		_, err := p.system.Upload(t.Context(), "另一文件.pdf", samplePDF(t, "Test3.pdf"))
		check(t, err)
	})
}

// The bytes change after the agent has seen them and before he approves.
func TestAT029DocumentChangedAfterDisplay(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	other := p.otherDocument(t)
	var r *drive.Request
	var doc string
	path := p.addedBy(t, func() { r, doc = p.ask(t, p.system, "chg") })
	good, err := os.ReadFile(path)
	check(t, err)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan) // what he sees
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	for name, spoil := range spoilings(t, other) {
		check(t, os.WriteFile(path, good, 0o600)) // each alone: the map has no order
		spoil(path)
		_, err = u.Approve(t.Context(), scan, number)
		t.Logf("%s: %v", name, err)
		wantCode(t, err, "document-changed")
		p.untouched(t, p.system, doc, 5)
	}
	// It was the bytes and nothing else: with the right ones it is approved.
	check(t, os.WriteFile(path, good, 0o600))
	_, err = u.Approve(t.Context(), scan, number)
	check(t, err)
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// The bytes change after the approval and before the signer has read them.
func TestAT030DocumentChangedBeforeItIsSigned(t *testing.T) {
	t.Parallel()
	stop := stopAt("intent")
	p := newParty(t, 5, app.Options{Checkpoint: stop.checkpoint})
	t.Cleanup(stop.release)
	other := p.otherDocument(t)
	var r *drive.Request
	var doc string
	path := p.addedBy(t, func() { r, doc = p.ask(t, p.system, "chs") })
	check(t, drive.Confirm(t.Context(), p.agent, r))
	stop.wait(t)
	spoilings(t, other)["another document"](path)
	stop.release()
	p.failed(t, r, "document-changed")
	p.untouched(t, p.system, doc, 5)
}
