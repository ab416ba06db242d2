package mobileapi

import (
	"context"
	"fmt"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
)

// Seconds is what a second person does: he looks at what another has approved,
// and says yes or no by a statement over that approval. What is not his to
// decide does not exist for him, or is a fault that says why.
type Seconds interface {
	// Waiting lists what waits for him. A part may hold fewer entries than asked
	// for, even none, before the list ends.
	Waiting(ctx context.Context, who authz.Caller, p Page) (list []Second, next string, err error)
	// Second gives one of them.
	Second(ctx context.Context, who authz.Caller, ticket string) (*Second, error)
	// Document gives the bytes that line i, from 1, of the first statement names.
	Document(ctx context.Context, who authz.Caller, ticket string, i int) (*Document, error)
	// Manifest gives the doc lines of a first statement that does not hold them;
	// fault.Absent for one that does.
	Manifest(ctx context.Context, who authz.Caller, ticket string) ([]byte, error)
	// Draft drafts his statement.
	Draft(ctx context.Context, who authz.Caller, ticket, opinion, note string) (*authz.Act, error)
	// Decide performs the signed statement and gives the request's state then.
	Decide(ctx context.Context, who authz.Caller, act *authz.Act) (state string, err error)
}

// Second is a request that another person has approved.
type Second struct {
	Ticket    string
	Statement []byte // the first person's, complete
	DecideBy  time.Time
}

func (a *API) secondOperations() []operation {
	faults := append([]*fault.Error{fault.SamePerson, fault.WrongState, fault.Expired, fault.Subject, fault.DeviceUnknown, fault.TicketUnavailable}, powers()...)
	return []operation{
		handle(operation{
			method: fiber.MethodGet, path: "/v1/me/seconds", id: "seconds", tag: tagScan,
			zh: "等我复核的用印请求", en: "Requests that wait for the caller as second person",
			note:  "A part may hold fewer entries than asked for, even none: the list ends where there is no next.",
			query: paging(),
		}, none{}, List[SecondRequest]{Items: []SecondRequest{exampleSecond()}, Next: exampleCursor}, a.seconds),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/seconds/{id}", id: "second", tag: tagScan,
			zh: "一个等我复核的请求", en: "One of them, by its ticket",
			note:   "What is shown is the first person's statement; its hash is what the second one signs.",
			faults: faults,
		}, none{}, exampleSecond(), a.second),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/seconds/{id}/manifest", id: "second-manifest", tag: tagScan,
			zh: "待复核的文件清单（超过 50 份时）", en: "The list of its documents, when they are more than fifty",
			note:   "As for a claim: the phone counts the lines, computes the root, and compares both with the first statement.",
			faults: append([]*fault.Error{fault.DocumentChanged}, faults...),
		}, none{}, file{Document{MediaType: manifestType, Bytes: exampleManifest()}}, a.secondManifest),
		handle(operation{
			method: fiber.MethodGet, path: "/v1/seconds/{id}/documents/{i}", id: "second-document", tag: tagScan,
			zh: "待复核的文件原文", en: "A document of it",
			instead: a.brakes.documents,
			faults:  append([]*fault.Error{fault.DocumentChanged}, faults...),
		}, none{}, file{Document{MediaType: "application/pdf", Bytes: []byte("%PDF-1.7 …")}}, a.secondDocument),
		handle(operation{
			method: fiber.MethodPost, path: "/v1/seconds/{id}/draft", id: "draft-second", tag: tagAct,
			zh: "起草：复核他人已确认的用印", en: "Draft the second person's yes or no",
			note: "A second person is another one than the first by identity, whatever device or account he uses: the legal " +
				"representative, or who holds a delegation with the action second. Signed, a yes begins the stamp; everything " +
				"the first approval stood on is checked again. A no ends the request.",
			changes: true,
			faults:  append([]*fault.Error{fault.StatementBad}, faults...),
		}, SecondOpinion{Opinion: statement.Approve}, exampleDraft(statement.SecondApproval), a.draftSecond),
	}
}

func (a *API) seconds(ctx context.Context, c *call, _ none) (List[SecondRequest], error) {
	found, next, err := a.Seconds.Waiting(ctx, c.who, c.page())
	all := List[SecondRequest]{Next: next}
	for i := range found {
		one, bad := secondOf(&found[i], c.lang)
		if bad != nil {
			return all, bad
		}
		all.Items = append(all.Items, one)
	}
	return all, err
}

func (a *API) second(ctx context.Context, c *call, _ none) (SecondRequest, error) {
	id, err := c.param("id")
	if err != nil {
		return SecondRequest{}, err
	}
	found, err := a.Seconds.Second(ctx, c.who, id)
	if err != nil {
		return SecondRequest{}, err
	}
	return secondOf(found, c.lang)
}

// secondOf words a request by the first person's statement.
func secondOf(s *Second, lang string) (SecondRequest, error) {
	first, _, err := statement.ParseApproval(s.Statement)
	if err != nil {
		return SecondRequest{}, fmt.Errorf("first statement of ticket %s: %w", s.Ticket, err)
	}
	return SecondRequest{
		Documents: documentsOf(first), Manifest: first.Listed(),
		TicketID: s.Ticket, Statement: s.Statement, StatementSM3: digest(s.Statement), First: first.Agent.Name,
		Summary: wired(first.Render(lang, nil).Lines), DecideBy: s.DecideBy.UTC(),
	}, nil
}

func (a *API) secondManifest(ctx context.Context, c *call, _ none) (file, error) {
	id, err := c.param("id")
	if err != nil {
		return file{}, err
	}
	b, err := a.Seconds.Manifest(ctx, c.who, id)
	return file{Document{MediaType: manifestType, Bytes: b}}, err
}

func (a *API) secondDocument(ctx context.Context, c *call, _ none) (file, error) {
	id, i, err := c.documentAt()
	if err != nil {
		return file{}, err
	}
	d, err := a.Seconds.Document(ctx, c.who, id, i)
	if err != nil {
		return file{}, err
	}
	return file{*d}, nil
}

func (a *API) draftSecond(ctx context.Context, c *call, in SecondOpinion) (Draft, error) {
	id, err := c.param("id")
	if err != nil {
		return Draft{}, err
	}
	return drafted(c)(a.Seconds.Draft(ctx, c.who, id, in.Opinion, in.Note))
}

// SecondRequest is a request that another person has approved, for the caller to
// look at.
type SecondRequest struct {
	TicketID     string         `json:"ticket_id"`
	First        string         `json:"first" doc:"Who approved it"`
	Statement    Bytes          `json:"statement" doc:"What he signed, exact to the byte"`
	StatementSM3 Hash           `json:"statement_sm3"`
	Summary      []SummaryLine  `json:"summary" doc:"The statement in words, for the screen"`
	Manifest     bool           `json:"manifest" doc:"The documents are in the manifest, because they are too many for the statement"`
	Documents    []ScanDocument `json:"documents" doc:"One entry a stamp; empty when there is a manifest"`
	DecideBy     time.Time      `json:"decide_by"`
}

// SecondOpinion asks for the draft of the second person's statement.
type SecondOpinion struct {
	Opinion string `json:"opinion" enum:"approve,reject"`
	Note    string `json:"note,omitzero" maxLength:"200"`
}

func exampleSecond() SecondRequest {
	s, _ := secondOf(&Second{
		Ticket: exampleID("tk"), Statement: statement.Complete(exampleHead(), "417"), DecideBy: exampleTime().Add(30 * time.Minute),
	}, statement.Chinese)
	return s
}
