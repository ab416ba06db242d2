package cos

// Bounds of the small content streams that are read here: appearances of form
// fields.
const (
	maxContentValues = 100_000
	maxOperands      = 64
)

// Operators reads a content stream and gives each operator with its operands.
// It stops at an inline image, whose data has another syntax.
func Operators(data []byte, visit func(op Keyword, operands []any)) error {
	l := lexer{src: data, values: maxContentValues}
	var operands []any
	for l.skip(); !l.atEnd(); l.skip() {
		v, err := l.value()
		if err != nil {
			return err
		}
		op, ok := v.(Keyword)
		switch {
		case op == "BI":
			return nil
		case ok && op != "null":
			visit(op, operands)
			operands = operands[:0]
		case len(operands) == maxOperands:
			return overLimit("operands")
		default:
			operands = append(operands, v)
		}
	}
	return nil
}
