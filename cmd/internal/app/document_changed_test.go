package app_test

import (
	"testing"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
)

// blobs lists the sealed documents by name.
func (p *party) blobs(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	check(t, p.app.Bucket().Names(t.Context(), func(name string) error { names[name] = true; return nil }))
	return names
}

// addedBy gives the name of the one document that something added.
func (p *party) addedBy(t *testing.T, do func()) (added string) {
	t.Helper()
	before := p.blobs(t)
	do()
	for name := range p.blobs(t) {
		if before[name] {
			continue
		}
		if added != "" {
			t.Fatal("more than one document was added")
		}
		added = name
	}
	if added == "" {
		t.Fatal("no document was added")
	}
	return added
}

func (p *party) sealed(t *testing.T, name string) []byte {
	t.Helper()
	b, err := p.app.Bucket().Get(t.Context(), name)
	check(t, err)
	return b
}

// putBack has other bytes in the place of a document's; nil: none.
func (p *party) putBack(t *testing.T, name string, b []byte) {
	t.Helper()
	check(t, p.app.Bucket().Delete(t.Context(), name))
	if b != nil {
		check(t, p.app.Bucket().Put(t.Context(), name, b))
	}
}

// spoilings are what somebody at the disk can do to a document.
func (p *party) spoilings(t *testing.T, other string) map[string]func(name string) {
	t.Helper()
	return map[string]func(name string){
		"a byte": func(name string) {
			b := p.sealed(t, name)
			b[len(b)/2] ^= 1
			p.putBack(t, name, b)
		},
		"another document": func(name string) { p.putBack(t, name, p.sealed(t, other)) },
		"cut short":        func(name string) { p.putBack(t, name, p.sealed(t, name)[:1000]) },
		"removed":          func(name string) { p.putBack(t, name, nil) },
	}
}

// otherDocument uploads something else of the same declaration system.
func (p *party) otherDocument(t *testing.T) (name string) {
	t.Helper()
	return p.addedBy(t, func() {
		_, err := p.system.Upload(t.Context(), "另一文件.pdf", samplePDF(t, "Test3.pdf"))
		check(t, err)
	})
}

// The bytes change after the agent has seen them and before he approves.
func TestRefusedDocumentChangedAfterDisplay(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	other := p.otherDocument(t)
	var r *drive.Request
	var doc string
	path := p.addedBy(t, func() { r, doc = p.ask(t, p.system, "chg") })
	good := p.sealed(t, path)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	_, err = p.agent.Documents(t.Context(), scan) // what he sees
	check(t, err)
	number, err := r.Page.Number(t.Context())
	check(t, err)
	u, err := p.agent.Unlock(t.Context(), drive.PIN)
	check(t, err)
	defer u.Close()
	for name, spoil := range p.spoilings(t, other) {
		p.putBack(t, path, good) // each alone: the map has no order
		spoil(path)
		_, err = u.Approve(t.Context(), scan, number)
		t.Logf("%s: %v", name, err)
		wantCode(t, err, "document-changed")
		p.untouched(t, p.system, doc, 5)
	}
	// It was the bytes and nothing else: with the right ones it is approved.
	p.putBack(t, path, good)
	_, err = u.Approve(t.Context(), scan, number)
	check(t, err)
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// The bytes change after the approval and before the signer has read them.
func TestDocumentChangedBeforeItIsSigned(t *testing.T) {
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
	p.spoilings(t, other)["another document"](path)
	stop.release()
	p.failed(t, r, "document-changed")
	p.untouched(t, p.system, doc, 5)
}
