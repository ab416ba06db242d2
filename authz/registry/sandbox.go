package registry

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
	"time"
)

// Drawer draws an impression of a kind for an organization; number is what
// stands on the lower arc.
type Drawer interface {
	Draw(kind, name, number string) (png, svg []byte, width, height float64, err error)
}

// Organization is an organization of the sandbox world.
type Organization struct {
	USCC   string
	Name   string
	Legal  Identity
	Status Status
	Region string
	Kinds  []string // of filed impressions
}

// Sandbox is a business registry and a seal filing over a small world. It
// behaves like the real ones, and says that it is a sandbox. It is safe for
// concurrent use.
type Sandbox struct {
	drawer Drawer
	now    func() time.Time

	mu    sync.Mutex
	orgs  map[string]Organization // by USCC; guarded by mu
	down  bool                    // guarded by mu
	drawn map[string]Filed        // by USCC and kind; guarded by mu
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

func (s *Sandbox) find(uscc string) (Organization, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return Organization{}, false, ErrDown
	}
	o, ok := s.orgs[uscc]
	return o, ok, nil
}

// Represents says whether a person is the legal representative of an
// organization. An organization that is not registered is a no.
func (s *Sandbox) Represents(ctx context.Context, uscc string, who Identity) (Finding, error) {
	if err := ctx.Err(); err != nil {
		return Finding{}, err
	}
	o, ok, err := s.find(uscc)
	if err != nil {
		return Finding{}, err
	}
	f := Finding{Answer: No, Source: "sandbox-registry", At: s.now().UTC().Truncate(time.Millisecond)}
	if !ok {
		return f, nil
	}
	f.OrgName, f.Status, f.Region = o.Name, o.Status, o.Region
	if o.Legal == who && o.Status == InOperation {
		f.Answer = Yes
	}
	return f, nil
}

// Impression gives the filed impression of a kind. The sandbox draws it, once.
func (s *Sandbox) Impression(ctx context.Context, uscc, kind string) (Filed, error) {
	if err := ctx.Err(); err != nil {
		return Filed{}, err
	}
	o, ok, err := s.find(uscc)
	if err != nil {
		return Filed{}, err
	}
	if !ok || !contains(o.Kinds, kind) {
		return Filed{}, ErrNotFiled
	}
	key := o.USCC + kind + o.Name
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, ok := s.drawn[key]; ok {
		return f, nil
	}
	f := Filed{Kind: kind, Name: o.Name, Code: FilingNumber(o, kind), At: s.now().UTC().Truncate(time.Millisecond)}
	f.PNG, f.SVG, f.Width, f.Height, err = s.drawer.Draw(kind, o.Name, f.Code)
	if err != nil {
		return Filed{}, fmt.Errorf("draw the filed impression: %w", err)
	}
	s.drawn[key] = f
	return f, nil
}

// Filings lists the kinds that are filed for an organization.
func (s *Sandbox) Filings(ctx context.Context, uscc string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	o, _, err := s.find(uscc)
	return o.Kinds, err
}

// FilingNumber makes the 13-digit number of a physical seal: division and a
// serial that depends on organization and kind only.
func FilingNumber(o Organization, kind string) string {
	h := fnv.New32a()
	h.Write([]byte(o.USCC + kind))
	return fmt.Sprintf("%s%07d", o.Region, h.Sum32()%10_000_000)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
