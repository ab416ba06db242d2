package store_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/qrflow"
)

// BenchmarkScale is what a decision, a ticket and a look-up cost the embedded
// store with so many delegations, and as many tickets and stamps: it should not
// matter how many there are. The sizes are 10⁴ and 10⁵; YUNZHANG_TEST_SCALE asks
// for another, such as 1000000.
func BenchmarkScale(b *testing.B) {
	sizes := []int{10_000, 100_000}
	if text := os.Getenv("YUNZHANG_TEST_SCALE"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		sizes = []int{n}
	}
	for _, n := range sizes {
		m := mainStore(b, embedded.Options{Now: time.Now})
		began := time.Now()
		fill(b, m, n)
		b.Logf("%d of each loaded in %s", n, time.Since(began).Round(time.Second))
		for name, look := range looks(m, n) {
			b.Run(fmt.Sprintf("%s of %d", name, n), func(b *testing.B) {
				var took []time.Duration
				i := 0
				for b.Loop() {
					i++
					began := time.Now()
					if err := look(b, (i*7919)%n); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(began))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Microseconds()), "µs-p50")
				b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "µs-p99")
			})
		}
	}
}

func agentOf(i int) string  { return fmt.Sprintf("us_%07d", i/10) } // ten delegations each
func orgOf(i int) string    { return fmt.Sprintf("og_%07d", i/5) }
func ticketOf(i int) string { return fmt.Sprintf("tk_%07d", i) }

// fill loads rows directly, a few hundred in each unit.
func fill(b *testing.B, m *store.Main, n int) {
	at := time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)
	for from := 0; from < n; from += 500 {
		err := m.Work.Update(b.Context(), func(tx unit.Tx) error {
			for i := from; i < min(from+500, n); i++ {
				if err := row(tx, m, i, at); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func row(tx unit.Tx, m *store.Main, i int, at time.Time) error {
	handle := gm.SM3([]byte(ticketOf(i)))
	if err := m.Authz.Delegations.Insert(tx, &authz.Delegation{
		Row: unit.Row{ID: fmt.Sprintf("dg_%07d", i)}, Org: orgOf(i), Agent: agentOf(i), App: fmt.Sprintf("app_%d", i%20),
		State: authz.Active, NotAfter: at.Add(365 * 24 * time.Hour), Max: 10, Next: 1,
	}); err != nil {
		return err
	}
	if err := m.Tickets.Insert(tx, &qrflow.Ticket{
		Row: unit.Row{ID: ticketOf(i)}, App: fmt.Sprintf("app_%d", i%20), State: qrflow.Done, HandleHash: handle, Slot: ticketOf(i),
		Deadline: at, IssuedAt: at,
	}); err != nil {
		return err
	}
	return m.Seals.Intents.Insert(tx, &cloudseal.Intent{
		Row: unit.Row{ID: cloudseal.IntentID(ticketOf(i), "doc")}, Ticket: ticketOf(i), Index: 1, Org: orgOf(i),
		State: cloudseal.DoneIntent, CreatedAt: at.Add(time.Duration(i) * time.Second),
	})
}

// looks are what the flow asks, each of row i.
func looks(m *store.Main, n int) map[string]func(b *testing.B, i int) error {
	view := func(b *testing.B, look func(tx unit.Tx) error) error { return m.Work.View(b.Context(), look) }
	next := n
	return map[string]func(b *testing.B, i int) error{
		"decision": func(b *testing.B, i int) error {
			return view(b, func(tx unit.Tx) error {
				found, err := m.Authz.Delegations.Find(tx, unit.Query{Index: "agent+org+app+notAfter", Key: []any{agentOf(i), orgOf(i), fmt.Sprintf("app_%d", i%20)}})
				if err == nil && len(found) == 0 {
					err = fmt.Errorf("no delegation %d", i)
				}
				return err
			})
		},
		"ticket by its code": func(b *testing.B, i int) error {
			return view(b, func(tx unit.Tx) error {
				found, err := m.Tickets.Find(tx, unit.Query{Index: "handleHash", Key: []any{gm.SM3([]byte(ticketOf(i)))}, Limit: 1})
				if err == nil && len(found) != 1 {
					err = fmt.Errorf("no ticket %d", i)
				}
				return err
			})
		},
		"new ticket, delegation and stamp": func(b *testing.B, _ int) error {
			next++
			return m.Work.Update(b.Context(), func(tx unit.Tx) error { return row(tx, m, next, tx.Now()) })
		},
		"register of an organization": func(b *testing.B, i int) error {
			return view(b, func(tx unit.Tx) error {
				_, err := m.Seals.Intents.Find(tx, unit.Query{Index: "org+createdAt", Key: []any{orgOf(i)}, Desc: true, Limit: 50})
				return err
			})
		},
		"stamps left open": func(b *testing.B, _ int) error {
			return view(b, func(tx unit.Tx) error {
				_, err := m.Seals.Intents.Find(tx, unit.Query{Index: "state+index", Key: []any{string(cloudseal.OpenIntent), 1}})
				return err
			})
		},
	}
}
