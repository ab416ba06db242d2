package client

import (
	"context"
	"errors"
	"fmt"
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
	// Statement is the request as the phone read it.
	Statement statement.Approval

	head []byte

	mu      sync.Mutex // guards checked
	checked []bool     // by document
}

// Document is a file that is to be stamped, hashed and found to be the one.
type Document struct {
	Line  statement.Doc
	Bytes []byte
}

// Summary is the request in words, made by the phone of the statement.
func (s *Scan) Summary(lang string) []statement.Line { return s.Statement.Summary(lang) }

// Head is what will be signed, up to the number.
func (s *Scan) Head() []byte { return slices.Clone(s.head) }

// Scan claims the request behind a code and checks what the server wants
// signed: that it is canonical, of the right issuer, for this person and
// device, that its list of documents is the one its root stands for, and that
// the words it was approved by are the words it makes.
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
	a, err := statement.ParseHead(w.Head)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStatement, err)
	}
	if err := p.checkApproval(a, w); err != nil {
		return nil, err
	}
	return &Scan{ID: w.ClaimID, DecideBy: w.DecideBy, Statement: a, head: w.Head, checked: make([]bool, len(a.Docs))}, nil
}

func (p *Phone) checkApproval(a statement.Approval, w wireScan) error {
	root := true
	if len(a.Docs) > 0 {
		root = a.DocsRoot == statement.DocsRoot(a.Docs)
	}
	return expect(append(p.mine(a.Issuer, a.Agent, a.Device),
		check{"decision", a.Decision == statement.Approve},
		check{"hash", gm.SM3(w.Head) == w.SM3},
		check{"list of documents", root},
		check{"display", a.Display == a.DisplayDigest(statement.Chinese)})...)
}

func (s *Scan) path(action string) string { return "/v1/claims/" + escape(s.ID) + "/" + action }

// Documents fetches every document of the request and checks each against its
// line; ErrDocument when one is another. A file that bears several stamps is
// fetched once.
func (p *Phone) Documents(ctx context.Context, s *Scan) ([]Document, error) {
	docs := make([]Document, 0, len(s.Statement.Docs))
	fetched := map[gm.Digest][]byte{}
	for i, line := range s.Statement.Docs {
		b, ok := fetched[line.SM3]
		if !ok {
			if err := p.get(ctx, s.path(fmt.Sprintf("documents/%d", i+1)), &b); err != nil {
				return nil, err
			}
			if gm.SM3(b) != line.SM3 {
				return nil, fmt.Errorf("%w: document %d", ErrDocument, i+1)
			}
			fetched[line.SM3] = b
		}
		s.see(i)
		docs = append(docs, Document{Line: line, Bytes: b})
	}
	return docs, nil
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
