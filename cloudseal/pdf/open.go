package pdf

import (
	"errors"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// Document is an opened PDF file. It is for one goroutine.
type Document struct {
	file     *cos.File
	root     *cos.Object // the catalog
	pages    []page
	findings []Finding
	judged   bool
	// next is the first number that no object has and no reference names: an
	// object that something is waiting for must not come to life by a stamp.
	next int
}

// Open reads the structure of a file. The bytes must stay unchanged while the
// document is in use. A file that is encrypted, damaged or over a limit is
// refused with fault.DocumentRefused, whose field "findings" says why.
func Open(b []byte) (*Document, error) {
	file, err := openFile(b)
	if err != nil {
		return nil, err
	}
	d := &Document{file: file, next: file.NextNum()}
	if d.root, err = catalog(file); err != nil {
		return nil, refusedFor(err)
	}
	if d.pages, err = walkPages(file, d.root.Dict()); err != nil {
		return nil, refusedFor(err)
	}
	return d, nil
}

// Pages gives the pages in order, as a reader displays them.
func (d *Document) Pages() []Page {
	out := make([]Page, len(d.pages))
	for i := range d.pages {
		out[i] = d.pages[i].displayed()
	}
	return out
}

func openFile(b []byte) (*cos.File, error) {
	if len(b) > MaxFile {
		return nil, refused(Finding{Code: TooLarge}, nil)
	}
	file, err := cos.Open(b)
	if err != nil {
		return nil, refusedFor(err)
	}
	return file, nil
}

// catalog gives the object that the trailer's Root names.
func catalog(file *cos.File) (*cos.Object, error) {
	ref, ok := file.Trailer().Get("Root").(cos.Ref)
	if !ok {
		return nil, errDamaged("no catalog")
	}
	o, err := file.Load(ref)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, errDamaged("no catalog")
	}
	if _, ok := o.Value.(*cos.Dict); !ok {
		return nil, errDamaged("no catalog")
	}
	return o, nil
}

func errDamaged(what string) error {
	return errors.Join(cos.ErrDamaged, errors.New(what))
}

// refusedFor turns an error of the object reader into a refusal.
func refusedFor(err error) error {
	code := Damaged
	switch {
	case errors.Is(err, errPages):
		code = TooManyPages
	case errors.Is(err, cos.ErrEncrypted):
		code = Encrypted
	case errors.Is(err, cos.ErrLimit):
		code = TooComplex
	}
	return refused(Finding{Code: code}, err)
}

// refused is fault.DocumentRefused with one finding.
func refused(f Finding, cause error) error {
	return fault.DocumentRefused.With("findings", []Finding{f.worded()}).Because(cause)
}
