package cloudsealtest

import (
	"testing"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/authz/unit/unittest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
)

// SignerStore is a signer's own store with its two secrets.
type SignerStore struct {
	DB     *unittest.DB // nil when it is another store
	Work   unit.Work
	Tables keys.Tables
	KEK    []byte
	MACKey []byte
}

// NewSignerStore makes an empty one in memory.
func NewSignerStore(clock *Clock) *SignerStore {
	db := unittest.New(clock.Now)
	return &SignerStore{
		DB: db, Work: db, KEK: gm.Random(gm.SealKeySize), MACKey: gm.Random(32),
		Tables: keys.Tables{
			Keys: unittest.Table[keys.Key](db, "keys", unittest.Unique("seal", "version")),
			Journal: unittest.Table[keys.Entry](db, "journal",
				unittest.Unique("use"), unittest.Plain("ticket", "index"), unittest.Plain("state", "ticket")),
			Texts:     unittest.Table[keys.Text](db, "texts"),
			Approvals: unittest.Table[keys.Approval](db, "approvals", unittest.Unique("nonce"), unittest.Unique("approval")),
			Stops:     unittest.Table[keys.Stop](db, "stops"),
		},
	}
}

// Signer opens a signer on the store, as a process does at its start. edit, if
// any, changes what it is made of.
func (s *SignerStore) Signer(t testing.TB, p *PKI, clock *Clock, edit ...func(*keys.Deps)) *keys.Signer {
	t.Helper()
	d := keys.Deps{
		Work: s.Work, Tables: s.Tables, KEK: s.KEK, MACKey: s.MACKey,
		Authorities: []gm.PublicKey{p.AuthorityKey.Public()}, Issuer: Host, Now: clock.Now,
	}
	for _, f := range edit {
		f(&d)
	}
	signer, err := keys.New(d)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}
