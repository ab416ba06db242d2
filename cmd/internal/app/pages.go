package app

import (
	"context"
	"log/slog"
	"time"

	"yunzhang.dev/qrflow"
	"yunzhang.dev/qrflow/ws"
)

// pages lets waiting pages see their tickets.
type pages struct {
	flow *qrflow.Service
	apps applications
	log  *slog.Logger
}

// Attach implements ws.Tickets.
func (p pages) Attach(ctx context.Context, a ws.Attach) (ws.View, error) {
	v, err := p.flow.Attach(ctx, a.Token, a.Resume, a.Origin)
	if err != nil {
		return ws.View{}, err
	}
	// The token is used up: for want of a name its page is not sent away.
	app, err := p.apps.App(ctx, v.App)
	if err != nil {
		p.log.WarnContext(ctx, "a page goes without the name of its application", "ticket", v.Ticket, "app", v.App, "cause", err)
	}
	return ws.View{
		Ticket: v.Ticket, App: app.Name, Purpose: v.Purpose, State: string(v.State), LastSeq: v.LastSeq, Left: v.Left, Resume: v.Resume,
		Page: v.Page,
	}, nil
}

// Events implements ws.Tickets.
func (p pages) Events(ctx context.Context, ticket string, after int64) ([]ws.Event, error) {
	found, err := p.flow.Events(ctx, ticket, after)
	events := make([]ws.Event, 0, len(found))
	for _, e := range found {
		events = append(events, ws.Event{
			Seq: e.Seq, Type: e.Type, At: e.At, Who: e.Who, Match: e.Match, Left: e.Left, TriesLeft: e.TriesLeft,
			Done: e.Done, Total: e.Total, ResultCode: e.ResultCode, ResultFor: e.ResultFor, Reason: e.Reason,
		})
	}
	return events, err
}

// Frame implements ws.Tickets.
func (p pages) Frame(ctx context.Context, ticket string) (ws.Frame, error) {
	roll, err := p.flow.Roll(ctx, ticket)
	if err != nil {
		return ws.Frame{}, err
	}
	next := func(after time.Duration) (ws.Frame, bool) {
		text, n, left, ok := roll.At(after)
		return ws.Frame{Text: text, N: n, ValidFor: left}, ok
	}
	now, _ := next(0)
	now.Next = next
	return now, nil
}

// Cancel implements ws.Tickets.
func (p pages) Cancel(ctx context.Context, ticket string) error { return p.flow.Cancel(ctx, ticket) }

// LastSeqs implements ws.Sequences.
func (p pages) LastSeqs(ctx context.Context, tickets []string) (map[string]ws.Last, error) {
	found, err := p.flow.LastSeqs(ctx, tickets)
	last := make(map[string]ws.Last, len(found))
	for id, at := range found {
		last[id] = ws.Last(at)
	}
	return last, err
}
