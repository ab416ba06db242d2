package impression_test

import (
	"errors"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/impression"
)

func TestKinds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind          impression.Kind
		chinese       string
		code          int
		shape         impression.Shape
		width, height float64
	}{
		{impression.Statutory, "单位公章", 1, impression.Round, 40, 40},
		{impression.Finance, "财务专用章", 2, impression.Round, 38, 38},
		{impression.Invoice, "发票专用章", 3, impression.Ellipse, 40, 30},
		{impression.Contract, "合同专用章", 4, impression.Round, 40, 40},
		{impression.Business, "业务专用章", 99, impression.Round, 40, 40},
		{impression.Certification, "证明专用章", 99, impression.Round, 40, 40},
		{impression.LegalRepresentative, "法定代表人名章", 5, impression.Square, 20, 20},
		{impression.Signature, "个人签名", 99, impression.Free, 20, 10},
	}
	if got := len(impression.Kinds()); got != len(tests) {
		t.Errorf("%d kinds, this table has %d", got, len(tests))
	}
	for i, tt := range tests {
		k, err := impression.ParseKind(string(tt.kind))
		if err != nil || k != impression.Kinds()[i] {
			t.Errorf("%s: %v, kind %d in the list is %s", tt.kind, err, i, impression.Kinds()[i])
		}
		w, h := k.Size()
		if k.Chinese() != tt.chinese || k.Code() != tt.code || k.Shape() != tt.shape || w != tt.width || h != tt.height {
			t.Errorf("%s: %s %d %s %g×%g", k, k.Chinese(), k.Code(), k.Shape(), w, h)
		}
	}
	for _, unknown := range []string{"", "Statutory", "stamp"} {
		if _, err := impression.ParseKind(unknown); !errors.Is(err, fault.SealKindBad) {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}
