package impression

import (
	"slices"

	"yunzhang.dev/authz/fault"
)

// Kind is a kind of seal. The value is stored and spoken in APIs.
type Kind string

// The kinds of seals.
const (
	Statutory           Kind = "statutory"            // 单位公章, the organization seal
	Finance             Kind = "finance"              // 财务专用章
	Invoice             Kind = "invoice"              // 发票专用章
	Contract            Kind = "contract"             // 合同专用章
	Business            Kind = "business"             // 业务专用章
	Certification       Kind = "certification"        // 证明专用章
	LegalRepresentative Kind = "legal-representative" // 法定代表人名章
	Signature           Kind = "signature"            // 个人签名: uploaded, never drawn
)

// Shape is the outline of a seal.
type Shape string

// The shapes of seals.
const (
	Round   Shape = "round"
	Ellipse Shape = "ellipse"
	Square  Shape = "square"
	Free    Shape = "free" // handwriting: no outline
)

// look is what a kind looks like unless a Spec says otherwise. Lengths in mm.
type look struct {
	kind          Kind
	chinese       string
	code          int // type of SES_ESPropertyInfo, as two independent vendors number it
	shape         Shape
	width, height float64
	border        float64
}

var looks = []look{
	{Statutory, "单位公章", 1, Round, 40, 40, 1.2},
	{Finance, "财务专用章", 2, Round, 38, 38, 1},
	{Invoice, "发票专用章", 3, Ellipse, 40, 30, 1},
	{Contract, "合同专用章", 4, Round, 40, 40, 1},
	{Business, "业务专用章", 99, Round, 40, 40, 1},
	{Certification, "证明专用章", 99, Round, 40, 40, 1},
	{LegalRepresentative, "法定代表人名章", 5, Square, 20, 20, 1},
	{Signature, "个人签名", 99, Free, 20, 10, 0},
}

// Kinds lists all kinds in the order in which they are shown.
func Kinds() []Kind {
	kinds := make([]Kind, len(looks))
	for i, l := range looks {
		kinds[i] = l.kind
	}
	return kinds
}

// ParseKind reads a kind; fault.SealKindBad when there is no such kind.
func ParseKind(s string) (Kind, error) {
	if !Kind(s).Valid() {
		return "", fault.SealKindBad
	}
	return Kind(s), nil
}

// Valid reports whether the kind exists.
func (k Kind) Valid() bool { return k.look().kind != "" }

// Chinese is the name of the kind, which for the kinds of one purpose is also
// the text on the seal: "财务专用章".
func (k Kind) Chinese() string { return k.look().chinese }

// Code is the number of the kind in the seal data (SES_ESPropertyInfo.type,
// GB/T 38540 §6.2.1): 1 statutory, 2 finance, 3 invoice, 4 contract, 5 legal
// representative, 99 others.
func (k Kind) Code() int { return k.look().code }

// Shape is the outline of seals of this kind.
func (k Kind) Shape() Shape { return k.look().shape }

// Size is the usual size in millimetres.
func (k Kind) Size() (width, height float64) {
	l := k.look()
	return l.width, l.height
}

func (k Kind) look() look {
	if i := slices.IndexFunc(looks, func(l look) bool { return l.kind == k }); i >= 0 {
		return looks[i]
	}
	return look{}
}
