package main

import (
	"fmt"
	"strings"
	"time"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/mobileapi/client"
)

type agentsCmd struct {
	List     agentsListCmd     `cmd:"" default:"withargs" help:"列出。· List them."`
	Approve  agentsApproveCmd  `cmd:"" help:"审核通过。· Approve one who waits."`
	Withdraw agentsWithdrawCmd `cmd:"" help:"停止经办人，立即生效。· Stop an agent at once."`
}

// member gives the agent that was named, or the only one in a state.
func (h *handset) member(place client.Place, who, state string) (client.Place, error) {
	members, err := h.Members(h.ctx, place.OrganizationID)
	if err != nil {
		return client.Place{}, err
	}
	var found []client.Place
	for _, m := range members {
		named := who == "" || who == m.MembershipID || who == m.PersonID
		if m.Role == "agent" && named && (state == "" || m.State == state) {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		return client.Place{}, usageError{fmt.Sprintf(h.say("有 %d 位经办人符合，请写明是哪一位，见 yunzhang phone agents", "%d agents match; name one, see yunzhang phone agents"), len(found))}
	}
	return found[0], nil
}

type agentsListCmd struct{ orgFlag }

// Run lists the people of the organization.
func (c agentsListCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	place, err := h.place(c.Org, "legal")
	if err != nil {
		return err
	}
	members, err := h.Members(h.ctx, place.OrganizationID)
	if err != nil {
		return err
	}
	for _, m := range members {
		e.printf("%s  %s  %s  %s\n", m.PersonID, m.Person, m.Role, m.State)
	}
	return nil
}

type agentsApproveCmd struct {
	Agent string `arg:"" optional:"" help:"人员编号，只有一位等待时可省略。· Person id; the only one who waits by default."`
	orgFlag
}

// Run approves an agent.
func (c agentsApproveCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	place, err := h.place(c.Org, "legal")
	if err != nil {
		return err
	}
	m, err := h.member(place, c.Agent, "pending")
	if err != nil {
		return err
	}
	if _, err := h.sign("member", func() (*client.Draft, error) { return h.DraftAgentApproval(h.ctx, m) }); err != nil {
		return err
	}
	e.printf("%s  %s\n", m.Person, e.say("已通过", "approved"))
	return nil
}

type agentsWithdrawCmd struct {
	Agent  string `arg:"" help:"人员编号。· Person id."`
	Reason string `help:"原因。· Reason." placeholder:"TEXT"`
	orgFlag
}

// Run ends an agent's place.
func (c agentsWithdrawCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	place, err := h.place(c.Org, "legal")
	if err != nil {
		return err
	}
	m, err := h.member(place, c.Agent, "")
	if err != nil {
		return err
	}
	return h.revoke(statement.OfAgent, m.MembershipID, c.Reason)
}

type appsCmd struct{}

// Run lists the declaration systems.
func (appsCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	apps, err := h.Phone.Apps(h.ctx)
	if err != nil {
		return err
	}
	for _, a := range apps {
		e.printf("%s  %s  %s\n", a.AppID, a.Name, strings.Join(a.Actions, " "))
	}
	return nil
}

type delegateCmd struct {
	Agent      string   `help:"经办人的人员编号，只有一位时可省略。· Person id of the agent; the only one by default." placeholder:"ID"`
	App        string   `help:"申报系统编号，见 apps。· Declaration system, as apps lists it." required:"" placeholder:"ID"`
	Seal       []string `help:"印章编码。· Codes of the seals." placeholder:"CODE"`
	Actions    []string `name:"action" help:"bind、login、stamp、second（复核）。· What is permitted." enum:"bind,login,stamp,second" default:"bind,login,stamp" placeholder:"ACTION"`
	SecondFrom int      `name:"second-from" help:"一次达到多少份须另一人复核。· From how many documents at once a second person must approve." placeholder:"N"`
	Days       int      `help:"有效天数。· For how many days." default:"30" placeholder:"N"`
	Max        int      `help:"盖章总次数。· How many stamps in all." default:"10" placeholder:"N"`
	orgFlag
}

// Run delegates to an agent.
func (c delegateCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	place, err := h.place(c.Org, "legal")
	if err != nil {
		return err
	}
	m, err := h.member(place, c.Agent, "active")
	if err != nil {
		return err
	}
	g := client.Grant{
		AgentID: m.PersonID, AppID: c.App, Actions: c.Actions, Seals: c.Seal, Max: c.Max, SecondFrom: c.SecondFrom,
		NotAfter: e.now().Add(time.Duration(c.Days) * 24 * time.Hour),
	}
	r, err := h.sign("delegate", func() (*client.Draft, error) { return h.DraftDelegation(h.ctx, place, g) })
	if err != nil {
		return err
	}
	e.printf(e.say("授权 %s 已生效\n", "delegation %s is in force\n"), r.SubjectID)
	return nil
}

type delegationsCmd struct{ orgFlag }

// Run lists the delegations one holds, or gave for an organization.
func (c delegationsCmd) Run(e *env, cli *commands) error {
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	held, err := h.Phone.Delegations(h.ctx)
	if err != nil {
		return err
	}
	me, err := h.Phone.Me(h.ctx)
	if err != nil {
		return err
	}
	for _, p := range me.Places {
		if p.Role != "legal" || c.Org != "" && c.Org != p.USCC {
			continue
		}
		given, err := h.DelegationsOf(h.ctx, p.OrganizationID)
		if err != nil {
			return err
		}
		held = append(held, given...)
	}
	for _, d := range held {
		e.printf("%s  %s  %s → %s  %s  %s  %d/%d  – %s\n", d.DelegationID, d.State, d.Grantor, d.Agent, d.App,
			strings.Join(d.Actions, ","), d.Left, d.Max, e.when(d.NotAfter))
	}
	return nil
}

type revokeCmd struct {
	ID     string `arg:"" help:"授权 (dg_…) 或设备 (dv_…) 的编号。· Id of a delegation (dg_…) or a device (dv_…)."`
	Reason string `help:"原因。· Reason." placeholder:"TEXT"`
}

// Run ends a delegation or a device.
func (c revokeCmd) Run(e *env, cli *commands) error {
	kind := statement.OfDelegation
	if strings.HasPrefix(c.ID, "dv_") {
		kind = statement.OfDevice
	}
	h, err := cli.Phone.open(e)
	if err != nil {
		return err
	}
	return h.revoke(kind, c.ID, c.Reason)
}

// revoke signs the end of something. When it returns, nothing more is signed
// under it.
func (h *handset) revoke(kind, id, reason string) error {
	_, err := h.sign("", func() (*client.Draft, error) { return h.DraftRevocation(h.ctx, kind, id, reason) })
	if err == nil {
		h.printf("%s  %s\n", id, h.say("已停止，立即生效", "ended, at once"))
	}
	return err
}
