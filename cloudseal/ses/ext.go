package ses

import (
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	tags "golang.org/x/crypto/cryptobyte/asn1"
)

// Ext is one ExtData (GB/T 38540 §6.1): in a seal or in the signed part of a
// signature.
type Ext struct {
	// OID is nil when read with an arc of more than 31 bits.
	OID      asn1.ObjectIdentifier
	Critical bool
	Value    []byte
}

// extensions reads an optional ExtensionDatas at the end of a structure. The
// standard has it plain in seals and under an explicit [0] in signatures.
func (r *reader) extensions() []Ext {
	var list *reader
	switch tag := r.next(); tag {
	case 0:
		return nil
	case tagExplicit0:
		list = r.enter("extDatas", tag)
		if list.explicitList() {
			outer := list
			list = outer.sequence("extDatas")
			outer.end("extDatas")
		}
	case tags.OCTET_STRING:
		outer := r.inside(r.octets("extDatas", MaxSeal))
		list = outer.sequence("extDatas")
		outer.end("extDatas")
	default:
		list = r.sequence("extDatas")
	}
	return list.extList()
}

// explicitList tells a tag around SEQUENCE OF ExtData from one in its place:
// the first element holds sequences or nothing, not an identifier.
func (r *reader) explicitList() bool {
	peek := reader{in: r.in, err: new(error)}
	return peek.count() == 1 && peek.sequence("").next() != tags.OBJECT_IDENTIFIER
}

func (r *reader) extList() (list []Ext) {
	for r.more() {
		if len(list) == MaxExtensions {
			r.tooLarge("extDatas")
			return nil
		}
		in := r.sequence("ExtData")
		list = append(list, Ext{OID: in.oid("extnID"), Critical: in.critical(), Value: in.octets("extnValue", MaxSeal)})
		in.end("ExtData")
	}
	return list
}

func (r *reader) critical() (v bool) {
	if r.next() == tags.BOOLEAN && !r.in.ReadASN1Boolean(&v) {
		r.fail("critical")
	}
	return v
}

// addExtensions writes ExtensionDatas. critical is always written, although DER
// leaves a default out: every maker writes it, and the common reader loses an
// extension without it and then finds the signature broken.
func addExtensions(b *cryptobyte.Builder, list []Ext) {
	b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range list {
			b.AddASN1(tags.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(e.OID)
				b.AddASN1Boolean(e.Critical)
				b.AddASN1OctetString(e.Value)
			})
		}
	})
}

// checkExts holds extensions against what is written: named, once each, within
// the limits.
func checkExts(list []Ext) error {
	if len(list) > MaxExtensions {
		return fmt.Errorf("%w: %d extensions", ErrTooLarge, len(list))
	}
	seen := make(map[string]bool, len(list))
	for _, e := range list {
		name := e.OID.String()
		if len(e.OID) < 2 || seen[name] {
			return fmt.Errorf("%w: extension %q without a name or twice", ErrProfile, name)
		}
		seen[name] = true
	}
	return nil
}
