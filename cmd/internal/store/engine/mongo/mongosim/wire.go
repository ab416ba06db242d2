package mongosim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

const (
	maxDocument = 16 << 20
	maxMessage  = 48_000_000
	maxBatch    = 100_000

	opQuery = 2004 // long gone, but for the first hello
)

// request is one message of a client.
type request struct {
	id      int32
	legacy  bool // OP_QUERY, which only a first hello uses
	silent  bool // the client wants no answer
	exhaust bool // the client takes several answers
	told    doc  // the topologyVersion of the last of them
	body    doc
	seqs    map[string][]doc
}

var errWire = errors.New("mongosim: a message that is none")

// readRequest reads an OP_MSG or an OP_QUERY ("MongoDB Wire Protocol").
func readRequest(r io.Reader) (*request, error) {
	var head [16]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	length := int(binary.LittleEndian.Uint32(head[:]))
	if length < 16 || length > maxMessage {
		return nil, errWire
	}
	body := make([]byte, length-16)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, err
	}
	q := &request{id: int32(binary.LittleEndian.Uint32(head[4:])), seqs: map[string][]doc{}}
	switch wiremessage.OpCode(binary.LittleEndian.Uint32(head[12:])) {
	case wiremessage.OpMsg:
		return q, q.readMsg(body)
	case opQuery:
		return q, q.readQuery(body)
	}
	return nil, errWire
}

func (q *request) readMsg(b []byte) error {
	flags, b, ok := wiremessage.ReadMsgFlags(b)
	if !ok {
		return errWire
	}
	if flags&wiremessage.ChecksumPresent != 0 && len(b) >= 4 {
		b = b[:len(b)-4]
	}
	q.silent = flags&wiremessage.MoreToCome != 0
	q.exhaust = flags&wiremessage.ExhaustAllowed != 0
	for len(b) > 0 {
		kind, rest, ok := wiremessage.ReadMsgSectionType(b)
		if !ok {
			return errWire
		}
		switch kind {
		case wiremessage.SingleDocument:
			if q.body, b, ok = wiremessage.ReadMsgSectionSingleDocument(rest); !ok {
				return errWire
			}
		case wiremessage.DocumentSequence:
			var name string
			var docs []doc
			if name, docs, b, ok = wiremessage.ReadMsgSectionDocumentSequence(rest); !ok {
				return errWire
			}
			q.seqs[name] = docs
		default:
			return errWire
		}
	}
	return q.validate()
}

// readQuery reads what is left of OP_QUERY: flags, a name, two numbers, and the
// command.
func (q *request) readQuery(b []byte) error {
	q.legacy = true
	if len(b) < 4 {
		return errWire
	}
	_, b, ok := bytes.Cut(b[4:], []byte{0})
	if !ok || len(b) < 8 {
		return errWire
	}
	if q.body, _, ok = bsoncore.ReadDocument(b[8:]); !ok {
		return errWire
	}
	return q.validate()
}

// validate makes sure that whoever reads the documents need not.
func (q *request) validate() error {
	if q.body.Validate() != nil {
		return errWire
	}
	for _, docs := range q.seqs {
		for _, d := range docs {
			if d.Validate() != nil {
				return errWire
			}
		}
	}
	return nil
}

// docs gives an array of documents, from the body or from a sequence.
func (q *request) docs(name string) []doc {
	if ds, ok := q.seqs[name]; ok {
		return ds
	}
	var ds []doc
	for _, v := range items(field(q.body, name)) {
		d, _ := v.DocumentOK()
		ds = append(ds, d)
	}
	return ds
}

// appendReply writes an answer to a request; more says that another follows
// without being asked for.
func (q *request) appendReply(id, to int32, d doc, more bool) []byte {
	if q.legacy {
		at, b := wiremessage.AppendHeaderStart(nil, id, to, wiremessage.OpReply)
		b = wiremessage.AppendReplyFlags(b, wiremessage.AwaitCapable)
		b = wiremessage.AppendReplyCursorID(b, 0)
		b = wiremessage.AppendReplyStartingFrom(b, 0)
		b = wiremessage.AppendReplyNumberReturned(b, 1)
		return bsoncore.UpdateLength(append(b, d...), at, int32(len(b)+len(d)))
	}
	var flags wiremessage.MsgFlag
	if more {
		flags = wiremessage.MoreToCome
	}
	at, b := wiremessage.AppendHeaderStart(make([]byte, 0, len(d)+32), id, to, wiremessage.OpMsg)
	b = wiremessage.AppendMsgFlags(b, flags)
	b = append(wiremessage.AppendMsgSectionType(b, wiremessage.SingleDocument), d...)
	return bsoncore.UpdateLength(b, at, int32(len(b)))
}
