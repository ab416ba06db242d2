package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"math"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf/internal/cos"
)

// PlaceOptions are what a caller may choose; the zero value is good.
type PlaceOptions struct {
	// Field is the name of the signature field: 1 to 64 letters, digits, "-" or
	// "_", not yet in the form. Empty: the next free of Seal1, Seal2 …
	Field string
	// Slot is the room for the signature in bytes of DER, by default
	// DefaultSlot, from MinSlot to MaxSlot.
	Slot int
}

// trueSize is how far, in mm, a place may differ from the size of the picture:
// statements give places to a tenth.
const trueSize = 0.051

var (
	errSlot     = errors.New("size of the slot out of range")
	errField    = errors.New("name of the field not free or not plain")
	errOffPage  = errors.New("place not on the page")
	errNotScale = errors.New("place of another size than the picture")
)

// newObjects is more than the objects that a stamp adds.
const newObjects = 10

// Place prepares a stamp: one more revision behind the file, with the picture
// at its true size at the place, and room for the signature. A place with W and
// H zero takes the picture's size; any other size is refused, for a seal is not
// scaled. Nothing of the file changes, so earlier signatures stay valid.
//
// Errors: fault.DocumentRefused when the document has findings, fault.PlaceBad,
// fault.ImpressionBad; a plain error for options out of range.
func (d *Document) Place(at Place, pic Picture, opt PlaceOptions) (*Prepared, error) {
	if findings := d.Findings(); len(findings) > 0 {
		return nil, fault.DocumentRefused.With("findings", findings)
	}
	pg, rect, err := d.locate(at, pic)
	if err != nil {
		return nil, err
	}
	if opt, err = d.complete(opt); err != nil {
		return nil, err
	}
	if d.next+newObjects > cos.MaxObjects {
		return nil, refused(Finding{Code: TooComplex}, cos.ErrLimit)
	}
	picture, err := pic.draw()
	if err != nil {
		return nil, err
	}
	s := &stamping{
		increment: newIncrement(d.file, d.next, room(picture, opt.Slot)),
		doc:       d, page: pg, rect: rect, opt: opt,
	}
	return s.write(picture)
}

// locate finds the page and the rectangle in its user space.
func (d *Document) locate(at Place, pic Picture) (*page, box, error) {
	if at.Page < 1 || at.Page > len(d.pages) {
		return nil, box{}, fault.PlaceBad.Because(errOffPage)
	}
	if at.W == 0 && at.H == 0 {
		at.W, at.H = pic.Width, pic.Height
	}
	if !(math.Abs(at.W-pic.Width) < trueSize && math.Abs(at.H-pic.Height) < trueSize) {
		return nil, box{}, fault.PlaceBad.Because(errNotScale)
	}
	at.W, at.H = pic.Width, pic.Height
	pg := &d.pages[at.Page-1]
	size := pg.displayed()
	fits := at.X >= 0 && at.Y >= 0 && at.W > 0 && at.H > 0 &&
		at.X+at.W <= size.Width+trueSize && at.Y+at.H <= size.Height+trueSize
	if !fits {
		return nil, box{}, fault.PlaceBad.Because(errOffPage)
	}
	return pg, pg.rect(at), nil
}

// complete fills in the options' defaults and checks them against the form.
func (d *Document) complete(opt PlaceOptions) (PlaceOptions, error) {
	if opt.Slot == 0 {
		opt.Slot = DefaultSlot
	}
	if opt.Slot < MinSlot || opt.Slot > MaxSlot {
		return opt, errSlot
	}
	fields, err := formFields(d.file, d.root.Dict())
	if err != nil {
		return opt, refusedFor(err)
	}
	taken := map[string]bool{}
	for i := range fields {
		taken[fields[i].name] = true
	}
	if opt.Field == "" {
		for n := 1; opt.Field == "" || taken[opt.Field]; n++ {
			opt.Field = fmt.Sprintf("Seal%d", n)
		}
	}
	if taken[opt.Field] || !plain(opt.Field) {
		return opt, errField
	}
	return opt, nil
}

func plain(name string) bool {
	for _, c := range []byte(name) {
		ok := c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !ok {
			return false
		}
	}
	return len(name) >= 1 && len(name) <= 64
}

// room estimates the increment, so that it is allocated once: the rest is
// rewritten objects of the file.
func room(d drawing, slot int) int {
	return len(d.colors.data) + len(d.mask.data) + 2*slot + 16<<10
}

// stamping is one run of Place.
type stamping struct {
	*increment
	doc  *Document
	page *page
	rect box
	opt  PlaceOptions

	signature, field, appearance, colors, mask cos.Ref
}

// Widget flags (ISO 32000-1 §12.5.3): printed, and neither moved nor deleted.
const widgetFlags = 4 | 128

func (s *stamping) write(picture drawing) (*Prepared, error) {
	for _, ref := range []*cos.Ref{&s.field, &s.signature, &s.appearance, &s.colors, &s.mask} {
		*ref = s.reserve()
	}
	s.writePicture(picture)
	s.object(s.field, fmt.Appendf(nil,
		"<< /Type /Annot /Subtype /Widget /FT /Sig /T (%s) /F %d /Rect %s /P %s /V %s /AP << /N %s >> >>",
		s.opt.Field, widgetFlags, rectangle(s.rect), reference(s.page.obj.Ref),
		reference(s.signature), reference(s.appearance)))
	if err := s.annotate(); err != nil {
		return nil, err
	}
	if err := s.enterForm(); err != nil {
		return nil, err
	}
	slot := s.writeSignature()
	s.finish(s.identifier())
	return slot.fill(s), nil
}

// writePicture writes the picture and the appearance that shows it. Multiply
// works like ink on paper: what is behind a stroke stays readable; a reader
// that does not know it falls back to plain transparency.
func (s *stamping) writePicture(p drawing) {
	s.stream(s.mask, p.mask)
	p.colors.entries += fmt.Sprintf(" /SMask %s", reference(s.mask))
	s.stream(s.colors, p.colors)
	m := s.page.upright()
	w, h := s.rect.width(), s.rect.height()
	if s.page.turned() {
		w, h = h, w
	}
	s.stream(s.appearance, xobject{
		entries: fmt.Sprintf("/Type /XObject /Subtype /Form /FormType 1 /BBox [0 0 %s %s] /Matrix [%d %d %d %d 0 0] "+
			"/Resources << /ExtGState << /Ink << /Type /ExtGState /BM /Multiply >> >> /XObject << /Seal %s >> >>",
			number(w), number(h), m[0], m[1], m[2], m[3], reference(s.colors)),
		data: fmt.Appendf(nil, "q /Ink gs %s 0 0 %s 0 0 cm /Seal Do Q", number(w), number(h)),
	})
}

func rectangle(b box) string {
	return fmt.Sprintf("[%s %s %s %s]", number(b.x0), number(b.y0), number(b.x1), number(b.y1))
}

// identifier is the file identifier of the new revision (ISO 32000-1 §14.4):
// the first part stays, the second changes. It is derived, not random, so that
// the same request gives the same bytes.
func (s *stamping) identifier() string {
	id := s.file.Items(s.file.Trailer().Get("ID"))
	if len(id) != 2 {
		return ""
	}
	first, ok1 := id[0].(cos.String)
	second, ok2 := id[1].(cos.String)
	if !ok1 || !ok2 || bytes.ContainsAny(first.Raw, "\r\n") {
		return ""
	}
	fresh := gm.SM3(second.Raw, fmt.Appendf(nil, "%d %s %s", s.base, s.opt.Field, rectangle(s.rect)))
	return fmt.Sprintf(" /ID [%s <%x>]", first.Raw, fresh[:16])
}
