package keys

import (
	"strconv"
	"time"

	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Tables is the signer's own store. Indexes it asks for:
//
//	Keys       seal+version unique
//	Journal    use unique; ticket+index; state+ticket
//	Texts      none
//	Approvals  nonce unique; approval unique
//	Stops      none
type Tables struct {
	Keys      unit.Table[Key]
	Journal   unit.Table[Entry]
	Texts     unit.Table[Text]
	Approvals unit.Table[Approval]
	Stops     unit.Table[Stop]
}

// Key is one version of a seal's key, in its envelope. Its id is KeyID.
type Key struct {
	unit.Row `bson:",inline"`
	Seal     string `bson:"seal"` // seal code
	Version  int    `bson:"version"`
	Org      string `bson:"org"`    // USCC of the owner
	Public   []byte `bson:"public"` // SPKI
	// Certificate and SealHash are empty until Certify: such a key signs nothing.
	Certificate []byte    `bson:"certificate"` // DER
	SealHash    gm.Digest `bson:"sealHash"`    // of the DER SESeal
	KEK         string    `bson:"kek"`         // id of the key that wraps DEK
	DEK         []byte    `bson:"dek"`         // wrapped SM4 key, one per version
	Scalar      []byte    `bson:"scalar"`      // d wrapped under DEK
	CreatedAt   time.Time `bson:"createdAt"`
	MAC         gm.Digest `bson:"mac"`
}

// KeyID names a version of a seal's key.
func KeyID(seal string, version int) string { return seal + "." + strconv.Itoa(version) }

func (k *Key) tag() *gm.Digest { return &k.MAC }

func (k *Key) content() [][]byte {
	return [][]byte{
		[]byte(k.Seal), number(k.Version), []byte(k.Org), k.Public, k.Certificate, k.SealHash[:],
		[]byte(k.KEK), k.DEK, k.Scalar, moment(k.CreatedAt),
	}
}

// State is where a journal entry stands.
type State string

// The states of a journal entry. Signed and Void are final.
const (
	Committed State = "committed" // the TBS is fixed; only it can be signed
	Done      State = "signed"    // the signature is stored
	Void      State = "void"      // refused; no signature can ever be made
)

// Entry is the journal's line for one document of one ticket. Its id is
// EntryID. Nothing changes in it after Committed but State and Value. What is
// signed stands beside it, in a Text of the same id, because it holds the whole
// seal and never changes: it is written once and read only to finish.
type Entry struct {
	unit.Row `bson:",inline"`
	Ticket   string `bson:"ticket"`
	Document string `bson:"document"`
	Index    int    `bson:"index"` // of the document in the statement, from 1
	State    State  `bson:"state"`
	// Use is unique: the slot of the delegation that this entry uses up, or
	// the entry's own id where none is used.
	Use      string    `bson:"use"`
	Seal     string    `bson:"seal"`
	Version  int       `bson:"version"`
	Approval gm.Digest `bson:"approval"` // hash of the approval statement
	Evidence gm.Digest `bson:"evidence"` // hash over all evidence
	File     gm.Digest `bson:"file"`     // SM3 of the document
	Data     gm.Digest `bson:"data"`     // dataHash of TBS_Sign
	TBS      gm.Digest `bson:"tbs"`      // SM3 of the Text: what alone can be signed
	Value    []byte    `bson:"value"`    // DER r, s once Done
	Reason   string    `bson:"reason"`   // fault code of a Void entry
	At       time.Time `bson:"at"`       // when it was written
	SignTime time.Time `bson:"signTime"` // timeInfo of the TBS
	MAC      gm.Digest `bson:"mac"`
}

// EntryID names the journal's line for a document of a ticket.
func EntryID(ticket, document string) string { return ticket + "." + document }

func (e *Entry) tag() *gm.Digest { return &e.MAC }

func (e *Entry) content() [][]byte {
	return [][]byte{
		[]byte(e.Ticket), []byte(e.Document), number(e.Index), []byte(e.State), []byte(e.Use),
		[]byte(e.Seal), number(e.Version), e.Approval[:], e.Evidence[:], e.File[:], e.Data[:],
		e.TBS[:], e.Value, []byte(e.Reason), moment(e.At), moment(e.SignTime),
	}
}

// Text is the complete DER TBS_Sign of an entry, fixed before anything is
// signed. It carries no MAC: its entry, which does, holds its hash.
type Text struct {
	unit.Row `bson:",inline"`
	TBS      []byte `bson:"tbs" enc:"document"`
}

// Approval says what became of a ticket: its one approval was spent, or it is
// void. Its id is the ticket.
type Approval struct {
	unit.Row `bson:",inline"`
	Nonce    string    `bson:"nonce"`    // of the statement; the ticket itself when void
	Approval string    `bson:"approval"` // hash of the statement; the ticket itself when void
	Void     bool      `bson:"void"`
	At       time.Time `bson:"at"`
	MAC      gm.Digest `bson:"mac"`
}

func (a *Approval) tag() *gm.Digest { return &a.MAC }

func (a *Approval) content() [][]byte {
	void := 0
	if a.Void {
		void = 1
	}
	return [][]byte{[]byte(a.Nonce), []byte(a.Approval), number(void), moment(a.At)}
}

// Stop is the state of one power a signature may depend on: stopped or not.
// Its id is kind:id. Rows come into being when they are first stopped or first
// relied on, so that both write the same row and cannot both commit.
type Stop struct {
	unit.Row `bson:",inline"`
	Stopped  bool      `bson:"stopped"`
	Version  int64     `bson:"version"` // the highest that was told of the power; 0: nothing was
	At       time.Time `bson:"at"`      // when Stopped last changed
	Used     int       `bson:"used"`    // signatures that relied on it
	MAC      gm.Digest `bson:"mac"`
}

func (s *Stop) tag() *gm.Digest { return &s.MAC }

func (s *Stop) content() [][]byte {
	stopped := 0
	if s.Stopped {
		stopped = 1
	}
	return [][]byte{number(stopped), number(int(s.Version)), moment(s.At), number(s.Used)}
}
