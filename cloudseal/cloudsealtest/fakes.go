package cloudsealtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
)

// Weather decides how a call goes: whether it takes effect, and what it
// answers. (true, nil) is an ordinary call, (false, err) one that failed,
// (true, err) one that took effect and whose answer was lost.
type Weather func(call string) (applied bool, err error)

// Fair is ordinary weather.
func Fair(string) (bool, error) { return true, nil }

// through runs f as the weather has it.
func through[T any](w Weather, call string, f func() (T, error)) (v T, err error) {
	applied, lost := w(call)
	if applied {
		v, err = f()
	}
	if lost != nil {
		var none T
		return none, lost
	}
	return v, err
}

// Memory keeps bytes in memory.
type Memory struct {
	mu   sync.Mutex
	kept map[string][]byte
}

// NewMemory makes an empty one.
func NewMemory() *Memory { return &Memory{kept: map[string][]byte{}} }

// Put implements cloudseal.Blobs.
func (m *Memory) Put(_ context.Context, tenant string, digest gm.Digest, b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept[tenant+digest.Hex()] = b
	return nil
}

// Get implements cloudseal.Blobs.
func (m *Memory) Get(_ context.Context, tenant string, digest gm.Digest) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.kept[tenant+digest.Hex()]
	if !ok {
		return nil, unit.ErrAbsent
	}
	return b, nil
}

// remove makes a blob absent.
func (m *Memory) remove(tenant string, digest gm.Digest) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.kept, tenant+digest.Hex())
}

// Blobs is a blob store in some weather.
type Blobs struct {
	cloudseal.Blobs
	Weather Weather
}

// Put implements cloudseal.Blobs.
func (b *Blobs) Put(ctx context.Context, tenant string, digest gm.Digest, data []byte) error {
	_, err := through(b.Weather, "blobs.put", func() (struct{}, error) {
		return struct{}{}, b.Blobs.Put(ctx, tenant, digest, data)
	})
	return err
}

// Get implements cloudseal.Blobs.
func (b *Blobs) Get(ctx context.Context, tenant string, digest gm.Digest) ([]byte, error) {
	return through(b.Weather, "blobs.get", func() ([]byte, error) { return b.Blobs.Get(ctx, tenant, digest) })
}

// Replace puts other bytes under a digest, as somebody with the disk could;
// nil removes them. It works over Memory only.
func (b *Blobs) Replace(t testing.TB, tenant string, digest gm.Digest, data []byte) {
	t.Helper()
	m, ok := b.Blobs.(*Memory)
	switch {
	case !ok:
		t.Fatalf("blobs of %T cannot be replaced", b.Blobs)
	case data == nil:
		m.remove(tenant, digest)
	default:
		_ = m.Put(t.Context(), tenant, digest, data)
	}
}

// Signer is a signer in some weather.
type Signer struct {
	*keys.Signer
	Weather Weather
	// Instead, when set, changes what Sign answers.
	Instead func([]keys.Signed) []keys.Signed
}

// Sign implements cloudseal.Signer.
func (s *Signer) Sign(ctx context.Context, ev keys.Evidence, jobs []keys.Job) ([]keys.Signed, error) {
	signed, err := through(s.Weather, "signer.sign", func() ([]keys.Signed, error) { return s.Signer.Sign(ctx, ev, jobs) })
	if err == nil && s.Instead != nil {
		signed = s.Instead(signed)
	}
	return signed, err
}

// Refuse implements cloudseal.Signer.
func (s *Signer) Refuse(ctx context.Context, ticket, reason string, documents ...string) (bool, error) {
	return through(s.Weather, "signer.refuse", func() (bool, error) { return s.Signer.Refuse(ctx, ticket, reason, documents...) })
}

// Create implements cloudseal.Signer.
func (s *Signer) Create(ctx context.Context, seal string, version int, org string) (gm.PublicKey, error) {
	return through(s.Weather, "signer.create", func() (gm.PublicKey, error) { return s.Signer.Create(ctx, seal, version, org) })
}

// Certify implements cloudseal.Signer.
func (s *Signer) Certify(ctx context.Context, seal string, version int, certificate, der []byte) error {
	_, err := through(s.Weather, "signer.certify", func() (struct{}, error) {
		return struct{}{}, s.Signer.Certify(ctx, seal, version, certificate, der)
	})
	return err
}

// Stop implements cloudseal.Stops.
func (s *Signer) Stop(ctx context.Context, kind, id string, version int64) error {
	_, err := through(s.Weather, "signer.stop", func() (struct{}, error) {
		return struct{}{}, s.Signer.Stop(ctx, kind, id, version)
	})
	return err
}

// Lift implements cloudseal.Stops.
func (s *Signer) Lift(ctx context.Context, kind, id string, version int64) error {
	_, err := through(s.Weather, "signer.lift", func() (struct{}, error) {
		return struct{}{}, s.Signer.Lift(ctx, kind, id, version)
	})
	return err
}

// Holders knows organizations.
type Holders struct {
	mu   sync.Mutex
	orgs map[string]cloudseal.Holder
}

// Put adds or changes an organization.
func (h *Holders) Put(o cloudseal.Holder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.orgs == nil {
		h.orgs = map[string]cloudseal.Holder{}
	}
	h.orgs[o.USCC] = o
}

// Holder implements cloudseal.Holders.
func (h *Holders) Holder(_ unit.Tx, uscc string) (cloudseal.Holder, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	o, ok := h.orgs[uscc]
	if !ok {
		return cloudseal.Holder{}, fault.Absent
	}
	return o, nil
}

// Act is a signed act as a test keeps it.
type Act struct {
	unit.Row `bson:",inline"`
	Office   string           `bson:"office"`
	Signed   statement.Signed `bson:"signed"`
	Object   string           `bson:"object"` // what it was taken for
}

// Acts keeps signed acts in the store's table, so that taking one is part of
// the transaction.
type Acts struct{ Table unit.Table[Act] }

// Take implements cloudseal.Acts.
func (a Acts) Take(tx unit.Tx, act, office, object string) (cloudseal.SignedAct, error) {
	row, err := a.Table.Get(tx, act)
	if err != nil {
		return cloudseal.SignedAct{}, fmt.Errorf("act %s: %w", act, fault.Absent)
	}
	switch {
	case row.Object != "":
		return cloudseal.SignedAct{}, fault.WrongState
	case office != "" && row.Office != office:
		return cloudseal.SignedAct{}, fault.RoleMissing
	}
	row.Object = object
	if err := a.Table.Replace(tx, row); err != nil {
		return cloudseal.SignedAct{}, err
	}
	review, err := statement.ParseReview(row.Signed.Bytes)
	return cloudseal.SignedAct{Review: review, Signed: row.Signed}, err
}

// Filings is a seal filing that knows one impression an organization.
type Filings struct {
	mu    sync.Mutex
	filed map[string]registry.Filed
	Down  bool
}

// Put files an impression.
func (f *Filings) Put(uscc string, filed registry.Filed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.filed == nil {
		f.filed = map[string]registry.Filed{}
	}
	f.filed[uscc+filed.Kind] = filed
}

// Impression implements cloudseal.Filings.
func (f *Filings) Impression(_ context.Context, uscc, kind string) (registry.Filed, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Down {
		return registry.Filed{}, registry.ErrDown
	}
	filed, ok := f.filed[uscc+kind]
	if !ok {
		return registry.Filed{}, registry.ErrNotFiled
	}
	return filed, nil
}

// Ending is what an Outcome was told of a ticket.
type Ending struct {
	unit.Row `bson:",inline"`
	Begun    bool     `bson:"begun"`
	Done     []string `bson:"done"` // documents
	Failed   string   `bson:"failed"`
	Told     int      `bson:"told"` // how often an end was told
}

// Outcome keeps what it is told in the store's table, in the transaction that
// tells it.
type Outcome struct {
	Table unit.Table[Ending]
	// Ended, when set, refuses to begin.
	Ended *fault.Error
}

// Begin implements cloudseal.Outcome.
func (o *Outcome) Begin(tx unit.Tx, ticket string) error {
	if o.Ended != nil {
		return o.Ended
	}
	return o.change(tx, ticket, func(e *Ending) { e.Begun = true })
}

// Done implements cloudseal.Outcome.
func (o *Outcome) Done(tx unit.Tx, ticket string, stamped []cloudseal.Stamped) error {
	return o.change(tx, ticket, func(e *Ending) {
		e.Told++
		for _, s := range stamped {
			e.Done = append(e.Done, s.Document)
		}
	})
}

// Failed implements cloudseal.Outcome.
func (o *Outcome) Failed(tx unit.Tx, ticket, code string) error {
	return o.change(tx, ticket, func(e *Ending) { e.Told, e.Failed = e.Told+1, code })
}

func (o *Outcome) change(tx unit.Tx, ticket string, f func(*Ending)) error {
	e, err := o.Table.Get(tx, ticket)
	if err != nil {
		e = &Ending{Row: unit.Row{ID: ticket}}
		f(e)
		return o.Table.Insert(tx, e)
	}
	f(e)
	return o.Table.Replace(tx, e)
}

var _ cloudseal.Trail = (*audit.Log)(nil)
