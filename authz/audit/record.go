package audit

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// MaxField bounds each text of a record in bytes; what is longer is cut off, so
// that no caller's input can stop an act from being recorded.
const MaxField = 512

// Record tells of one act or one refusal.
type Record struct {
	unit.Row `bson:",inline"`
	At       time.Time `bson:"at"`       // store time of the act
	Actor    string    `bson:"actor"`    // person, application, or a part of the system
	Role     string    `bson:"role"`     // as what it acted
	Action   string    `bson:"action"`   // such as ticket.approved
	Object   string    `bson:"object"`   // on what: an identifier
	Org      string    `bson:"org"`      // the organization concerned, if any
	Decision string    `bson:"decision"` // such as allowed, refused, alarm
	Evidence gm.Digest `bson:"evidence"` // SM3 of what proves it; zero for nothing
	Detail   string    `bson:"detail"`   // codes and counts in words

	// What follows belongs to the sequencer.
	Chained bool      `bson:"chained"`
	Chain   string    `bson:"chain"`
	Seq     int64     `bson:"seq"`
	Prev    gm.Digest `bson:"prev"`
	Hash    gm.Digest `bson:"hash"`
}

// Decisions of a record.
const (
	Allowed = "allowed"
	Refused = "refused"
	Alarm   = "alarm" // somebody should look
)

// texts lists the text fields for cutting and for the canonical bytes.
func (r *Record) texts() []*string {
	return []*string{&r.Actor, &r.Role, &r.Action, &r.Object, &r.Org, &r.Decision, &r.Detail}
}

// clean makes every text storable and short.
func (r *Record) clean() {
	for _, text := range r.texts() {
		s := strings.ToValidUTF8(*text, "\ufffd")
		if len(s) > MaxField {
			s = s[:MaxField]
			for !utf8.ValidString(s) {
				s = s[:len(s)-1]
			}
		}
		*text = s
	}
}

// canonical gives the bytes that the chain holds. Each value has its length in
// front, so no value can imitate the next line.
func (r *Record) canonical() []byte {
	b := []byte("cseal-audit/1\n")
	line := func(key, value string) { b = fmt.Appendf(b, "%s: %d %s\n", key, len(value), value) }
	line("chain", r.Chain)
	line("seq", fmt.Sprint(r.Seq))
	line("id", r.ID)
	line("at", r.At.UTC().Format("2006-01-02T15:04:05.000Z"))
	line("actor", r.Actor)
	line("role", r.Role)
	line("action", r.Action)
	line("object", r.Object)
	line("org", r.Org)
	line("decision", r.Decision)
	line("evidence", r.Evidence.Hex())
	line("detail", r.Detail)
	return b
}

// link gives the hash that the chain must have at this record.
func (r *Record) link(prev gm.Digest) gm.Digest {
	return gm.SM3(prev[:], r.canonical())
}
