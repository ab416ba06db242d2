package statement_test

import (
	"bytes"
	"testing"

	"yunzhang.dev/authz/statement"
)

// Whatever is accepted is built again as the same bytes, and can be worded.
func FuzzApproval(f *testing.F) {
	f.Add([]byte(annexA))
	f.Add([]byte("cseal-approval/1\npurpose: login\nmatch: 000\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, match, err := statement.ParseApproval(b)
		if err != nil {
			return
		}
		head, err := a.Head()
		if err != nil || !bytes.Equal(statement.Complete(head, match), b) {
			t.Fatalf("accepted and not rebuilt: %v", err)
		}
		if len(a.Render(statement.English, nil).Lines) == 0 {
			t.Fatal("no words")
		}
	})
}

func FuzzKinds(f *testing.F) {
	for _, v := range []interface{ Bytes() ([]byte, error) }{
		someDelegation(), someRevocation(), someEnrolment(), someRepresentation(), someReview(),
	} {
		b, err := v.Bytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte("cseal-display/1\nlocale: zh\ntemplate: t\nseal.1: 公章\ntext: 事项: 盖章\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		rebuilt(t, b, statement.ParseDisplay)
		rebuilt(t, b, statement.ParseDelegation)
		rebuilt(t, b, statement.ParseRevocation)
		rebuilt(t, b, statement.ParseEnrolment)
		rebuilt(t, b, statement.ParseRepresentation)
		rebuilt(t, b, statement.ParseReview)
	})
}

func rebuilt[T interface{ Bytes() ([]byte, error) }](t *testing.T, b []byte, parse func([]byte) (T, error)) {
	v, err := parse(b)
	if err != nil {
		return
	}
	if again, err := v.Bytes(); err != nil || !bytes.Equal(again, b) {
		t.Fatalf("accepted and not rebuilt: %v", err)
	}
}
