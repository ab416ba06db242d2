package cos

// Value reads one value from a text.
func Value(text string) (any, error) {
	l := lexer{src: []byte(text), values: MaxValues}
	return l.operand()
}

// Unpredict undoes PNG row filters.
func Unpredict(data []byte, row, pixel int) ([]byte, error) { return unfilterRows(data, row, pixel, 0) }
