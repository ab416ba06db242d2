package qrflow

import "slices"

// State is where a ticket stands (protocol.md §2.2 with DESIGN.md's
// amendments).
type State string

// The states. Issued, Open, Claimed, Approved and Signing are live; the others
// are terminal and never change.
const (
	Issued    State = "issued"    // made; no page has attached
	Open      State = "open"      // a page shows rolling frames
	Claimed   State = "claimed"   // one device has scanned and reads
	Approved  State = "approved"  // the statement is signed and settled
	Signing   State = "signing"   // stamps are being made; never expires
	Done      State = "done"      // the result was made (stamp) or fetched (login, bind)
	Rejected  State = "rejected"  // the person said no
	Expired   State = "expired"   // a deadline passed
	Cancelled State = "cancelled" // page or application gave up, or a stolen page token showed
	Blocked   State = "blocked"   // wrong numbers, strangers, or "I did not start this"
	Failed    State = "failed"    // no stamp was made, or the result was killed
)

// States lists all states in the order of the flow.
func States() []State {
	return []State{Issued, Open, Claimed, Approved, Signing, Done, Rejected, Expired, Cancelled, Blocked, Failed}
}

// Live reports whether anything can still happen.
func (s State) Live() bool {
	return slices.Contains([]State{Issued, Open, Claimed, Approved, Signing}, s)
}

// Step is one thing that can happen to a ticket.
type Step string

// The steps. Each gives exactly one event, also those that leave the state as
// it is.
const (
	StepAttach   Step = "attach"        // the page presents its token
	StepClaim    Step = "claim"         // a device presents a fresh frame
	StepStranger Step = "wrong_subject" // somebody else's device did
	StepMob      Step = "mob"           // so many strangers that the ticket is given up
	StepMismatch Step = "match_wrong"   // a wrong number
	StepGuess    Step = "guess"         // the last wrong number
	StepReport   Step = "report"        // "I did not start this"
	StepDisown   Step = "disown"        // the same, when the approval was got out of the person
	StepReject   Step = "reject"        // "no"
	StepApprove  Step = "approve"       // all checks of §2.7 passed
	StepSecond   Step = "second"        // the second person approved too
	StepSign     Step = "sign"          // the intents are stored, the signer begins
	StepProgress Step = "progress"      // one more stamp
	StepFinish   Step = "finish"        // all stamps are made
	StepFail     Step = "fail"          // none will be made
	StepFetch    Step = "fetch"         // log-in and bind: the result was redeemed
	StepKill     Step = "kill"          // log-in and bind: somebody else held the result code
	StepCancel   Step = "cancel"        // page or application
	StepTheft    Step = "theft"         // a token of the page is in two hands
	StepExpire   Step = "expire"        // the deadline of the state passed
)

// edge is a row of the transition table.
type edge struct {
	from []State
	to   State // empty: stays
}

// table is the whole protocol of a ticket. Guards beside the state (who, which
// purpose, deadlines, tries) are in the files of the steps.
var table = map[Step]edge{
	StepAttach:   {from: []State{Issued}, to: Open},
	StepClaim:    {from: []State{Open}, to: Claimed},
	StepStranger: {from: []State{Open}},
	StepMob:      {from: []State{Open}, to: Blocked},
	StepMismatch: {from: []State{Claimed}},
	StepGuess:    {from: []State{Claimed}, to: Blocked},
	StepReport:   {from: []State{Claimed}, to: Blocked},
	StepDisown:   {from: []State{Approved}, to: Failed},
	StepReject:   {from: []State{Claimed}, to: Rejected},
	StepApprove:  {from: []State{Claimed}, to: Approved},
	StepSecond:   {from: []State{Approved}},
	StepSign:     {from: []State{Approved}, to: Signing},
	StepProgress: {from: []State{Signing}},
	StepFinish:   {from: []State{Signing}, to: Done},
	StepFail:     {from: []State{Approved, Signing}, to: Failed},
	StepFetch:    {from: []State{Approved}, to: Done},
	StepKill:     {from: []State{Approved}, to: Failed},
	StepCancel:   {from: []State{Issued, Open, Claimed}, to: Cancelled},
	StepTheft:    {from: []State{Issued, Open, Claimed}, to: Cancelled},
	StepExpire:   {from: []State{Issued, Open, Claimed, Approved}, to: Expired},
}

// Next gives the state after a step, false when the step is not possible.
func Next(s State, step Step) (State, bool) {
	e, known := table[step]
	if !known || !slices.Contains(e.from, s) {
		return s, false
	}
	if e.to == "" {
		return s, true
	}
	return e.to, true
}

// eventType names the event of a step: the new state, or what happened without
// a new one.
func eventType(step Step, to State) string {
	switch {
	case step == StepProgress:
		return string(Signing)
	case table[step].to == "":
		return string(step)
	default:
		return string(to)
	}
}
