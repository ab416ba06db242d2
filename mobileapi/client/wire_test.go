package client

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json"
)

// TestWire reads the server's golden files into the phone's own types: every
// member must have its place, or be one that the phone leaves aside on purpose.
func TestWire(t *testing.T) {
	t.Parallel()
	type words struct {
		Summary any `json:"summary"` // the phone makes its own words
	}
	for name, v := range map[string]any{
		"Me": &Me{}, "ListPlace": &list[Place]{}, "ListDevice": &list[Device]{}, "ListDelegation": &list[Delegation]{},
		"ListActivityEntry": &list[Activity]{}, "ListRegisterEntry": &list[Use]{}, "ListSeal": &list[Seal]{}, "Seal": &Seal{},
		"ListFiledImpression": &list[Impression]{}, "ListAppEntry": &list[App]{}, "AgreementText": &Agreement{},
		"Joined": &Joined{}, "RealPersonSession": &Session{}, "ActResult": &Result{}, "ActSignature": &signed{},
		"RejectRequest": &because{}, "Turn": &because{},
		"Draft-delegation": &struct {
			wireDraft
			words
		}{},
		"ScanClaim": &struct {
			wireScan
			words
			Documents any `json:"documents"` // they are in the statement or its manifest
			Count     any `json:"count"`
			Manifest  any `json:"manifest"`
		}{},
		"ScanState": &struct {
			wireState
			ClaimID string `json:"claim_id"`
		}{},
		"Enrolled": &struct {
			wireEnrolled
			CoolUntil any `json:"cool_until"` // the list of devices says it
		}{},
	} {
		b, err := os.ReadFile(filepath.Join("..", "testdata", "wire", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, v, json.RejectUnknownMembers(true)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
