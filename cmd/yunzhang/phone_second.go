package main

import (
	"yunzhang.dev/mobileapi/client"
)

type secondCmd struct {
	Ticket string `arg:"" optional:"" help:"请求编号，省略则列出。· Id of the request; lists them when absent."`
	Reject bool   `help:"不同意。· Refuse it."`
	Note   string `help:"意见。· Note." placeholder:"TEXT"`
}

// Run lists what waits for a second person, or decides one: every document is
// fetched and hashed, the first person's statement shown, and the answer signed
// behind the PIN.
func (c secondCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	if c.Ticket == "" {
		return h.listSeconds()
	}
	s, err := h.Second(h.ctx, c.Ticket)
	if err != nil {
		return err
	}
	tell(e.out, s.Summary(e.lang))
	if !c.Reject {
		if _, err := h.SecondDocuments(h.ctx, s); err != nil {
			return err
		}
	}
	r, err := h.sign("", func() (*client.Draft, error) { return h.DraftSecond(h.ctx, s, !c.Reject, c.Note) })
	if err == nil {
		e.printf("%s\n", r.State)
	}
	return err
}

func (h *handset) listSeconds() error {
	for cursor := ""; ; {
		list, next, err := h.Seconds(h.ctx, cursor, 0)
		if err != nil {
			return err
		}
		for _, s := range list {
			h.printf("%s  %s  %s  %d  – %s\n", s.Ticket, s.Statement.Agent.Name, s.Statement.App.Name, len(s.Statement.Docs), h.when(s.DecideBy))
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
