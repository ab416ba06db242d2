package cos

// Value reads one value from a text.
func Value(text string) (any, error) {
	l := lexer{src: []byte(text), values: MaxValues}
	return l.operand()
}

// SmallBudget allows little, so that a limit is met soon.
func SmallBudget(work, values, inflate int) *Budget {
	return &Budget{work: work, values: values, inflate: inflate}
}

// Unpredict undoes PNG row filters.
func Unpredict(data []byte, row, pixel int) ([]byte, error) { return unfilterRows(data, row, pixel, 0) }
