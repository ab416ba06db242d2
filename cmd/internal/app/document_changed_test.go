package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/web/httpx/sign"
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
func TestAT029DocumentChangedAfterDisplay(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	other := p.otherDocument(t)
	var r *drive.Request
	var doc string
	path := p.addedBy(t, func() { r, doc = p.ask(t, p.system, "chg") })
	good := p.sealed(t, path)
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	err = p.agent.Look(t.Context(), scan) // what he sees
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
	p.spoilings(t, other)["another document"](path)
	stop.release()
	p.failed(t, r, "document-changed")
	p.untouched(t, p.system, doc, 5)
}

// AT-031: place, page or version of the seal change in the database after the
// scan. Each is refused, and there is no call by which a declaration system could
// ask for it.
func TestAT031PlaceOrSealChangedAfterTheScan(t *testing.T) {
	t.Parallel()
	p := newParty(t, 5, app.Options{})
	r, doc := p.ask(t, p.system, "chp")
	scan, err := drive.Claim(t.Context(), p.agent, r)
	check(t, err)
	placed := func(change func(*cloudseal.Preparation)) func() {
		return func() {
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				d, err := m.Seals.Documents.Get(tx, doc)
				if err != nil {
					return err
				}
				made, err := m.Seals.Preparations.Find(tx, unit.Query{Index: "hold+index", Key: []any{d.Hold}})
				if err != nil {
					return err
				}
				change(made[0])
				return m.Seals.Preparations.Replace(tx, made[0])
			})
		}
	}
	sealed := func(turn byte) func() {
		return func() {
			p.write(t, func(tx unit.Tx, m *store.Main) error {
				seal, err := m.Seals.Seals.Get(tx, p.seal)
				if err != nil {
					return err
				}
				seal.Hash[0] ^= turn
				return m.Seals.Seals.Replace(tx, seal)
			})
		}
	}
	for name, c := range map[string]struct {
		do, undo func()
		code     string
	}{
		"place": {placed(func(one *cloudseal.Preparation) { one.Line.Place.X += 20 }),
			placed(func(one *cloudseal.Preparation) { one.Line.Place.X -= 20 }), "document-changed"},
		"page": {placed(func(one *cloudseal.Preparation) { one.Line.Place.Page++ }),
			placed(func(one *cloudseal.Preparation) { one.Line.Place.Page-- }), "document-changed"},
		"another seal on it": {placed(func(one *cloudseal.Preparation) { one.Seal.Hash[0] ^= 1 }),
			placed(func(one *cloudseal.Preparation) { one.Seal.Hash[0] ^= 1 }), "seal-state"},
		"version of the seal": {sealed(1), sealed(1), "seal-state"},
	} {
		c.do()
		err := p.approveNow(t, p.agent, r, scan)
		t.Logf("%s: %v", name, err)
		wantCode(t, err, c.code)
		p.untouched(t, p.system, doc, 5)
		c.undo()
	}
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodPost} {
		status := p.raw(t, method, "/v1/tickets/"+r.Ticket)
		if status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%s of a ticket: %d", method, status)
		}
	}
	check(t, p.approveNow(t, p.agent, r, scan))
	_, err = p.system.Fetch(t.Context(), r)
	check(t, err)
}

// raw sends a request of the declaration system that its client has no word for,
// and gives the status.
func (p *party) raw(t *testing.T, method, path string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.Config.Sites.Portal+path, strings.NewReader(`{"documents":[]}`))
	check(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Idempotency-Key", "raw-request-of-the-attack-test")
	check(t, sign.HTTP(req, sign.SM2{Key: p.system.Key}, sign.NewParams(p.system.KeyID, time.Now())))
	res, err := p.Net.Client().Do(req)
	check(t, err)
	defer res.Body.Close()
	return res.StatusCode
}
