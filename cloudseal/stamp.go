package cloudseal

import (
	"context"
	"fmt"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/pdf"
)

// work is a ticket's open intents with everything their stamps need.
type work struct {
	ticket   string
	evidence keys.Evidence
	items    []*item
	keep     bool  // the documents together are few enough bytes to stay in memory
	lease    Lease // of this run
}

// item is one document on its way.
type item struct {
	intent   *Intent
	document *Document
	prep     *Preparation
	seal     *Seal
	number   int // of the seal in the statement
	stamped  Stamped
	// prepared and original are there while they are worked on, or for good when
	// the work keeps them.
	prepared *pdf.Prepared
	original []byte
}

// Stamp brings a ticket's intents to their end: stamped, or refused for good.
// nil means that the end is known and everybody was told; an error means that
// it is not, and calling again goes on with the same bytes. A ticket without
// open intents is settled already; one that another node works on is
// ErrLeased.
//
// Recover calls nothing but this.
func (s *Service) Stamp(ctx context.Context, ticket string) error {
	release, err := s.busy.take(ctx, ticket)
	if err != nil {
		return err
	}
	defer release()
	w, err := s.load(ctx, ticket)
	if err != nil || w == nil {
		return err
	}
	s.Checkpoint("intent")
	var signed []keys.Signed
	if err = s.lease(ctx, w); err == nil {
		signed, err = s.sign(ctx, w)
	}
	if refusal := keys.Refusal(err); refusal != nil {
		return s.refuse(ctx, w, refusal)
	}
	if err != nil {
		return fmt.Errorf("stamp ticket %s: %w", ticket, err)
	}
	s.Checkpoint("signed")
	for i, it := range w.items {
		err := s.keep(ctx, w)
		if err == nil {
			err = s.complete(ctx, w, it, signed[i])
		}
		if err != nil {
			return fmt.Errorf("stamp ticket %s: document %d: %w", ticket, it.intent.Index, err)
		}
		signed[i].Signature = nil
	}
	return s.settle(ctx, w)
}

// load reads what a ticket's open intents need, nil when there are none. The
// intents of a ticket are settled together, so all of them are open or none.
func (s *Service) load(ctx context.Context, ticket string) (*work, error) {
	var w *work
	err := s.Work.View(ctx, func(tx unit.Tx) error {
		intents, err := s.t.Intents.Find(tx, unit.Query{Index: "ticket+index", Key: []any{ticket}})
		if err != nil || len(intents) == 0 || intents[0].State != OpenIntent {
			return err
		}
		w, err = s.assemble(tx, ticket, intents)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("load intents of ticket %s: %w", ticket, err)
	}
	return w, nil
}

// assembling names what assemble reads: a hint for unit.Fetch.
func (s *Service) assembling(ticket string, intents []*Intent) []unit.Want {
	var documents, made, seals []string
	for _, in := range intents {
		documents, made, seals = append(documents, in.Document), append(made, in.Preparation), append(seals, in.Seal)
	}
	return []unit.Want{
		unit.Listed(s.t.Evidence, evidenceOf(ticket)), unit.Rows(s.t.Documents, documents...),
		unit.Rows(s.t.Preparations, made...), unit.Rows(s.t.Increments, made...), unit.Rows(s.t.Seals, seals...),
	}
}

func evidenceOf(ticket string) unit.Query {
	return unit.Query{Index: "ticket", Key: []any{ticket}, Limit: 1}
}

func (s *Service) assemble(tx unit.Tx, ticket string, intents []*Intent) (*work, error) {
	if err := unit.Fetch(tx, s.assembling(ticket, intents)...); err != nil {
		return nil, err
	}
	found, err := s.t.Evidence.Find(tx, evidenceOf(ticket))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no evidence for ticket %s", ticket)
	}
	w := &work{ticket: ticket, evidence: found[0].Evidence}
	var made []*Preparation
	seals, size := map[string]*Seal{}, 0
	for _, in := range intents {
		it := &item{intent: in}
		if it.document, err = s.t.Documents.Get(tx, in.Document); err != nil {
			return nil, err
		}
		if it.prep, err = s.t.Preparations.Get(tx, in.Preparation); err != nil {
			return nil, err
		}
		code := it.prep.Seal.ID
		if seals[code] == nil {
			if seals[code], err = s.SealIn(tx, code); err != nil {
				return nil, err
			}
		}
		it.seal = seals[code]
		size += it.document.Size
		w.items, made = append(w.items, it), append(made, it.prep)
	}
	for i, line := range newBatch(made).Docs {
		w.items[i].number = line.Seal
	}
	w.keep = size <= s.Limits.MaxHeld
	return w, s.increments(tx, w)
}

// increments reads what the stamps append, if the work keeps it.
func (s *Service) increments(tx unit.Tx, w *work) (err error) {
	for _, it := range w.items {
		if !w.keep {
			return nil
		}
		if it.prepared, err = s.increment(tx, it.prep.ID); err != nil {
			return err
		}
	}
	return nil
}

// fetch gives the frozen bytes of a document and what is appended to them.
func (s *Service) fetch(ctx context.Context, it *item) (err error) {
	if it.prepared == nil {
		err = s.Work.View(ctx, func(tx unit.Tx) (err error) {
			it.prepared, err = s.increment(tx, it.prep.ID)
			return err
		})
	}
	if err == nil && it.original == nil {
		it.original, err = s.bytes(ctx, it.intent.Tenant, it.prep.Line.SM3)
	}
	return err
}

// leave forgets what fetch read, unless the work keeps it.
func (w *work) leave(it *item) {
	if !w.keep {
		it.prepared, it.original = nil, nil
	}
}

// loader is fetch for the signer, who asks for one document after the other.
func (s *Service) loader(w *work, it *item) func(context.Context) ([]byte, *pdf.Prepared, error) {
	return func(ctx context.Context) ([]byte, *pdf.Prepared, error) {
		defer w.leave(it)
		err := s.keep(ctx, w)
		if err == nil {
			err = s.fetch(ctx, it)
		}
		return it.original, it.prepared, err
	}
}

// sign hands everything to the signer, who trusts none of it.
func (s *Service) sign(ctx context.Context, w *work) ([]keys.Signed, error) {
	jobs := make([]keys.Job, 0, len(w.items))
	for _, it := range w.items {
		line := it.prep.Line
		line.Seal = it.number
		jobs = append(jobs, keys.Job{
			Document: it.document.ID, Slot: it.intent.Slot, Seal: it.seal.DER, Line: line, Load: s.loader(w, it),
		})
	}
	signed, err := s.Signer.Sign(ctx, w.evidence, jobs)
	if err == nil && len(signed) != len(w.items) {
		err = fmt.Errorf("%d signatures for %d documents", len(signed), len(w.items))
	}
	return signed, err
}

// complete puts the signature into its document, has the result verified as a
// stranger would, and stores it.
func (s *Service) complete(ctx context.Context, w *work, it *item, signed keys.Signed) error {
	if err := s.fetch(ctx, it); err != nil {
		return err
	}
	defer w.leave(it)
	b, err := it.prepared.Complete(it.original, signed.Signature)
	if err != nil {
		return err
	}
	s.Checkpoint("completed")
	digest, err := s.secondLook(b, w, it)
	if err != nil {
		return err
	}
	s.Checkpoint("checked")
	if err := s.Blobs.Put(ctx, it.intent.Tenant, digest, b); err != nil {
		return fmt.Errorf("store result: %w", err)
	}
	s.Checkpoint("stored")
	it.stamped = Stamped{Document: it.document.ID, SM3: digest, Size: len(b), Time: signed.Time}
	return nil
}

// refuse ends a ticket that the signer will not sign. The signer's tombstone
// comes first: only when it stands is it sure that no signature exists or can
// come, and slots and documents may be free again.
func (s *Service) refuse(ctx context.Context, w *work, refusal *fault.Error) error {
	documents := make([]string, len(w.items))
	for i, it := range w.items {
		documents[i] = it.document.ID
	}
	committed, err := s.Signer.Refuse(ctx, w.ticket, refusal.Code, documents...)
	if err != nil {
		return fmt.Errorf("refuse ticket %s: %w", w.ticket, err)
	}
	if committed {
		// The commit point was passed with other evidence or documents than
		// there are now: nothing here can be trusted to finish it or to end it.
		return fmt.Errorf("ticket %s is committed and its documents are not what was signed: %w", w.ticket, fault.InternalError.Because(refusal))
	}
	s.Checkpoint("buried")
	return s.fail(ctx, w, refusal)
}
