package mobileapi

import (
	"context"
	"fmt"
	"strconv"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/gm"
)

func (a *API) scanOperations() []operation {
	ended := []*fault.Error{fault.TicketUnavailable, fault.WrongState, fault.Expired, fault.StateConflict}
	return []operation{
		handle(operation{
			method: fiber.MethodPost, path: "/v1/claims", id: "claim", tag: tagScan,
			zh: "扫码：认领网页上的请求", en: "Scan: claim the request behind a code",
			note: "The phone takes the text of a code from its camera only, of the configured host and version 1 only. What " +
				"comes back is what will be signed. The phone shows the lines of display, of which the head holds the SM3, and offers " +
				"the refusal as prominently as the approval.",
			changes: true,
			faults: append([]*fault.Error{fault.FrameStale, fault.TicketClaimed, fault.Blocked, fault.Subject, fault.AppInactive,
				fault.OriginBad, fault.AccountBound, fault.BindingMissing, fault.StatementBad, fault.DocumentChanged,
				fault.DeviceUnknown}, append(ended, powers()...)...),
		}, exampleScanRequest(), exampleScan(), a.scan),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/claims/{id}/manifest", id: "claim-manifest", tag: tagScan,
			zh: "文件清单（超过 50 份时）", en: "The list of the documents, when they are more than fifty",
			note: "The doc.i lines, one LF after each. The phone counts them, computes the Merkle root (RFC 9162 with SM3 over the " +
				"lines without LF), compares both with the head, and shows a list that can be searched.",
			faults: append([]*fault.Error{fault.DocumentChanged}, ended...),
		}, none{}, file{Document{MediaType: manifestType, Bytes: exampleManifest()}}, a.manifest),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/claims/{id}/documents/{i}", id: "claim-document", tag: tagScan,
			zh: "待盖章的文件原文", en: "A document that is to be stamped",
			note:    "The bytes hash to the sm3 of its line; the phone checks that before it shows them.",
			instead: a.brakes.documents,
			faults:  append([]*fault.Error{fault.DocumentChanged}, ended...),
		}, none{}, file{Document{MediaType: "application/pdf", Bytes: []byte("%PDF-1.7 …")}}, a.document),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/claims/{id}/approve", id: "approve", tag: tagScan,
			zh: "确认：签名后批准", en: "Approve the request by signing it",
			note:    "202: it is approved and will be carried out; the page on the screen shows how it went.",
			changes: true,
			status:  fiber.StatusAccepted,
			body:    128 << 10,
			faults: append([]*fault.Error{fault.StatementChanged, fault.MatchWrong, fault.Blocked, fault.Signature, fault.SignatureHW,
				fault.StepUpNeeded, fault.Subject, fault.AppInactive, fault.OriginBad, fault.AccountBound, fault.BindingMissing,
				fault.DocumentChanged, fault.DocumentBusy, fault.StatementBad, fault.DeviceUnknown}, append(ended, powers()...)...),
		}, ApprovalRequest{HeadSM3: digest(exampleHead()), Match: "417", SigSM2: exampleBytes(71)},
			ScanState{ClaimID: exampleID("cl"), State: "approved"}, a.approve),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/claims/{id}/reject", id: "reject", tag: tagScan,
			zh: "拒绝该请求", en: "Refuse the request",
			changes: true,
			faults:  ended,
		}, RejectRequest{Reason: "文件有误"}, ScanState{ClaimID: exampleID("cl"), State: "rejected"}, a.refuse(false)),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/claims/{id}/report", id: "report", tag: tagScan,
			zh: "举报：不是本人发起的请求", en: "Report that one did not start the request",
			note: "It stops a request that was scanned, and for a day takes back one that was approved, from any device of " +
				"the person: nothing more is signed, its result is not given out, what was bound is unbound, and the " +
				"declaration system is told to end the session. What is signed stays signed.",
			changes: true,
			faults:  ended,
		}, RejectRequest{}, ScanState{ClaimID: exampleID("cl"), State: "blocked"}, a.refuse(true)),
	}
}

// powers are the faults by which authz and the seals refuse (checks 10 to 16 of
// protocol.md §2.7).
func powers() []*fault.Error {
	return []*fault.Error{
		fault.DeviceCooling, fault.Tier, fault.AgentNotAllowed, fault.NotLegalRep, fault.OrgInactive, fault.RegistrySilent,
		fault.DelegationNone, fault.DelegationRevoked, fault.DelegationExpired, fault.DelegationScope, fault.DelegationLimit,
		fault.SealFrozen, fault.SealUnusable, fault.SealExpired, fault.SealCertificate, fault.SealNotForAction,
	}
}

func (a *API) scan(ctx context.Context, c *call, in ScanRequest) (ScanClaim, error) {
	var claim ScanClaim
	_, err := a.Scans.Claim(ctx, c.who, Frame(in), c.lang, kept(c, func(s *Scan) (_ ScanClaim, err error) {
		claim, err = scanOf(s)
		return claim, err
	}))
	return claim, err
}

// scanOf words a claim by its head, so that what is listed is what is signed.
func scanOf(s *Scan) (ScanClaim, error) {
	head, err := statement.ParseHead(s.Head)
	if err != nil {
		return ScanClaim{}, fmt.Errorf("head of claim %s: %w", s.ID, err)
	}
	display, err := statement.ParseDisplay(s.Display)
	if err != nil {
		return ScanClaim{}, fmt.Errorf("display of claim %s: %w", s.ID, err)
	}
	return ScanClaim{
		ClaimID: s.ID, Head: s.Head, HeadSM3: digest(s.Head), Display: s.Display, Summary: wired(display.Lines),
		Count: head.Total(), Manifest: head.Listed(), Documents: documentsOf(head), DecideBy: s.DecideBy.UTC(),
	}, nil
}

// documentsOf lists what a statement names line by line.
func documentsOf(a statement.Approval) []ScanDocument {
	list := make([]ScanDocument, 0, len(a.Docs))
	for i, d := range a.Docs {
		list = append(list, ScanDocument{
			Index: i + 1, Title: d.Title, Pages: d.Pages, SM3: Hash(d.SM3), Seal: sealOfDoc(a, d),
			Page: d.Place.Page, X: d.Place.X, Y: d.Place.Y, W: d.Place.W, H: d.Place.H,
		})
	}
	return list
}

// sealOfDoc gives the code of a line's seal; in the short form there is one for
// all.
func sealOfDoc(a statement.Approval, d statement.Doc) string {
	n := max(d.Seal, 1)
	if n > len(a.Seals) {
		return ""
	}
	return a.Seals[n-1].ID
}

// manifestType is what a list of document lines is on the wire.
const manifestType = "text/plain; charset=utf-8"

func (a *API) manifest(ctx context.Context, c *call, _ none) (file, error) {
	id, err := c.param("id")
	if err != nil {
		return file{}, err
	}
	b, err := a.Scans.Manifest(ctx, c.who, id)
	return file{Document{MediaType: manifestType, Bytes: b}}, err
}

func (a *API) document(ctx context.Context, c *call, _ none) (file, error) {
	id, i, err := c.documentAt()
	if err != nil {
		return file{}, err
	}
	d, err := a.Scans.Document(ctx, c.who, id, i)
	if err != nil {
		return file{}, err
	}
	return file{*d}, nil
}

// documentAt reads whose document is meant, and which: the first is 1.
func (c *call) documentAt() (id string, i int, err error) {
	if id, err = c.param("id"); err != nil {
		return "", 0, err
	}
	if i, err = strconv.Atoi(c.c.Params("i")); err != nil || i < 1 || i > statement.MaxDocs {
		return "", 0, fault.Absent
	}
	return id, i, nil
}

func (a *API) approve(ctx context.Context, c *call, in ApprovalRequest) (ScanState, error) {
	id, err := c.param("id")
	if err != nil {
		return ScanState{}, err
	}
	approved := func(state string) (ScanState, error) { return ScanState{ClaimID: id, State: state}, nil }
	state, err := a.Scans.Approve(ctx, c.who, Approval{
		Claim: id, Head: gm.Digest(in.HeadSM3), Match: in.Match, Sig: in.SigSM2, Second: in.SigHW,
	}, kept(c, approved))
	if err != nil {
		return ScanState{}, err
	}
	return approved(state)
}

func (a *API) refuse(report bool) func(context.Context, *call, RejectRequest) (ScanState, error) {
	return func(ctx context.Context, c *call, in RejectRequest) (ScanState, error) {
		id, err := c.param("id")
		if err != nil {
			return ScanState{}, err
		}
		state, err := a.Scans.Refuse(ctx, c.who, id, Refusal{Reason: in.Reason, Report: report})
		return ScanState{ClaimID: id, State: state}, err
	}
}
