package qrflow

import (
	"context"
	"net/netip"
	"time"

	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
)

// Purpose is what only the owner of a purpose (log-in, bind, stamp) knows.
// qrflow calls it at the right moments and decides nothing of it.
//
// A ticket that is handed over is a copy. Head and a Settle may change its
// Payload, a Settle also its Waits; that change is kept. Everything else in it
// is read only.
type Purpose interface {
	// Head refuses who may not claim this ticket, and builds the head of the
	// statement (statement.Approval.Head) with the ticket's id and nonce, the
	// claimant's person and key hash, IssuedAt = t.ClaimedAt and ExpiresAt =
	// t.Deadline. It runs in the transaction of the claim. fault.Subject
	// counts as a stranger's scan; other faults leave no trace on the ticket.
	Head(tx unit.Tx, t *Ticket, c Claimant) ([]byte, error)
	// Recheck does the checks 10 to 18 of protocol.md §2.7 in their order,
	// outside of any transaction: signatures of devices and delegations,
	// documents hashed again. qrflow has done 5 to 9. What it found it keeps
	// in the Settle it returns.
	Recheck(ctx context.Context, t Ticket, c Claimant, a Approval) (Settle, error)
	// Ended tells, in the same transaction, that the ticket ended without its
	// effect (every terminal state but Done): what was held for it is free.
	Ended(tx unit.Tx, t Ticket) error
}

// Settle writes what an approval brings about, in the transaction that approves
// the ticket (check 20): it reads again what the decision relies on and
// modifies every such row, so that a concurrent revocation conflicts. It may
// run several times. An error leaves the ticket claimed.
type Settle func(tx unit.Tx, t *Ticket) error

// Claimant is the person and device behind a phone's request, proved by the
// caller: an active device, a valid request proof.
type Claimant struct {
	Person    string
	Device    string
	Name      string       // shown masked on the page
	PhoneTail string       // last digits of the phone number, for the page; may be empty
	Key       gm.PublicKey // the enrolled key that signs acts; the algorithm is SM2
	Lang      string       // what the device reads: statement.Chinese or English
	From      netip.Addr   // of the phone; not valid when nobody knows
}

// Standings reads how far tickets have come, by the thousand.
type Standings interface {
	// Get gives the standing of a ticket; unit.ErrAbsent when there is none.
	Get(tx unit.Tx, id string) (*Standing, error)
}

// Auditor writes records in the transaction of the act; audit.Log is one.
type Auditor interface {
	Write(tx unit.Tx, r audit.Record) error
}

// Limiter counts events over time, by key. The keys of what goes wrong begin
// with "bad/" and "blocked/" and are rare; those of ordinary events begin with
// "claims/" and "tickets/". Losing its memory (a restart, a node of its own)
// loosens limits for one window and nothing else.
type Limiter interface {
	// Take counts one event at now and reports how long to wait when it was
	// one too many, 0 when it was not.
	Take(now time.Time, key string, r Rate) time.Duration
	// Full reports how long to wait before the next event of each of them could
	// pass, without counting one.
	Full(now time.Time, of ...Limit) time.Duration
}

// Limit is a rate of the events under a key.
type Limit struct {
	Key string
	Rate
}
