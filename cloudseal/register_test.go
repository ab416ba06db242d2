package cloudseal_test

import (
	"slices"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
)

func TestTheUseRegister(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	for _, ticket := range []string{"tk_1", "tk_2", "tk_3"} {
		w.Begin(ask(w, ticket, seal, 1))
		if ticket != "tk_3" { // the third is still open
			if err := w.Service.Stamp(t.Context(), ticket); err != nil {
				t.Fatal(err)
			}
		}
		w.Clock.Advance(time.Second)
	}
	var tickets []string
	var after []any
	for {
		uses, next, err := w.Service.Uses(t.Context(), cloudsealtest.Org.USCC, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range uses {
			tickets = append(tickets, u.Ticket)
			if u.Seal != seal.ID || u.Person.Name != "李四" || u.App != cloudsealtest.App || u.Slot != 1 || u.Title == "" || u.Delegation != "dg_"+u.Ticket {
				t.Errorf("%+v", u)
			}
			if (u.State == cloudseal.DoneIntent) == u.Stamped.IsZero() {
				t.Errorf("%s: %s and stamped %s", u.Ticket, u.State, u.Stamped)
			}
		}
		if after = next; after == nil {
			break
		}
	}
	if !slices.Equal(tickets, []string{"tk_3", "tk_2", "tk_1"}) {
		t.Errorf("order %v", tickets)
	}
	if uses, _, err := w.Service.Uses(t.Context(), "91110000802100433B", nil, 10); err != nil || len(uses) > 0 {
		t.Errorf("another organization sees %d uses, %v", len(uses), err)
	}
}

func TestWhatATicketMade(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 2)
	w.Begin(r)
	stamped := func() (docs []cloudseal.Document, err error) {
		viewErr := w.Work.View(t.Context(), func(tx unit.Tx) error {
			docs, err = w.Service.StampedOf(tx, "tk_1")
			return nil
		})
		if viewErr != nil {
			t.Fatal(viewErr)
		}
		return docs, err
	}
	_, err := stamped()
	want(t, "before the stamp", err, fault.NotStamped)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	docs, err := stamped()
	if err != nil || len(docs) != 2 || docs[1].ID != r.Batch.Documents[1] || docs[0].Stamped.IsZero() {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	w.Update(func(tx unit.Tx) error {
		slots, err := w.Service.SlotsOf(tx, "tk_1")
		if err != nil || !slices.Equal(slots, []int{1, 2}) {
			t.Errorf("slots %v, %v", slots, err)
		}
		ev, err := w.Service.EvidenceOf(tx, "tk_1")
		if err != nil || ev.ID != r.Evidence.Approval.Hash().Hex() {
			t.Errorf("evidence %v", err)
		}
		_, err = w.Service.EvidenceOf(tx, "tk_9")
		want(t, "evidence of an unknown ticket", err, fault.Absent)
		return nil
	})
}
