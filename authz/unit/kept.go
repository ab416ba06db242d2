package unit

// Kept is what a caller wants kept of the result of somebody else's unit of
// work, in that unit: the answer that is promised to whoever asks again. Result
// and answer are durable together or not at all. The zero value keeps nothing.
type Kept[T any] struct {
	// Reads is what In reads, for a unit that fetches its rows.
	Reads []Want
	// In is the last step of the unit, in each of its tries; its error undoes
	// the unit.
	In func(tx Tx, result T) error
}

// Keep does the last step of a unit that came to its result.
func (k Kept[T]) Keep(tx Tx, result T) error {
	if k.In == nil {
		return nil
	}
	return k.In(tx, result)
}

// KeptAs passes the wish of a caller on to one who knows the result in other
// terms.
func KeptAs[From, To any](k Kept[To], to func(From) (To, error)) Kept[From] {
	return Kept[From]{Reads: k.Reads, In: func(tx Tx, from From) error {
		result, err := to(from)
		if err != nil {
			return err
		}
		return k.Keep(tx, result)
	}}
}
