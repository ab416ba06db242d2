package statement

import (
	"bytes"
	"fmt"
	"strings"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/cloudseal/gm"
)

// displayTemplate names the wording of Render; it changes when that does, so
// that what a person was shown can be rendered again years later.
const displayTemplate = "approval/2"

// Display is what a phone shows of an approval, worded by the server: the
// display line of the statement holds its digest, so that the words are signed
// with it (protocol.md §2.6).
//
//	cseal-display/1
//	locale: zh
//	template: approval/2
//	seal.1: 示例科技有限公司公章      one line for each seal of the statement
//	text: 事项: 加盖电子印章          one line for each line on the screen
//
// Everything in the text but the names of the seals is in the statement or its
// manifest: whoever has these can render it again and compare.
type Display struct {
	Lang     string // Chinese or English
	Template string
	Seals    []string // names, in the order of Approval.Seals
	Lines    []Line
}

func displayLayout() layout[Display] {
	return layout[Display]{
		first: "cseal-display/1",
		lines: []line[Display]{
			one("locale", oneOf(Chinese, English), func(d *Display) *string { return &d.Lang }),
			one("template", codec[string]{format: checked(CheckText), parse: same}, func(d *Display) *string { return &d.Template }),
			{build: (*builder).sealNames, read: (*reader).sealNames},
			{build: (*builder).shown, read: (*reader).shown},
		},
	}
}

func (b *builder) sealNames(d *Display) {
	for i, name := range d.Seals {
		put(b, fmt.Sprintf("seal.%d", i+1), text(), name)
	}
}

func (r *reader) sealNames(d *Display) {
	for i := 1; i <= MaxSeals && r.next(fmt.Sprintf("seal.%d", i)); i++ {
		var name string
		get(r, fmt.Sprintf("seal.%d", i), text(), &name)
		d.Seals = append(d.Seals, name)
	}
}

func (b *builder) shown(d *Display) {
	if len(d.Lines) == 0 {
		b.fail("text", errMissing)
	}
	for _, l := range d.Lines {
		if strings.Contains(l.Label, ": ") || CheckText(l.Label) != nil || CheckText(l.Value) != nil {
			b.fail("text", errForm)
		}
		put(b, "text", text(), l.Label+": "+l.Value)
	}
}

func (r *reader) shown(d *Display) {
	for r.next("text") {
		var shown string
		get(r, "text", text(), &shown)
		label, value, _ := strings.Cut(shown, ": ")
		d.Lines = append(d.Lines, Line{label, value})
	}
	if r.err == nil && r.rest != "" {
		r.err = fmt.Errorf("line %q: %w", "text", errForm)
	}
}

// Bytes gives the display as it is hashed and sent; fault.StatementBad when a
// text in it could deceive.
func (d Display) Bytes() ([]byte, error) { return displayLayout().build(&d) }

// ParseDisplay reads a display, strictly.
func ParseDisplay(b []byte) (Display, error) { return displayLayout().parse(b) }

// Shows reads the display whose digest the statement holds. When it is of a
// template that is known here, it must be word for word what the statement
// renders to; else fault.StatementBad. The manifest of a large batch must have
// been added before.
func (a Approval) Shows(display []byte) (Display, error) {
	d, err := ParseDisplay(display)
	if err != nil {
		return Display{}, err
	}
	if gm.SM3(display) != a.Display {
		return Display{}, fault.StatementBad.Becausef("another display than the statement says")
	}
	if d.Template != displayTemplate {
		return d, nil
	}
	again, err := a.Render(d.Lang, d.Seals).Bytes()
	if err != nil {
		return Display{}, err
	}
	if !bytes.Equal(again, display) {
		return Display{}, fault.StatementBad.Becausef("the display does not say what the statement says")
	}
	return d, nil
}
