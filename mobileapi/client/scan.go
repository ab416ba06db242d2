package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

var (
	// ErrDocument: the bytes of a document are not those that the statement
	// names.
	ErrDocument = errors.New("phone: the document is not the one that the statement names")
	// ErrUnseen: the documents were not fetched and checked.
	ErrUnseen = errors.New("phone: the documents have not been looked at")
)

// Scan is a claimed request: who asks for what, exactly as it will be signed.
type Scan struct {
	ID       string
	DecideBy time.Time
	// Statement is the request as the phone read it, with its manifest.
	Statement statement.Approval
	// Display is what the server words for the person, and what he is shown: the
	// statement names it by its digest, and says the same.
	Display statement.Display

	head []byte

	mu      sync.Mutex // guards checked
	checked []bool     // by document
}

// Document is a file that is to be stamped, hashed and found to be the one.
type Document struct {
	Line  statement.Doc
	Bytes []byte
}

// Summary is what the person is shown: the lines of the display.
func (s *Scan) Summary() []statement.Line { return slices.Clone(s.Display.Lines) }

// Find lists the documents whose title holds a text, by their number from 1: a
// batch is more than one can look through. With "" it lists all.
func (s *Scan) Find(text string) []int {
	var found []int
	for i, d := range s.Statement.Docs {
		if strings.Contains(strings.ToLower(d.Title), strings.ToLower(text)) {
			found = append(found, i+1)
		}
	}
	return found
}

// Head is what will be signed, up to the number.
func (s *Scan) Head() []byte { return slices.Clone(s.head) }

// Scan claims the request behind a code and checks what the server wants
// signed: that it is canonical, of the right issuer, for this person and
// device, that its list of documents is the one its root stands for, and that
// the words to show are those it names and say what it says.
func (p *Phone) Scan(ctx context.Context, text string) (*Scan, error) {
	f, err := ParseQR(p.cfg.QRBase, text)
	if err != nil {
		return nil, err
	}
	in := struct {
		Handle string `json:"handle"`
		N      uint32 `json:"n"`
		MAC    string `json:"mac"`
	}(f)
	var w wireScan
	if err := p.post(ctx, "/v1/claims", in, &w); err != nil {
		return nil, err
	}
	s := &Scan{ID: w.ClaimID, DecideBy: w.DecideBy, head: w.Head}
	if err := p.read(ctx, s, w); err != nil {
		return nil, err
	}
	s.checked = make([]bool, len(s.Statement.Docs))
	return s, nil
}

// read reads and checks statement, manifest and display.
func (p *Phone) read(ctx context.Context, s *Scan, w wireScan) error {
	a, err := statement.ParseHead(w.Head)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrStatement, err)
	}
	err = expect(append(p.mine(a.Issuer, a.Agent, a.Device),
		check{"decision", a.Decision == statement.Approve}, check{"hash", gm.SM3(w.Head) == w.SM3})...)
	if err != nil {
		return err
	}
	if a.Listed() {
		if a, err = p.list(ctx, a, s.path("manifest")); err != nil {
			return err
		}
	}
	s.Statement = a
	if s.Display, err = a.Shows(w.Display); err != nil {
		return fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return nil
}

// list adds the manifest to a statement that does not hold its lines, if it is
// the list that the statement names.
func (p *Phone) list(ctx context.Context, a statement.Approval, path string) (statement.Approval, error) {
	var manifest []byte
	if err := p.get(ctx, path, &manifest); err != nil {
		return a, err
	}
	whole, err := a.With(manifest)
	if err != nil {
		return a, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	return whole, nil
}

func (s *Scan) path(action string) string { return "/v1/claims/" + escape(s.ID) + "/" + action }

// Document fetches document i, from 1, and checks it against its line;
// ErrDocument when it is another.
func (p *Phone) Document(ctx context.Context, s *Scan, i int) (Document, error) {
	if i < 1 || i > len(s.Statement.Docs) {
		return Document{}, fmt.Errorf("%w: there is no document %d", ErrDocument, i)
	}
	d := Document{Line: s.Statement.Docs[i-1]}
	if err := p.get(ctx, s.path(fmt.Sprintf("documents/%d", i)), &d.Bytes); err != nil {
		return Document{}, err
	}
	if gm.SM3(d.Bytes) != d.Line.SM3 {
		return Document{}, fmt.Errorf("%w: document %d", ErrDocument, i)
	}
	s.see(i - 1)
	return d, nil
}

// Documents fetches every document of the request, one after the other, until
// one cannot be had or is another: what is ranged over last has the error. None
// is kept, so that a batch need not fit into memory.
func (p *Phone) Documents(ctx context.Context, s *Scan) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for i := range s.Statement.Docs {
			d, err := p.Document(ctx, s, i+1)
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// Look fetches and checks every document and keeps none.
func (p *Phone) Look(ctx context.Context, s *Scan) error {
	for _, err := range p.Documents(ctx, s) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Scan) see(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checked[i] = true
}

func (s *Scan) seen() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !slices.Contains(s.checked, false)
}

// Reject refuses the request and gives its new state.
func (p *Phone) Reject(ctx context.Context, s *Scan, reason string) (state string, err error) {
	return p.decline(ctx, s.path("reject"), reason)
}

// Report says that the person did not start the request.
func (p *Phone) Report(ctx context.Context, s *Scan, reason string) (state string, err error) {
	return p.decline(ctx, s.path("report"), reason)
}

// ReportClaim is Report for a request that was approved before: by its claim or
// its ticket, as the person's activity names it.
func (p *Phone) ReportClaim(ctx context.Context, id, reason string) (state string, err error) {
	if ticket, ok := strings.CutPrefix(id, "tk_"); ok {
		id = "cl_" + ticket
	}
	return p.decline(ctx, (&Scan{ID: id}).path("report"), reason)
}

// because is a reason on the wire.
type because struct {
	Reason string `json:"reason,omitzero"`
}

func (p *Phone) decline(ctx context.Context, path, reason string) (string, error) {
	var out wireState
	err := p.post(ctx, path, because{reason}, &out)
	return out.State, err
}
