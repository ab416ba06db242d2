package unit

// Want names rows of one table that a unit is about to read: by their ids, or
// all that a query lists.
type Want struct {
	Table string // "" for a table that says no name: then it is left out
	IDs   []string
	Query *Query
}

// Fetcher is a Tx that can read many rows at the price of one.
type Fetcher interface {
	// Fetch reads what will be asked for. It is a hint and changes no answer.
	Fetch(wants ...Want) error
}

// named is a table that can be fetched from.
type named interface{ Name() string }

// Rows wants rows by their ids; "" is left out.
func Rows[T any](t Table[T], ids ...string) Want {
	n, ok := t.(named)
	if !ok {
		return Want{}
	}
	w := Want{Table: n.Name()}
	for _, id := range ids {
		if id != "" {
			w.IDs = append(w.IDs, id)
		}
	}
	return w
}

// Listed wants what a query lists, which is then asked with the same query.
func Listed[T any](t Table[T], q Query) Want {
	n, ok := t.(named)
	if !ok {
		return Want{}
	}
	return Want{Table: n.Name(), Query: &q}
}

// Fetch says what the unit is about to read. On a store across the network
// everything named in one call is one round trip; elsewhere it does nothing.
func Fetch(tx Tx, wants ...Want) error {
	f, ok := tx.(Fetcher)
	if !ok {
		return nil
	}
	return f.Fetch(wants...)
}
