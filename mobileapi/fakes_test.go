package mobileapi_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/mobileapi"
)

// seals is mobileapi.Seals and mobileapi.Claims in memory.
type seals struct {
	mu       sync.Mutex // guards what follows
	list     map[string]mobileapi.SealInfo
	pictures map[gm.Digest][]byte
	used     map[string]bool // acts
	defects  []mobileapi.Defect
	refuse   error
}

func newSeals() *seals {
	return &seals{list: map[string]mobileapi.SealInfo{}, pictures: map[gm.Digest][]byte{}, used: map[string]bool{}}
}

func (s *seals) put(code, uscc string) mobileapi.SealInfo {
	info := mobileapi.SealInfo{
		Code: code, USCC: uscc, Kind: "statutory", KindName: mobileapi.Words{ZH: "单位公章", EN: "organization seal"},
		Name: "示例科技有限公司", State: "usable", StateName: mobileapi.Words{ZH: "正常", EN: "usable"}, Usable: true, Delegable: true,
		Hash: gm.SM3([]byte("seal " + code)), ValidFrom: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		ValidTo: time.Date(2029, 1, 1, 0, 0, 0, 0, time.UTC), Picture: &mobileapi.Picture{PNG: []byte("png"), Width: 40, Height: 40},
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list[code] = info
	return info
}

func (s *seals) change(code string, change func(*mobileapi.SealInfo)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info := s.list[code]
	change(&info)
	s.list[code] = info
}

func (s *seals) Of(_ context.Context, uscc string) (found []mobileapi.SealInfo, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, info := range s.list {
		if info.USCC == uscc {
			info.Picture = nil
			found = append(found, info)
		}
	}
	slices.SortFunc(found, func(a, b mobileapi.SealInfo) int { return len(a.Code) - len(b.Code) })
	return found, s.refuse
}

func (s *seals) Seal(_ context.Context, code string) (*mobileapi.SealInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, ok := s.list[code]
	if !ok {
		return nil, fault.Absent
	}
	return &info, nil
}

func (s *seals) Impressions(_ context.Context, uscc string) ([]mobileapi.Impression, error) {
	return []mobileapi.Impression{
		{Kind: "statutory", KindName: mobileapi.Words{ZH: "单位公章", EN: "organization seal"}, Filed: true, Claimable: true, Upload: true,
			Picture: &mobileapi.Picture{PNG: []byte("grey " + uscc), Width: 40, Height: 40}},
		{Kind: "finance", KindName: mobileapi.Words{ZH: "财务专用章", EN: "finance seal"}, Reason: fault.FilingMissing.Code},
	}, nil
}

func (s *seals) Turn(_ context.Context, _ authz.Caller, t mobileapi.SealTurn) error {
	frozen := t.Unfreeze == nil
	s.change(t.Code, func(i *mobileapi.SealInfo) {
		i.Usable, i.State, i.StateName = !frozen, "usable", mobileapi.Words{ZH: "正常", EN: "usable"}
		if frozen {
			i.State, i.StateName = "frozen", mobileapi.Words{ZH: "已冻结", EN: "frozen"}
		}
	})
	return nil
}

func (s *seals) Prepare(_ context.Context, _, kind string, picture []byte) (statement.Ref, error) {
	if kind != "statutory" {
		return statement.Ref{}, fault.SealKindBad
	}
	ref := statement.Ref{ID: kind}
	if len(picture) > 0 {
		ref.Hash = gm.SM3(picture)
		s.mu.Lock()
		s.pictures[ref.Hash] = picture
		s.mu.Unlock()
	}
	return ref, nil
}

func (s *seals) Claim(_ context.Context, act *authz.Act) (*mobileapi.Claimed, error) {
	r, err := statement.ParseReview(act.Statement.Bytes)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	used := s.used[act.ID]
	s.used[act.ID] = true
	s.mu.Unlock()
	if used {
		return &mobileapi.Claimed{Application: "ap_1", State: "issued", Seal: "35010000000099"}, nil
	}
	if len(s.defects) > 0 {
		return &mobileapi.Claimed{Application: "ap_1", State: "waiting", Defects: s.defects, DecideBy: r.IssuedAt.AddDate(0, 0, 5)}, nil
	}
	info := s.put("35010000000099", r.Org.USCC)
	return &mobileapi.Claimed{Application: "ap_1", State: "issued", Seal: info.Code}, nil
}

// scans is mobileapi.Scans in memory: one ticket behind one frame.
type scans struct {
	w      *world
	mu     sync.Mutex // guards what follows
	docs   [][]byte
	served [][]byte // instead of docs, when set
	head   []byte
	alter  func(*statement.Approval)
	list   func(manifest []byte) []byte // what is served instead of the manifest
	docsOf statement.Approval
	device string
	state  string
	got    mobileapi.Approval
	reason mobileapi.Refusal
}

const (
	theHandle = "oKGio6SlpqeoqaqrrK2urw"
	theMAC    = "1n6zGpZ00lLqk4vq"
	theClaim  = "cl_ae3fq2mxk5c7h4pt6wzynrbdlo"
	theMatch  = "417"
)

func (s *scans) Claim(_ context.Context, who authz.Caller, f mobileapi.Frame, lang string, kept unit.Kept[*mobileapi.Scan]) (*mobileapi.Scan, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case f != mobileapi.Frame{Handle: theHandle, N: 1, MAC: theMAC}:
		return nil, fault.TicketUnavailable
	case s.device != "" && s.device != who.Device.ID:
		return nil, fault.TicketClaimed
	}
	a := s.w.approval(who, s.docs)
	display, err := a.Render(lang, []string{"示例科技有限公司（单位公章）"}).Bytes()
	if err != nil {
		return nil, err
	}
	a.Display, s.docsOf = gm.SM3(display), a
	if s.alter != nil {
		s.alter(&a)
	}
	head, err := a.Head()
	if err != nil {
		return nil, err
	}
	s.device, s.head, s.state = who.Device.ID, head, "claimed"
	scan := &mobileapi.Scan{ID: theClaim, Head: head, Display: display, DecideBy: a.ExpiresAt}
	return scan, kept.Keep(nil, scan)
}

func (s *scans) Manifest(_ context.Context, who authz.Caller, claim string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.held(who, claim); err != nil {
		return nil, err
	}
	if !s.docsOf.Listed() {
		return nil, fault.Absent
	}
	manifest, err := s.docsOf.Manifest()
	if s.list != nil {
		manifest = s.list(manifest)
	}
	return manifest, err
}

func (s *scans) held(who authz.Caller, claim string) error {
	if claim != theClaim || s.device != who.Device.ID {
		return fault.TicketUnavailable
	}
	return nil
}

func (s *scans) Document(_ context.Context, who authz.Caller, claim string, i int) (*mobileapi.Document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.held(who, claim); err != nil {
		return nil, err
	}
	docs := s.docs
	if s.served != nil {
		docs = s.served
	}
	if i > len(docs) {
		return nil, fault.TicketUnavailable
	}
	return &mobileapi.Document{MediaType: "application/pdf", Bytes: docs[i-1]}, nil
}

func (s *scans) Approve(_ context.Context, who authz.Caller, a mobileapi.Approval, kept unit.Kept[string]) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.held(who, a.Claim); err != nil {
		return "", err
	}
	key, err := gm.ParsePublicKey(who.Device.Key)
	switch {
	case err != nil:
		return "", err
	case s.state != "claimed":
		return "", fault.WrongState
	case a.Head != gm.SM3(s.head):
		return "", fault.StatementChanged
	case a.Match != theMatch:
		return "", fault.MatchWrong.With("tries_left", 1)
	case !key.Verify(statement.Complete(s.head, a.Match), a.Sig):
		return "", fault.Signature
	}
	s.got, s.state = a, "approved"
	return s.state, kept.Keep(nil, s.state)
}

func (s *scans) Refuse(_ context.Context, who authz.Caller, claim string, r mobileapi.Refusal) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.held(who, claim); err != nil {
		return "", err
	}
	s.reason, s.state = r, "rejected"
	if r.Report {
		s.state = "blocked"
	}
	return s.state, nil
}

// apps is mobileapi.Applications with one application.
type apps struct{}

func theApp() mobileapi.App {
	return mobileapi.App{
		ID: "app_1", Name: "社保网报", Origins: []string{"https://declare.example.gov.cn"},
		Actions: []authz.Action{authz.Bind, authz.Login, authz.Stamp}, SealKinds: []string{"statutory"},
	}
}

func (apps) Apps(context.Context) ([]mobileapi.App, error) { return []mobileapi.App{theApp()}, nil }

func (apps) App(_ context.Context, id string) (mobileapi.App, error) {
	if id != theApp().ID {
		return mobileapi.App{}, fault.AppInactive
	}
	return theApp(), nil
}

// history is mobileapi.History: it tells what it was asked.
type history struct{}

func (history) Activity(_ context.Context, person string, p mobileapi.Page) ([]mobileapi.Activity, string, error) {
	return []mobileapi.Activity{{Action: "asked", Object: "person:" + person, Decision: fmt.Sprint(p.Limit) + p.Cursor}}, "next.1", nil
}

func (history) Uses(_ context.Context, uscc string, _ mobileapi.Page) ([]mobileapi.Use, string, error) {
	return []mobileapi.Use{{Seal: "35010000000001", Title: uscc, Original: gm.SM3([]byte("o")), Stamped: gm.SM3([]byte("s")), State: "done"}}, "", nil
}

// approval is what a scan shows: a stamp on every document.
func (w *world) approval(who authz.Caller, docs [][]byte) statement.Approval {
	now := w.Clock.Now()
	a := statement.Approval{
		Purpose: statement.Stamp, Decision: statement.Approve, Issuer: issuer, Ticket: "tk_1", Nonce: nonceText,
		App: statement.App{ID: theApp().ID, Name: theApp().Name}, Origin: "https://declare.example.gov.cn",
		Principal: statement.Org{USCC: uscc, Name: "示例科技有限公司"}, Agent: statement.Person{ID: who.Person.ID, Name: who.Person.Name},
		Device: gm.SM3(who.Device.Key), Seals: []statement.Ref{{ID: "35010000000001", Hash: gm.SM3([]byte("seal"))}},
		Context: "203.0.113.0/24", IssuedAt: now, ExpiresAt: now.Add(5 * time.Minute),
	}
	for i, d := range docs {
		a.Docs = append(a.Docs, statement.Doc{
			SM3: gm.SM3(d), DTBS: gm.SM3([]byte("dtbs"), d), Pages: 2, Seal: 1, Title: fmt.Sprintf("文件%d.pdf", i+1),
			Place: statement.Place{Page: 2, X: 120, Y: 57, W: 42, H: 42},
		})
	}
	return a
}

// seconds is mobileapi.Seconds with one request, which waits for the legal
// representative.
type seconds struct{ w *world }

const theSecond = "tk_second"

func (s seconds) Waiting(ctx context.Context, who authz.Caller, _ mobileapi.Page) ([]mobileapi.Second, string, error) {
	one, err := s.Second(ctx, who, theSecond)
	if err != nil {
		return nil, "", nil
	}
	return []mobileapi.Second{*one}, "", nil
}

func (s seconds) Second(_ context.Context, who authz.Caller, ticket string) (*mobileapi.Second, error) {
	if s.w.legal == nil || who.Person.ID != s.w.legal.Person.ID || ticket != theSecond {
		return nil, fault.Absent
	}
	return &mobileapi.Second{Ticket: theSecond, Statement: s.first(), DecideBy: s.w.Clock.Now().Add(time.Minute)}, nil
}

// first is the agent's statement.
func (s seconds) first() []byte {
	a := s.w.approval(s.w.agent.Caller, s.w.scans.docs[:1])
	a.Ticket = theSecond
	head, err := a.Head()
	if err != nil {
		panic(err)
	}
	return statement.Complete(head, theMatch)
}

func (s seconds) Document(ctx context.Context, who authz.Caller, ticket string, i int) (*mobileapi.Document, error) {
	if _, err := s.Second(ctx, who, ticket); err != nil || i != 1 {
		return nil, fault.Absent
	}
	return &mobileapi.Document{MediaType: "application/pdf", Bytes: s.w.scans.docs[0]}, nil
}

func (s seconds) Manifest(ctx context.Context, who authz.Caller, ticket string) ([]byte, error) {
	if _, err := s.Second(ctx, who, ticket); err != nil {
		return nil, err
	}
	return nil, fault.Absent
}

func (s seconds) Draft(ctx context.Context, who authz.Caller, ticket, opinion, note string) (*authz.Act, error) {
	found, err := s.Second(ctx, who, ticket)
	if err != nil {
		return nil, err
	}
	subject := statement.Ref{ID: ticket, Hash: gm.SM3(found.Statement)}
	var org *authz.Organization
	err = s.w.DB.View(ctx, func(tx unit.Tx) error {
		org, err = s.w.Service.OrganizationByUSCC(tx, authztest.Zhang.USCC)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.w.Service.DraftReview(ctx, who, org, statement.SecondApproval, subject, opinion, note)
}

func (s seconds) Decide(_ context.Context, _ authz.Caller, act *authz.Act) (string, error) {
	r, err := statement.ParseReview(act.Statement.Bytes)
	if err != nil || r.Opinion == statement.Reject {
		return "failed", err
	}
	return "approved", nil
}
