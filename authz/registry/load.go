package registry

import (
	"encoding/json"
	"fmt"
	"io"

	"yunzhang.dev/authz/codes"
)

// maxWorld bounds the file of a sandbox world, in bytes: thousands of
// organizations.
const maxWorld = 4 << 20

// Load adds the organizations of a JSON list to the world, all or none:
//
//	[{"uscc": "91350100M000100Y43", "name": "…", "legal": {"name": "…", "idNumber": "…"},
//	  "kinds": ["statutory", "finance"]}]
//
// It refuses unknown fields, statuses, and numbers with a wrong check digit, and
// names the place in the list, never what stands there.
func (s *Sandbox) Load(r io.Reader) error {
	d := json.NewDecoder(io.LimitReader(r, maxWorld))
	d.DisallowUnknownFields()
	var orgs []Organization
	if err := d.Decode(&orgs); err != nil {
		return fmt.Errorf("read the sandbox world: %w", err)
	}
	for i := range orgs {
		if err := orgs[i].check(); err != nil {
			return fmt.Errorf("organization %d of the sandbox world: %w", i+1, err)
		}
	}
	for _, o := range orgs {
		s.Put(o)
	}
	return nil
}

func (o *Organization) check() error {
	uscc, err := codes.ParseUSCC(o.USCC)
	if err != nil {
		return err
	}
	o.USCC = string(uscc)
	id, err := codes.ParseCitizenID(o.Legal.IDNumber)
	if err != nil {
		return err
	}
	o.Legal.IDNumber = string(id)
	if o.Name, err = codes.CleanName(o.Name); err != nil {
		return err
	}
	if o.Legal.Name, err = codes.CleanName(o.Legal.Name); err != nil {
		return err
	}
	if o.Region != "" {
		if _, err := codes.ParseRegion(o.Region); err != nil {
			return err
		}
	}
	switch o.Status {
	case "", InOperation, Suspended, Dissolved:
		return nil
	default:
		return fmt.Errorf("registry: no such status")
	}
}
