package impression_test

import (
	"errors"
	"testing"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/impression"
)

func TestSimilar(t *testing.T) {
	t.Parallel()
	filed := impression.Spec{Kind: impression.Statutory, Name: company, Number: "3702110012345"}
	with := func(name, number string) impression.Spec {
		return impression.Spec{Kind: impression.Statutory, Name: name, Number: number}
	}
	kind := func(k impression.Kind) impression.Spec {
		return impression.Spec{Kind: k, Name: company, Number: "3702110012345"}
	}
	tests := []struct {
		name          string
		filed, upload impression.Spec
		agrees        bool
	}{
		{"the same", filed, filed, true},
		{"the same, finance", kind(impression.Finance), kind(impression.Finance), true},
		{"the same, invoice", kind(impression.Invoice), kind(impression.Invoice), true},
		{"印信 became 印刷", filed, with("青岛云章印刷科技有限责任公司", "3702110012345"), false},
		{"章 became 草", filed, with("青岛云草印信科技有限责任公司", "3702110012345"), false},
		{"a shorter name", filed, with("青岛云章印信科技有限公司", "3702110012345"), false},
		{"another organization", filed, with("济南泉城建筑工程股份有限公司", "3701120067891"), false},
		{"without the number", filed, with(company, ""), false},
		{"another kind", filed, kind(impression.Finance), false},
		{"another shape", filed, kind(impression.Invoice), false},
		{"another purpose", kind(impression.Finance), kind(impression.Contract), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a, b := drawn(t, tt.filed).PNG, drawn(t, tt.upload).PNG
			uploads := map[string][]byte{"scan": scan.take(t, b)}
			if tt.agrees { // what differs differs in the best of photos
				uploads["phone"], uploads["faded"] = phone.take(t, b), faded.take(t, b)
			}
			for name, upload := range uploads {
				score, err := impression.Similar(a, upload)
				if err != nil || score < 0 || score > 1.0001 || (score >= impression.Agreement) != tt.agrees {
					t.Errorf("%s: %.2f %v", name, score, err)
				}
			}
		})
	}
}

func TestSimilarIsOneForTheSameFile(t *testing.T) {
	t.Parallel()
	p := drawn(t, impression.Spec{Kind: impression.Statutory, Name: company})
	if score, err := impression.Similar(p.PNG, p.PNG); err != nil || score < 0.9999 {
		t.Errorf("%v %v", score, err)
	}
}

func TestSimilarRefusesWhatIsNoSeal(t *testing.T) {
	t.Parallel()
	p := drawn(t, impression.Spec{Kind: impression.Statutory, Name: company})
	for _, pair := range [][2][]byte{{p.PNG, nil}, {[]byte("x"), p.PNG}} {
		if score, err := impression.Similar(pair[0], pair[1]); !errors.Is(err, fault.ImpressionBad) || score != 0 {
			t.Errorf("%v %v", score, err)
		}
	}
}

func BenchmarkSimilar(b *testing.B) {
	filed := drawn(b, impression.Spec{Kind: impression.Statutory, Name: company}).PNG
	upload := scan.take(b, filed)
	for b.Loop() {
		if _, err := impression.Similar(filed, upload); err != nil {
			b.Fatal(err)
		}
	}
}
