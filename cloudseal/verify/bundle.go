package verify

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"yunzhang.dev/cloudseal/ca"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/status"
)

// Limits of a bundle, which is read whole.
const (
	MaxBundle    = 64 << 20 // a status list of the largest size, and a thousand approvals
	maxAnchors   = 100
	maxApprovals = 10_000
)

// bundleFormat names form and version; another one is refused.
const bundleFormat = "cseal-bundle/1"

var errBundle = errors.New("verify: not a verification bundle")

// Bundle is what an offline verifier needs besides the document. Whoever makes
// a bundle chooses what is trusted in it: take it from the issuer, or compare
// Anchor with what the issuer publishes.
type Bundle struct {
	Format        string   `json:"format"`
	Issuer        string   `json:"issuer"`
	Roots         [][]byte `json:"roots"`         // DER certificates
	Intermediates [][]byte `json:"intermediates"` // DER certificates
	Authorities   [][]byte `json:"authorities"`   // SPKI of enrolment authorities
	StatusKeys    [][]byte `json:"status_keys"`   // SPKI of the keys that sign status lists
	Passkeys      Passkeys `json:"passkeys,omitzero"`
	// Status is a signed status list; zero for none.
	Status Signed `json:"status,omitzero"`
	// Approvals holds the evidence by the hex hash of the approval statement.
	Approvals map[string]Statements `json:"approvals"`
}

// Passkeys is where the second keys of devices answer (WebAuthn): a Trust.Second
// made for it verifies their signatures. Zero: there are none.
type Passkeys struct {
	RPID    string   `json:"rp_id"`
	Origins []string `json:"origins"`
}

// IsZero reports that there are none.
func (p Passkeys) IsZero() bool { return p.RPID == "" }

// NewBundle makes an empty bundle of an issuer.
func NewBundle(issuer string) *Bundle {
	return &Bundle{
		Format: bundleFormat, Issuer: issuer, Roots: [][]byte{}, Intermediates: [][]byte{},
		Authorities: [][]byte{}, StatusKeys: [][]byte{}, Approvals: map[string]Statements{},
	}
}

// Bytes gives the bundle as a JSON file.
func (b *Bundle) Bytes() ([]byte, error) {
	return json.Marshal(b, json.Deterministic(true), jsontext.WithIndent(" "))
}

// ParseBundle reads a bundle: nothing unknown in it, nothing twice, nothing
// behind it, and every certificate, key and signature in it usable.
func ParseBundle(data []byte) (*Bundle, error) {
	if len(data) > MaxBundle {
		return nil, fmt.Errorf("%w: over %d bytes", errBundle, MaxBundle)
	}
	b := &Bundle{}
	if err := json.Unmarshal(data, b, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("%w: %w", errBundle, err)
	}
	if b.Format != bundleFormat {
		return nil, fmt.Errorf("%w of the form %s", errBundle, bundleFormat)
	}
	if len(b.Roots)+len(b.Intermediates)+len(b.Authorities)+len(b.StatusKeys) > maxAnchors || len(b.Approvals) > maxApprovals {
		return nil, fmt.Errorf("%w: too much in it", errBundle)
	}
	if _, err := b.Trust(); err != nil {
		return nil, err
	}
	return b, nil
}

// Anchor names everything that the bundle trusts by itself: roots, authorities,
// status keys and where passkeys answer, whatever their order. Two bundles with one anchor trust the
// same.
func (b *Bundle) Anchor() gm.Digest {
	var parts [][]byte
	var passkeys [][]byte
	for _, origin := range b.Passkeys.Origins {
		passkeys = append(passkeys, []byte(b.Passkeys.RPID+" "+origin))
	}
	for label, list := range map[string][][]byte{
		"root": b.Roots, "authority": b.Authorities, "status": b.StatusKeys, "passkey": passkeys,
	} {
		for _, v := range list {
			d := gm.SM3([]byte(label), []byte{0}, v)
			parts = append(parts, d[:])
		}
	}
	slices.SortFunc(parts, bytes.Compare)
	return gm.SM3(parts...)
}

// Trust gives what a verdict stands on, from the bundle alone.
func (b *Bundle) Trust() (Trust, error) {
	t := Trust{Issuer: b.Issuer, Source: b}
	var err error
	if t.Chains, err = ca.NewTrust(b.Intermediates, b.Roots); err != nil {
		return Trust{}, fmt.Errorf("%w: %w", errBundle, err)
	}
	if t.Authorities, err = publicKeys(b.Authorities); err != nil {
		return Trust{}, err
	}
	if b.Status.IsZero() {
		return t, nil
	}
	list, err := b.statusList()
	if err != nil {
		return Trust{}, err
	}
	t.Histories = listed{list}
	return t, nil
}

func (b *Bundle) statusList() (status.List, error) {
	keys, err := publicKeys(b.StatusKeys)
	if err != nil {
		return status.List{}, err
	}
	signed := func(k gm.PublicKey) bool { return k.Verify(b.Status.Statement, b.Status.Signature) }
	if !slices.ContainsFunc(keys, signed) {
		return status.List{}, fmt.Errorf("%w: the status list is not signed by a key of the bundle", errBundle)
	}
	list, err := status.ParseList(b.Status.Statement)
	if err != nil {
		return status.List{}, fmt.Errorf("%w: %w", errBundle, err)
	}
	if list.Issuer != b.Issuer {
		return status.List{}, fmt.Errorf("%w: the status list is of another issuer", errBundle)
	}
	return list, nil
}

func publicKeys(spkis [][]byte) ([]gm.PublicKey, error) {
	keys := make([]gm.PublicKey, 0, len(spkis))
	for _, spki := range spkis {
		k, err := gm.ParsePublicKey(spki)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errBundle, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// Evidence implements Source.
func (b *Bundle) Evidence(approval gm.Digest) (*Statements, error) {
	s, ok := b.Approvals[approval.Hex()]
	if !ok {
		return nil, nil
	}
	return &s, nil
}

// Put adds the evidence of an approval.
func (b *Bundle) Put(s Statements) { b.Approvals[s.Approval.hash().Hex()] = s }
