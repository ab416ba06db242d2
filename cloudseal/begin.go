package cloudseal

import (
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/keys"
)

// Order is an approved request to stamp.
type Order struct {
	Tenant   string
	Ticket   string
	Hold     string // under which its documents were prepared
	Org      string // USCC of the principal
	Evidence keys.Evidence
	Slots    []int // of the delegation, one a document in their order; nil for the owner
}

// BeginStamp writes the intention to stamp, inside the transaction that takes
// the approval: with its commit the decision is made, and Stamp or Recover will
// bring it to an end. The seals are checked once more and written, so that a
// freeze at the same time conflicts.
func (s *Service) BeginStamp(tx unit.Tx, o Order) error {
	made, err := s.preparations(tx, o.Hold)
	if err != nil {
		return err
	}
	if o.Slots != nil && len(o.Slots) != len(made) {
		return fault.InternalError.Becausef("%d slots for %d documents", len(o.Slots), len(made))
	}
	seals, err := s.Usable(tx, o.Org, sealsOf(made))
	if err != nil {
		return err
	}
	if err := s.Rely(tx, seals); err != nil {
		return err
	}
	for i, one := range made {
		if err := s.intend(tx, o, i, one); err != nil {
			return err
		}
	}
	return takenAs(s.t.Evidence.Insert(tx, &Evidence{
		Row: unit.Row{ID: o.Evidence.Approval.Hash().Hex()}, Ticket: o.Ticket, Evidence: o.Evidence,
	}), fault.StateConflict)
}

// Needs names what BeginStamp and Usable will read: a hint for unit.Fetch.
// documents may be nil as long as they are not known.
func (s *Service) Needs(hold string, seals []statement.Ref, documents []string) []unit.Want {
	ids := make([]string, len(seals))
	for i, ref := range seals {
		ids[i] = ref.ID
	}
	return []unit.Want{
		unit.Listed(s.t.Preparations, held(hold)), unit.Rows(s.t.Seals, ids...), unit.Rows(s.t.Documents, documents...),
	}
}

func sealsOf(made []*Preparation) []statement.Ref { return newBatch(made).Seals }

func (s *Service) intend(tx unit.Tx, o Order, i int, one *Preparation) error {
	d, err := s.document(tx, o.Tenant, one.Document)
	if err != nil {
		return err
	}
	if d.State != Held || d.Hold != o.Hold {
		return fault.DocumentBusy
	}
	d.State, d.Ticket = InStamping, o.Ticket
	if err := s.t.Documents.Replace(tx, d); err != nil {
		return err
	}
	intent := &Intent{
		Row: unit.Row{ID: IntentID(o.Ticket, d.ID)}, Ticket: o.Ticket, Index: i + 1, Tenant: o.Tenant, Org: o.Org,
		Document: d.ID, Preparation: one.ID, Seal: one.Seal.ID, State: OpenIntent, CreatedAt: tx.Now(),
	}
	if o.Slots != nil {
		intent.Slot = o.Slots[i]
	}
	return takenAs(s.t.Intents.Insert(tx, intent), fault.StateConflict)
}
