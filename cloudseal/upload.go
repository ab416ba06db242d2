package cloudseal

import (
	"context"
	"errors"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

// Upload takes a document in: checks it, freezes its bytes and gives it an id.
// sm3 is that of the bytes, as whoever received them computed it; they are hashed
// again before anything is approved or signed. A document that cannot be stamped is fault.DocumentRefused, with the findings
// its sender can act on in the field "findings".
func (s *Service) Upload(ctx context.Context, tenant, title string, b []byte, sm3 gm.Digest, kept unit.Kept[*Document]) (*Document, error) {
	if len(b) > s.Limits.MaxDocument {
		return nil, fault.BodyTooLarge.With("limit", s.Limits.MaxDocument)
	}
	if err := statement.CheckText(title); err != nil {
		return nil, fault.BadRequest.With("field", "title").Because(err)
	}
	file, err := pdf.Open(b)
	if err != nil {
		return nil, err
	}
	if findings := file.Findings(); len(findings) > 0 {
		return nil, fault.DocumentRefused.With("findings", findings)
	}
	d := &Document{
		Row: unit.Row{ID: unit.NewID("doc")}, Tenant: tenant, Title: title, SM3: sm3, Size: len(b),
		Pages: len(file.Pages()), State: Ready,
	}
	// Looked at before the bytes are kept, and counted with the document.
	if err := s.Work.View(ctx, func(tx unit.Tx) error { _, err := s.quota(tx, tenant, len(b)); return err }); err != nil {
		return nil, err
	}
	if err := s.Blobs.Put(ctx, tenant, d.SM3, b); err != nil {
		return nil, err
	}
	return d, s.Work.Update(ctx, func(tx unit.Tx) error {
		c, err := s.quota(tx, tenant, len(b))
		if err != nil {
			return err
		}
		if err := s.charge(tx, c); err != nil {
			return err
		}
		d.CreatedAt = tx.Now()
		if err := s.t.Documents.Insert(tx, d); err != nil {
			return err
		}
		return kept.Keep(tx, d)
	})
}

// quota gives the counter of what a tenant has uploaded today (UTC), with these
// bytes; fault.SlowDown when they are too many, with the time until tomorrow.
// It is counted in the store: it holds over all nodes.
func (s *Service) quota(tx unit.Tx, tenant string, size int) (*Counter, error) {
	today := tx.Now().UTC().Truncate(24 * time.Hour)
	id := "uploads " + tenant + " " + today.Format(time.DateOnly)
	c, err := s.t.Counters.Get(tx, id)
	if errors.Is(err, unit.ErrAbsent) {
		c, err = &Counter{Row: unit.Row{ID: id}}, nil
	}
	if err != nil {
		return nil, err
	}
	if c.Last += size; s.Limits.DailyUpload > 0 && c.Last > s.Limits.DailyUpload {
		return nil, fault.SlowDown.After(today.Add(24*time.Hour).Sub(tx.Now())).With("daily_bytes", s.Limits.DailyUpload)
	}
	return c, nil
}

func (s *Service) charge(tx unit.Tx, c *Counter) error {
	if c.Ver > 0 {
		return s.t.Counters.Replace(tx, c)
	}
	if err := s.t.Counters.Insert(tx, c); !errors.Is(err, unit.ErrTaken) {
		return err
	}
	return unit.ErrConflict // somebody else began the day
}

// Document gives a document of a tenant; somebody else's is fault.Absent.
func (s *Service) Document(ctx context.Context, tenant, id string) (d *Document, err error) {
	err = s.Work.View(ctx, func(tx unit.Tx) error {
		d, err = s.document(tx, tenant, id)
		return err
	})
	return d, err
}

func (s *Service) document(tx unit.Tx, tenant, id string) (*Document, error) {
	d, err := s.t.Documents.Get(tx, id)
	if err != nil {
		return nil, absentAs(err, fault.Absent)
	}
	if d.Tenant != tenant {
		return nil, fault.Absent
	}
	return d, nil
}

// Original gives the bytes of a document as uploaded.
func (s *Service) Original(ctx context.Context, d *Document) ([]byte, error) {
	return s.bytes(ctx, d.Tenant, d.SM3)
}

// Result gives the bytes of a stamped document; fault.NotStamped while there
// are none.
func (s *Service) Result(ctx context.Context, d *Document) ([]byte, error) {
	if d.State != StampedDoc {
		return nil, fault.NotStamped
	}
	return s.bytes(ctx, d.Tenant, d.Stamped)
}

// bytes reads a blob. One that is lost or altered is fault.DocumentChanged:
// what was shown can no longer be had.
func (s *Service) bytes(ctx context.Context, tenant string, digest gm.Digest) ([]byte, error) {
	b, err := s.Blobs.Get(ctx, tenant, digest)
	if errors.Is(err, unit.ErrAbsent) {
		return nil, fault.DocumentChanged.Because(err)
	}
	return b, err
}
