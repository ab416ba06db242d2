package cloudseal

import (
	"context"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Use is a line of the use register (用印台账): one stamp on one document, as
// it was approved.
type Use struct {
	At         time.Time // of the approval
	Ticket     string
	App        statement.App
	Person     statement.Person
	Seal       string
	Delegation string // "" for the owner
	Slot       int    // 0 for the owner
	Case       string
	Title      string
	Original   gm.Digest
	Stamped    gm.Digest // zero while, or because, there is no stamp
	State      IntentState
}

// Uses lists the uses of an organization's seals (USCC), newest first, behind
// the position that came with the part before.
func (s *Service) Uses(ctx context.Context, org string, after []any, limit int) (uses []Use, next []any, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		uses, next = nil, nil
		intents, err := s.t.Intents.Find(tx, unit.Query{Index: "org+createdAt", Key: []any{org}, After: after, Desc: true, Limit: limit})
		if err != nil {
			return err
		}
		for _, in := range intents {
			u, err := s.use(tx, in)
			if err != nil {
				return err
			}
			uses = append(uses, u)
			next = []any{in.CreatedAt, in.ID}
		}
		if len(intents) < limit {
			next = nil
		}
		return nil
	})
	return uses, next, err
}

func (s *Service) use(tx unit.Tx, in *Intent) (Use, error) {
	ev, err := s.EvidenceOf(tx, in.Ticket)
	if err != nil {
		return Use{}, err
	}
	a, _, err := statement.ParseApproval(ev.Evidence.Approval.Bytes)
	if err != nil {
		return Use{}, err
	}
	d, err := s.t.Documents.Get(tx, in.Document)
	if err != nil {
		return Use{}, err
	}
	return Use{
		At: in.CreatedAt, Ticket: in.Ticket, App: a.App, Person: a.Agent, Seal: in.Seal, Delegation: a.Delegation.ID,
		Slot: in.Slot, Case: a.Case, Title: d.Title, Original: d.SM3, Stamped: d.Stamped, State: in.State,
	}, nil
}
