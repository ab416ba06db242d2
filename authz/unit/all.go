package unit

// All lists every row that a query without a limit finds, however many. behind
// gives where the next page begins: the values of a row in the fields of the index
// behind the key of the query, and its id.
func All[T any](tx Tx, t Table[T], q Query, behind func(*T) []any) (all []*T, err error) {
	for {
		page, err := t.Find(tx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if len(page) < DefaultLimit {
			return all, nil
		}
		q.After = behind(page[len(page)-1])
	}
}
