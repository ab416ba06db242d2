package cloudseal

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/pdf"
)

// Placement is one stamp that a declaration system asks for: which seal, on
// which document, where.
//
// There is one a document and request. A second stamp covers the whole file
// with the first in it, the signature value included (whole-file coverage is
// what makes a later change visible), and that value is not known before the
// first is signed: not even a signature without randomness could be known
// without using the key, which nobody has approved yet. So nobody could approve
// the digest of the second in the same act. Who needs an organization's and a
// person's seal on one document asks twice: the stamped file, uploaded, takes
// the next stamp as a further increment.
type Placement struct {
	Document string
	Seal     string // code
	Page     int    // from 1
	X, Y     float64
}

// Batch is what a request shows: seals and documents as its statement lists
// them, with the ids of the documents beside them.
type Batch struct {
	Seals     []statement.Ref
	SealNames []string // in the order of Seals; Prepare gives them
	Docs      []statement.Doc
	Documents []string

	preparations []string // ids, in the order of Docs
	tenant       string
	made         []*placed // what Prepare made and Hold stores
}

// Prepare places the stamps of a request and computes what will be signed. It
// stores nothing: Hold does. The size of a stamp is the seal's true size; X and
// Y are millimetres from the displayed page's top left, kept to a tenth.
func (s *Service) Prepare(ctx context.Context, d *Draft) (*Batch, error) {
	made := make([]*placed, 0, len(d.placements))
	for i, p := range d.placements {
		one, err := s.place(ctx, d.docs[i], d.seals[p.Seal], p)
		if err != nil {
			return nil, err
		}
		one.Index = i + 1
		made = append(made, one)
	}
	b := newBatch(preparationsOf(made))
	b.tenant, b.made = d.tenant, made
	for _, ref := range b.Seals {
		b.SealNames = append(b.SealNames, d.seals[ref.ID].Title())
	}
	return b, nil
}

// Hold makes the documents of a prepared request its own until the given time,
// in the transaction that opens it. hold names the request. A document that
// another one has meanwhile is fault.DocumentBusy.
func (s *Service) Hold(tx unit.Tx, b *Batch, hold string, until time.Time) error {
	for _, one := range b.made {
		one.Hold = hold
		if err := s.hold(tx, b.tenant, one, until); err != nil {
			return err
		}
	}
	return nil
}

// placed is a preparation with its bytes, as they are stored.
type placed struct {
	Preparation
	increment *Increment
}

func preparationsOf(made []*placed) []*Preparation {
	out := make([]*Preparation, len(made))
	for i := range made {
		out[i] = &made[i].Preparation
	}
	return out
}

// Draft is a request whose documents and seals were read.
type Draft struct {
	tenant     string
	placements []Placement
	docs       []*Document // in the order of the placements
	seals      map[string]stencil
}

// Draft reads what Prepare needs, and refuses early what Hold would refuse
// anyway: a document of another request is fault.DocumentBusy.
func (s *Service) Draft(tx unit.Tx, tenant string, ps []Placement) (*Draft, error) {
	if len(ps) == 0 || len(ps) > s.Limits.MaxBatch {
		return nil, fault.BadRequest.With("field", "documents")
	}
	draft := &Draft{tenant: tenant, placements: ps, seals: map[string]stencil{}}
	size, seen := 0, map[string]bool{}
	for _, p := range ps {
		d, err := s.document(tx, tenant, p.Document)
		if err != nil {
			return nil, err
		}
		if seen[d.ID] {
			return nil, fault.BadRequest.With("field", "documents")
		}
		seen[d.ID] = true
		if err := mayHold(d, tx.Now()); err != nil {
			return nil, err
		}
		if size += d.Size; size > s.Limits.MaxBatchBytes {
			return nil, fault.BodyTooLarge.With("limit", s.Limits.MaxBatchBytes)
		}
		if _, known := draft.seals[p.Seal]; !known {
			if draft.seals[p.Seal], err = s.stencil(tx, p.Seal); err != nil {
				return nil, instead(err, fault.Absent, fault.SealUnusable)
			}
		}
		draft.docs = append(draft.docs, d)
	}
	return draft, nil
}

// stencil is a seal with its picture.
type stencil struct {
	*Seal
	picture pdf.Picture
}

func (s *Service) stencil(tx unit.Tx, code string) (stencil, error) {
	seal, err := s.SealIn(tx, code)
	if err != nil {
		return stencil{}, err
	}
	e, err := s.exhibit(tx, seal)
	if err != nil {
		return stencil{}, err
	}
	picture, err := e.picture()
	return stencil{seal, picture}, err
}

// mayHold: a document is one request's at a time. A hold that has run out
// before its request was approved is no hold.
func mayHold(d *Document, now time.Time) error {
	switch {
	case d.State == Ready, d.State == Held && !now.Before(d.HeldUntil):
		return nil
	case d.State == StampedDoc:
		return fault.StateConflict
	}
	return fault.DocumentBusy
}

// place opens the frozen bytes and prepares the stamp: the first pass over them
// after the upload, for the digests that the approval will name.
func (s *Service) place(ctx context.Context, d *Document, seal stencil, p Placement) (*placed, error) {
	original, err := s.Original(ctx, d)
	if err != nil {
		return nil, err
	}
	file, err := pdf.Open(original)
	if err != nil {
		return nil, err
	}
	at := pdf.Place{Page: p.Page, X: tenth(p.X), Y: tenth(p.Y), W: seal.picture.Width, H: seal.picture.Height}
	prepared, err := file.Place(at, seal.picture, pdf.PlaceOptions{Slot: slotFor(seal.Seal)})
	if err != nil {
		return nil, err
	}
	sm3, dtbs, err := prepared.Digests(original)
	if err != nil {
		return nil, err
	}
	if sm3 != d.SM3 {
		return nil, fault.DocumentChanged
	}
	id := unit.NewID("pp")
	return &placed{increment: newIncrement(id, *prepared), Preparation: Preparation{
		Row: unit.Row{ID: id}, Document: d.ID, Seal: seal.Ref(),
		Line: statement.Doc{SM3: sm3, DTBS: dtbs, Pages: d.Pages, Place: statement.Place(at), Title: d.Title},
	}}, nil
}

// slotFor is the room for a stamp with this seal: the seal itself, and 8 KiB
// for certificate, extension, and the time-stamp that may be added.
func slotFor(seal *Seal) int { return (len(seal.DER) + 8<<10 + 1023) &^ 1023 }

func tenth(mm float64) float64 { return math.Round(mm*10) / 10 }

// hold makes the document the request's own.
func (s *Service) hold(tx unit.Tx, tenant string, one *placed, until time.Time) error {
	d, err := s.document(tx, tenant, one.Document)
	if err != nil {
		return err
	}
	if err := mayHold(d, tx.Now()); err != nil {
		return err
	}
	d.State, d.Hold, d.HeldUntil = Held, one.Hold, until
	if err := s.t.Documents.Replace(tx, d); err != nil {
		return err
	}
	if err := s.t.Preparations.Insert(tx, &one.Preparation); err != nil {
		return takenAs(err, fault.DocumentBusy)
	}
	return s.t.Increments.Insert(tx, one.increment)
}

// newBatch numbers the seals in the order in which the documents use them.
func newBatch(made []*Preparation) *Batch {
	b := &Batch{}
	for _, one := range made {
		n := slices.Index(b.Seals, one.Seal)
		if n < 0 {
			n = len(b.Seals)
			b.Seals = append(b.Seals, one.Seal)
		}
		line := one.Line
		line.Seal = n + 1
		b.Docs = append(b.Docs, line)
		b.Documents = append(b.Documents, one.Document)
		b.preparations = append(b.preparations, one.ID)
	}
	return b
}

// BatchOf gives what a request shows.
func (s *Service) BatchOf(tx unit.Tx, hold string) (*Batch, error) {
	made, err := s.preparations(tx, hold)
	if err != nil {
		return nil, err
	}
	return newBatch(made), nil
}

// held asks for the preparations of a hold, in their order.
func held(hold string) unit.Query { return unit.Query{Index: "hold+index", Key: []any{hold}} }

func (s *Service) preparations(tx unit.Tx, hold string) ([]*Preparation, error) {
	made, err := s.t.Preparations.Find(tx, held(hold))
	if err != nil {
		return nil, err
	}
	if len(made) == 0 {
		return nil, fault.Absent
	}
	return made, nil
}

// Extend keeps the documents of a request held for longer.
func (s *Service) Extend(tx unit.Tx, hold string, until time.Time) error {
	made, err := s.preparations(tx, hold)
	if err != nil {
		return err
	}
	for _, one := range made {
		d, err := s.t.Documents.Get(tx, one.Document)
		if err != nil {
			return err
		}
		if d.State != Held || d.Hold != hold {
			return fault.DocumentBusy
		}
		d.HeldUntil = until
		if err := s.t.Documents.Replace(tx, d); err != nil {
			return err
		}
	}
	return nil
}

// Release frees the documents of a request that ended without approval. Its
// preparations stay, as a record of what was shown.
func (s *Service) Release(tx unit.Tx, hold string) error {
	made, err := s.t.Preparations.Find(tx, unit.Query{Index: "hold+index", Key: []any{hold}})
	if err != nil {
		return err
	}
	for _, one := range made {
		d, err := s.t.Documents.Get(tx, one.Document)
		if err != nil {
			return err
		}
		if d.State == Held && d.Hold == hold {
			if err := s.free(tx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *Service) free(tx unit.Tx, d *Document) error {
	d.State, d.Hold, d.HeldUntil, d.Ticket = Ready, "", time.Time{}, ""
	return s.t.Documents.Replace(tx, d)
}

// Frozen is what is stored behind the lines of a statement.
type Frozen struct {
	docs   []statement.Doc
	stamps []*pdf.Prepared
}

// Frozen reads what CheckDocuments compares with the statement's lines;
// fault.DocumentChanged when the request shows others.
func (s *Service) Frozen(tx unit.Tx, b *Batch, docs []statement.Doc) (*Frozen, error) {
	if !slices.Equal(b.Docs, docs) {
		return nil, fault.DocumentChanged
	}
	f := &Frozen{docs: docs}
	for _, id := range b.preparations {
		prepared, err := s.increment(tx, id)
		if err != nil {
			return nil, err
		}
		f.stamps = append(f.stamps, prepared)
	}
	return f, nil
}

// CheckDocuments reads the stored bytes of a request again and compares them,
// and where the stamps stand, with the statement's lines (check 18 of
// protocol.md §2.7). It runs before the approving transaction.
func (s *Service) CheckDocuments(ctx context.Context, tenant string, f *Frozen) error {
	for i, line := range f.docs {
		if err := s.checkDocument(ctx, tenant, f.stamps[i], line); err != nil {
			return fmt.Errorf("document %d: %w", i+1, err)
		}
	}
	return nil
}

func (s *Service) checkDocument(ctx context.Context, tenant string, prepared *pdf.Prepared, line statement.Doc) error {
	original, err := s.bytes(ctx, tenant, line.SM3)
	if err != nil {
		return err
	}
	sm3, dtbs, err := prepared.Digests(original)
	if err != nil {
		return fault.DocumentChanged.Because(err)
	}
	if sm3 != line.SM3 || dtbs != line.DTBS {
		return fault.DocumentChanged
	}
	return nil
}
