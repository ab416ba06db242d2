package ws

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/web/httpx"
)

const version = 1

// message is any message to a page. Fields that a type does not have are left out.
type message struct {
	V    int    `json:"v"`
	Type string `json:"type"`
	TID  string `json:"tid"`
	Seq  int64  `json:"seq"` // 0 for what is no event
	TS   string `json:"ts"`

	State   string `json:"state,omitzero"`
	App     string `json:"app,omitzero"`
	Purpose string `json:"purpose,omitzero"`
	LastSeq *int64 `json:"last_seq,omitzero"`
	Resume  string `json:"resume,omitzero"`
	HB      int    `json:"hb,omitzero"` // seconds
	TTL     *int64 `json:"ttl_ms,omitzero"`

	N     *int   `json:"n,omitzero"`
	QR    string `json:"qr,omitzero"`
	Valid int64  `json:"valid_ms,omitzero"`

	Who       string `json:"who,omitzero"`
	Match     string `json:"match,omitzero"`
	Decide    int64  `json:"decide_ms,omitzero"`
	TriesLeft *int   `json:"tries_left,omitzero"`
	Done      *int   `json:"done,omitzero"`
	Total     *int   `json:"total,omitzero"`

	ResultCode string   `json:"result_code,omitzero"`
	Expires    int64    `json:"expires_ms,omitzero"`
	Reason     string   `json:"reason,omitzero"`
	Problem    *problem `json:"problem,omitzero"`
}

// problem is the short form of a problem document.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
}

// timestamps have milliseconds (protocol.md §2.10).
const timestamp = "2006-01-02T15:04:05.000Z"

func (m message) encode(ticket string, at time.Time) []byte {
	m.V, m.TID, m.TS = version, ticket, at.UTC().Format(timestamp)
	b, err := json.Marshal(m)
	if err != nil { // strings that are not UTF-8, which no domain value is
		return nil
	}
	return b
}

func helloMessage(v View, hb time.Duration) message {
	left := v.Left.Milliseconds()
	return message{
		Type: "hello", State: v.State, App: v.App, Purpose: v.Purpose, LastSeq: &v.LastSeq,
		Resume: v.Resume, HB: int(hb.Seconds()), TTL: &left,
	}
}

func frameMessage(f Frame) message {
	return message{Type: "qr", N: &f.N, QR: f.Text, Valid: f.ValidFor.Milliseconds()}
}

// endings are the terminal states that are told as "ended", with the fault that
// describes each.
var endings = map[string]*fault.Error{
	"expired": fault.Expired, "cancelled": fault.TicketUnavailable, "blocked": fault.Blocked, "failed": fault.StampFailed,
}

// eventMessage gives the message of an event; final when nothing can follow it.
// Events a page has no use for give false.
func eventMessage(e Event, lang string) (m message, final, ok bool) {
	m = message{Type: e.Type, Seq: e.Seq}
	switch e.Type {
	case "claimed":
		m.Who, m.Match, m.Decide = e.Who, e.Match, e.Left.Milliseconds()
	case "match_wrong":
		m.TriesLeft = &e.TriesLeft
	case "wrong_subject":
	case "signing":
		m.Done, m.Total = &e.Done, &e.Total
	case "approved":
		if e.ResultCode == "" {
			m.Reason = e.Reason // it may wait for a second person
			break
		}
		m.Type = "done" // the result is the end for log-in and bind
		fallthrough
	case "done":
		m.ResultCode, m.Expires = e.ResultCode, e.ResultFor.Milliseconds()
		final = true
	case "rejected":
		m.Reason, final = e.Reason, true
	case "expired", "cancelled", "blocked", "failed":
		m.Type, m.State, m.Reason, final = "ended", e.Type, e.Reason, true
		doc := httpx.Problem(endings[e.Type], lang)
		m.Problem = &problem{Type: doc.Type, Title: doc.Title, Status: doc.Status}
	default:
		return m, false, false
	}
	return m, final, true
}

// request is any message of a page.
type request struct {
	V    int    `json:"v"`
	Type string `json:"type"`
	Seq  int64  `json:"seq"`
}

var errMessage = errors.New("not a message of this protocol")

func parseRequest(b []byte) (request, error) {
	var r request
	if err := httpx.DecodeJSON(b, &r); err != nil {
		return r, err
	}
	known := r.Type == "ack" || r.Seq == 0 && (r.Type == "cancel" || r.Type == "hb")
	if r.V != version || !known || r.Seq < 0 {
		return r, errMessage
	}
	return r, nil
}
