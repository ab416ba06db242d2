package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"yunzhang.dev/authz/unit"
)

// OpenBlobs opens a store of blobs in a folder.
func OpenBlobs(dir string, keys Keys) (*Blobs, error) {
	d, err := OpenDir(dir)
	if err != nil {
		return nil, err
	}
	return NewBlobs(d, keys)
}

// Dir is a [Bucket] in a folder: a file for each blob, spread over folders by
// the first two characters of its name. A file is complete from the moment it
// has its name. The folder belongs to one process: keep it inside the data
// folder, whose lock guards it.
type Dir struct{ root string }

// asideDir holds files that are being written.
const asideDir = "new"

// OpenDir opens a bucket in a folder, which is made when it is not there, and
// removes what a crash left half written.
func OpenDir(root string) (*Dir, error) {
	aside := filepath.Join(root, asideDir)
	if err := os.RemoveAll(aside); err != nil {
		return nil, fmt.Errorf("clear the folder of blobs: %w", err)
	}
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of blobs: %w", err)
	}
	return &Dir{root}, nil
}

func (d *Dir) folder(name string) string { return filepath.Join(d.root, name[:2]) }

func (d *Dir) path(name string) string { return filepath.Join(d.folder(name), name) }

// Put implements [Bucket]: write aside, flush, rename, flush the folder.
func (d *Dir) Put(ctx context.Context, name string, sealed []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := os.Stat(d.path(name)); err == nil {
		// Whoever wrote it may not have come to flush the folder yet.
		return syncFolder(d.folder(name))
	}
	if err := d.makeFolder(name); err != nil {
		return err
	}
	aside, err := writeAside(filepath.Join(d.root, asideDir), sealed)
	if err != nil {
		return err
	}
	if err := os.Rename(aside, d.path(name)); err != nil {
		return errors.Join(err, os.Remove(aside))
	}
	return syncFolder(d.folder(name))
}

// makeFolder makes the folder of a blob and its name durable.
func (d *Dir) makeFolder(name string) error {
	err := os.Mkdir(d.folder(name), 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(d.root)
}

// writeAside writes a file that is safe on the disk before it gets its name.
func writeAside(dir string, b []byte) (path string, err error) {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return "", err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Get implements [Bucket].
func (d *Dir) Get(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unit.ErrAbsent
	}
	return b, err
}

// Names implements [Lister].
func (d *Dir) Names(ctx context.Context, fn func(name string) error) error {
	folders, err := os.ReadDir(d.root) // in the order of their names
	if err != nil {
		return fmt.Errorf("list blobs: %w", err)
	}
	for _, folder := range folders {
		if folder.Name() == asideDir {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		files, err := os.ReadDir(filepath.Join(d.root, folder.Name()))
		if err != nil {
			return fmt.Errorf("list blobs: %w", err)
		}
		for _, f := range files {
			if err := fn(f.Name()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete implements [Bucket].
func (d *Dir) Delete(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := os.Remove(d.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, syncFolder(d.folder(name)))
}
