package embedded

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
)

// Check reads the whole store and reports the first thing that is out of
// order: a damaged page, an index entry without its document or a document
// without its entry. It is for the operator and for tests; on a large store it
// takes minutes and holds one reader.
func (s *Store) Check(ctx context.Context) error {
	v, err := s.view(ctx)
	if err != nil {
		return err
	}
	defer v.close()
	if err := v.pin(); err != nil {
		return err
	}
	err = v.c.query(quickCheck, func(row []driver.Value) error {
		if verdict, _ := row[0].(string); verdict != "ok" {
			return errors.New(verdict)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("embedded: the file is damaged: %w", err)
	}
	for _, c := range s.declared.Load().collections {
		if err := v.checkCollection(ctx, c); err != nil {
			return fmt.Errorf("embedded: collection %s: %w", c.Name, err)
		}
	}
	return nil
}

func (v *snapshot) checkCollection(ctx context.Context, c *collected) error {
	counts := make([]int64, len(c.indexes))
	rows := int64(0)
	err := v.each(c, func(n int64, id string, doc []byte) error {
		rows++
		keys, err := c.keys(doc, id)
		if err != nil {
			return err
		}
		for i, key := range keys {
			if key == nil {
				continue
			}
			counts[i]++
			if err := v.checkEntry(c, c.indexes[i], key, n, id); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for i, ix := range c.indexes {
		if err := v.checkCount(ix.id, counts[i], ix.Name()); err != nil {
			return err
		}
	}
	if !c.Outbox {
		return nil
	}
	return v.checkCount(c.order(), rows, "order of commits")
}

func (v *snapshot) checkEntry(c *collected, ix *indexed, key []byte, n int64, id string) error {
	owner, _, err := v.ownerOf(c, ix, key)
	if err != nil {
		return err
	}
	if owner != n {
		return fmt.Errorf("row %s is not where index %s should have it", id, ix.Name())
	}
	return nil
}

func (v *snapshot) checkCount(index, want int64, name string) error {
	var got int64
	err := v.c.query(countEntries, func(row []driver.Value) error {
		got = row[0].(int64)
		return nil
	}, index)
	if err == nil && got != want {
		err = fmt.Errorf("index %s has %d entries for %d rows", name, got, want)
	}
	return err
}
