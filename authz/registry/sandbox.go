package registry

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"
)

// Drawer draws an impression of a kind: name is what stands on it, number the
// filing number on the lower arc, for an invoice seal the USCC in its middle.
type Drawer interface {
	Draw(kind, name, number string) (png, svg []byte, width, height float64, err error)
}

// Organization is an organization of the sandbox world.
type Organization struct {
	USCC   string   `json:"uscc"`
	Name   string   `json:"name"`
	Legal  Identity `json:"legal"`
	Status Status   `json:"status,omitzero"` // "": in operation
	Region string   `json:"region,omitzero"` // "": as in the USCC
	Kinds  []string `json:"kinds,omitempty"` // of filed impressions
}

// The kinds on which something else stands than the name of the organization
// and the number of the filing.
const (
	nameSeal    = "legal-representative"
	invoiceSeal = "invoice"
)

// Sandbox is a business registry and a seal filing over a small world. It
// behaves like the real ones, and says that it is a sandbox. It is safe for
// concurrent use.
type Sandbox struct {
	drawer Drawer
	now    func() time.Time

	mu    sync.Mutex              // guards what follows
	orgs  map[string]Organization // by USCC
	down  bool
	blind bool
	delay time.Duration
	drawn map[string]Filed // by what stands on it
}

// NewSandbox makes an empty world. drawer may be nil when no filing is asked.
func NewSandbox(drawer Drawer, now func() time.Time) *Sandbox {
	return &Sandbox{drawer: drawer, now: now, orgs: map[string]Organization{}, drawn: map[string]Filed{}}
}

// Sandbox marks the provider as one that production refuses.
func (s *Sandbox) Sandbox() bool { return true }

// Put adds or changes an organization.
func (s *Sandbox) Put(o Organization) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Status == "" {
		o.Status = InOperation
	}
	if o.Region == "" && len(o.USCC) >= 8 {
		o.Region = o.USCC[2:8]
	}
	s.orgs[o.USCC] = o
}

// SetDown makes both providers fail, or work again.
func (s *Sandbox) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// SetUnknown makes the business registry answer that it does not know.
func (s *Sandbox) SetUnknown(unknown bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blind = unknown
}

// SetDelay makes every answer take so long, or as long as the asker waits.
func (s *Sandbox) SetDelay(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.delay = d
}

// find waits as long as the sandbox is told to and looks an organization up.
func (s *Sandbox) find(ctx context.Context, uscc string) (Organization, bool, error) {
	if err := s.wait(ctx); err != nil {
		return Organization{}, false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return Organization{}, false, ErrDown
	}
	o, ok := s.orgs[uscc]
	o.Kinds = slices.Clone(o.Kinds)
	return o, ok, nil
}

func (s *Sandbox) wait(ctx context.Context) error {
	s.mu.Lock()
	delay := s.delay
	s.mu.Unlock()
	if delay == 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Represents says whether a person is the legal representative of an
// organization. An organization that is not registered is a no.
func (s *Sandbox) Represents(ctx context.Context, uscc string, who Identity) (Finding, error) {
	o, ok, err := s.find(ctx, uscc)
	if err != nil {
		return Finding{}, err
	}
	f := Finding{Answer: No, Source: "sandbox-registry", At: s.now().UTC().Truncate(time.Millisecond)}
	switch {
	case s.unknown():
		f.Answer = Unknown
		return f, nil
	case !ok:
		return f, nil
	}
	f.OrgName, f.Status, f.Region = o.Name, o.Status, o.Region
	if o.Legal == who && o.Status == InOperation {
		f.Answer = Yes
	}
	return f, nil
}

func (s *Sandbox) unknown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.blind
}

// Impression gives the filed impression of a kind; ErrNotFiled when there is
// none. The sandbox draws it, once for what stands on it.
func (s *Sandbox) Impression(ctx context.Context, uscc, kind string) (Filed, error) {
	o, ok, err := s.find(ctx, uscc)
	if err != nil {
		return Filed{}, err
	}
	if !ok || !slices.Contains(o.Kinds, kind) {
		return Filed{}, ErrNotFiled
	}
	name, number := o.onSeal(kind)
	key := strings.Join([]string{kind, name, number}, "\x00")
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.drawn[key]; ok {
		return f, nil
	}
	f := Filed{Kind: kind, Name: o.Name, Code: FilingNumber(o, kind), At: s.now().UTC().Truncate(time.Millisecond)}
	f.PNG, f.SVG, f.Width, f.Height, err = s.drawer.Draw(kind, name, number)
	if err != nil {
		return Filed{}, fmt.Errorf("draw the filed impression: %w", err)
	}
	s.drawn[key] = f
	return f, nil
}

// onSeal is what stands on a seal of the kind.
func (o Organization) onSeal(kind string) (name, number string) {
	switch kind {
	case nameSeal:
		return o.Legal.Name, ""
	case invoiceSeal:
		return o.Name, o.USCC
	default:
		return o.Name, FilingNumber(o, kind)
	}
}

// Filings lists the kinds that are filed for an organization.
func (s *Sandbox) Filings(ctx context.Context, uscc string) ([]string, error) {
	o, _, err := s.find(ctx, uscc)
	return o.Kinds, err
}

// FilingNumber makes the 13-digit number of a physical seal: division and a
// serial that depends on organization and kind only.
func FilingNumber(o Organization, kind string) string {
	h := fnv.New32a()
	h.Write([]byte(o.USCC + kind))
	return fmt.Sprintf("%s%07d", o.Region, h.Sum32()%10_000_000)
}
