package verify

import (
	"slices"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// Text is a sentence in both languages.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Verdict is the one word.
type Verdict string

// The verdicts, best first.
const (
	Genuine       Verdict = "genuine"
	Unsealed      Verdict = "unsealed"
	UnknownIssuer Verdict = "unknown-issuer"
	Invalid       Verdict = "invalid"
	Altered       Verdict = "altered"
)

// Words says the verdict to people.
func (v Verdict) Words() Text {
	switch v {
	case Genuine:
		return Text{"真实有效：文件自盖章后未被改动，印章和签章人可信", "Genuine: unchanged since it was stamped, by a trusted seal."}
	case Unsealed:
		return Text{"文件上没有电子印章", "There is no electronic seal on this document."}
	case UnknownIssuer:
		return Text{"印章签发机构不在信任列表中", "The issuer of the seal is not in the list of trusted issuers."}
	case Invalid:
		return Text{"印章无效", "The seal on this document is not valid."}
	case Altered:
		return Text{"文件在盖章后被改动", "The document was altered after it was stamped."}
	}
	return Text{"未知", "Unknown"}
}

// worse gives the worse of two verdicts.
func (v Verdict) worse(o Verdict) Verdict {
	order := []Verdict{Genuine, Unsealed, UnknownIssuer, Invalid, Altered}
	if slices.Index(order, o) > slices.Index(order, v) {
		return o
	}
	return v
}

// Answer is what a check came to.
type Answer string

// The answers.
const (
	Yes        Answer = "yes"
	No         Answer = "no"
	NotChecked Answer = "not-checked"
)

// Name names a check.
type Name string

// The checks, in the order of a report.
const (
	Integrity    Name = "integrity"
	Coverage     Name = "coverage"
	LaterChanges Name = "later-changes"
	SealMaker    Name = "seal"
	Signer       Name = "signer"
	Chain        Name = "chain"
	Revocation   Name = "revocation"
	Time         Name = "time"
	Status       Name = "status"
	Evidence     Name = "evidence"
	Void         Name = "void"
)

// Names lists the checks in the order of a report.
func Names() []Name {
	return []Name{Integrity, Coverage, LaterChanges, SealMaker, Signer, Chain, Revocation, Time, Status, Evidence, Void}
}

// Check is one sentence of a report and its answer. Reason says why, for people;
// Code is the same for programs, stable.
type Check struct {
	Name   Name   `json:"check"`
	Answer Answer `json:"answer"`
	Code   string `json:"code"`
	Reason Text   `json:"reason"`
}

// Report is what is known of a document.
type Report struct {
	Verdict Verdict   `json:"verdict"`
	Words   Text      `json:"words"`
	SM3     gm.Digest `json:"sm3"` // of the whole file
	Size    int       `json:"size"`
	// Code and Reason are set when the file as a whole could not be examined.
	Code   string  `json:"code,omitempty"`
	Reason Text    `json:"reason,omitzero"`
	Stamps []Stamp `json:"stamps"`
}

// Stamp is what is known of one stamp. What it says of itself is worth as much
// as its checks are.
type Stamp struct {
	Verdict  Verdict        `json:"verdict"`
	Words    Text           `json:"words"`
	Field    string         `json:"field"`
	Page     int            `json:"page"`
	Place    Place          `json:"place,omitzero"`
	Time     time.Time      `json:"time,omitzero"` // claimed
	Seal     SealFacts      `json:"seal,omitzero"`
	Signer   Subject        `json:"signer,omitzero"`
	Evidence *EvidenceFacts `json:"evidence,omitempty"`
	Checks   []Check        `json:"checks"`
}

// Place is where a stamp stands on its page, in mm from the top left.
type Place struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
	W float64 `json:"w"`
	H float64 `json:"h"`
}

// SealFacts is what a seal says of itself.
type SealFacts struct {
	Code      string    `json:"code"`
	Name      string    `json:"name"`
	Type      int       `json:"type"`
	Version   int       `json:"version"`
	Standard  string    `json:"standard"`
	Vendor    string    `json:"vendor"`
	Hash      gm.Digest `json:"sm3"`
	ValidFrom time.Time `json:"valid_from"`
	ValidTo   time.Time `json:"valid_to"`
	Maker     Subject   `json:"maker"`
}

// Subject is what a certificate says of its holder.
type Subject struct {
	Name         string `json:"name"`         // CN
	Organization string `json:"organization"` // O
	Issuer       string `json:"issuer"`       // CN of the issuer
	Serial       string `json:"serial"`       // hex
}

// EvidenceFacts is what a stamp says of the approval behind it, and, once the
// chain of statements is proved, who approved and who allowed it.
type EvidenceFacts struct {
	Kind       string    `json:"kind"`
	Approval   gm.Digest `json:"approval"`
	Delegation gm.Digest `json:"delegation,omitzero"`
	Slot       int       `json:"slot,omitempty"`
	Proved     *Proved   `json:"proved,omitempty"`
}

// Proved is what the statements of proved evidence say.
type Proved struct {
	Ticket      string    `json:"ticket"`
	Application string    `json:"application"`
	Principal   string    `json:"principal"` // USCC and name
	Agent       string    `json:"agent,omitempty"`
	Grantor     string    `json:"grantor,omitempty"`
	Slots       int       `json:"slots,omitempty"`     // uses of the delegation in all
	SecondBy    string    `json:"second_by,omitempty"` // who approved as second person
	ApprovedBy  time.Time `json:"approved_by"`         // end of the approval's window
}

// Answer gives the answer of a check.
func (s Stamp) Answer(name Name) Answer {
	for _, c := range s.Checks {
		if c.Name == name {
			return c.Answer
		}
	}
	return NotChecked
}

// verdict weighs the checks.
func (s Stamp) verdict() Verdict {
	is := func(a Answer, names ...Name) bool {
		return slices.ContainsFunc(names, func(n Name) bool { return s.Answer(n) == a })
	}
	switch {
	case is(No, Integrity, Coverage, LaterChanges):
		return Altered
	case is(No, SealMaker, Signer, Revocation, Time, Status, Evidence, Void):
		return Invalid
	case is(NotChecked, Integrity, SealMaker, Signer):
		return Invalid // a stamp that cannot be read
	case !is(Yes, Chain):
		return UnknownIssuer
	}
	return Genuine
}

// WithoutNames gives the report as anybody may see it: that the evidence is
// proved stays, who approved and who allowed it does not.
func (r Report) WithoutNames() Report {
	r.Stamps = slices.Clone(r.Stamps)
	for i, s := range r.Stamps {
		if s.Evidence == nil || s.Evidence.Proved == nil {
			continue
		}
		facts, proved := *s.Evidence, *s.Evidence.Proved
		proved.Agent, proved.Grantor, proved.SecondBy = "", "", ""
		facts.Proved = &proved
		r.Stamps[i].Evidence = &facts
	}
	return r
}
