package console

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gofiber/fiber/v2"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/audit"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/binding"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/web/httpx"
)

// Status is who asks and what waits for him.
type Status struct {
	Version  string   `json:"version"`
	Person   string   `json:"person_id"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles"`
	Waiting  int      `json:"waiting"`  // applications for the clerk; 100 means 100 or more
	Accepted int      `json:"accepted"` // and for the reviewer
}

func (con *Console) status(c *fiber.Ctx) error {
	who := callerOf(c)
	held, err := con.held(c.UserContext(), who, roles())
	if err != nil {
		return err
	}
	s := Status{Version: con.d.Version, Person: who.Person.ID, Name: who.Person.Name, Roles: held}
	for state, n := range map[cloudseal.AppState]*int{cloudseal.Waiting: &s.Waiting, cloudseal.Accepted: &s.Accepted} {
		found, err := con.d.Applications.Applications(c.UserContext(), state, "")
		if err != nil {
			return err
		}
		*n = len(found)
	}
	return httpx.Reply(c, fiber.StatusOK, s)
}

// Application is an application for a seal, for whoever decides it.
type Application struct {
	ID        string             `json:"application_id"`
	State     cloudseal.AppState `json:"state"`
	USCC      string             `json:"uscc"`
	Name      string             `json:"organization"`
	Kind      string             `json:"kind"`
	Applicant string             `json:"applicant_id"`
	Claim     gm.Digest          `json:"claim_sm3"` // of the signed claim; an order repeats it
	Defects   []cloudseal.Defect `json:"defects"`   // what the system found
	Seal      string             `json:"seal_code,omitzero"`
	DecideBy  time.Time          `json:"decide_by"`
	CreatedAt time.Time          `json:"created_at"`

	FiledName   string `json:"filed_name,omitzero"`
	FiledNumber string `json:"filed_number,omitzero"`
	Filed       []byte `json:"filed_png,omitempty"`    // impression of the filing
	Uploaded    []byte `json:"uploaded_png,omitempty"` // the applicant's picture
}

func viewApplication(a *cloudseal.Application) Application {
	v := Application{
		ID: a.ID, State: a.State, USCC: a.Org, Name: a.OrgName, Kind: string(a.Kind), Applicant: a.Applicant,
		Claim: a.Claim.Hash(), Defects: a.Defects, DecideBy: a.DecideBy.UTC(), CreatedAt: a.CreatedAt.UTC(),
	}
	if a.State == cloudseal.Issued {
		v.Seal = a.Code
	}
	return v
}

// open are the states in which somebody has to decide.
func open() []cloudseal.AppState { return []cloudseal.AppState{cloudseal.Waiting, cloudseal.Accepted} }

func (con *Console) list(c *fiber.Ctx) error {
	state := cloudseal.AppState(c.Query("state", string(cloudseal.Waiting)))
	known := append(open(), cloudseal.Issuing, cloudseal.Issued, cloudseal.Rejected)
	if !slices.Contains(known, state) {
		return fault.BadRequest.With("field", "state")
	}
	found, err := con.d.Applications.Applications(c.UserContext(), state, c.Query("after"))
	if err != nil {
		return err
	}
	list := make([]Application, len(found))
	for i, a := range found {
		list[i] = viewApplication(a)
	}
	return httpx.Reply(c, fiber.StatusOK, list)
}

// show gives an application with its pictures, which are confidential: who saw
// them is in the log.
func (con *Console) show(c *fiber.Ctx) error {
	a, err := con.find(c.UserContext(), c.Params("id"))
	if err != nil {
		return err
	}
	httpx.Note(c, "application", a.ID)
	v := viewApplication(a)
	v.FiledName, v.FiledNumber, v.Filed, v.Uploaded = a.Filed.Name, a.Filed.Number, a.Filed.PNG, a.Uploaded
	return httpx.Reply(c, fiber.StatusOK, v)
}

// find gives an application that waits for somebody; fault.Absent for any other.
func (con *Console) find(ctx context.Context, id string) (*cloudseal.Application, error) {
	for _, state := range open() {
		for after := ""; ; {
			found, err := con.d.Applications.Applications(ctx, state, after)
			if err != nil {
				return nil, err
			}
			if i := slices.IndexFunc(found, func(a *cloudseal.Application) bool { return a.ID == id }); i >= 0 {
				return found[i], nil
			}
			if len(found) == 0 {
				break
			}
			after = found[len(found)-1].ID
		}
	}
	return nil, fault.Absent
}

// System is a registered declaration system.
type System struct {
	ID        string    `json:"app_id"`
	Name      string    `json:"name"`
	Origins   []string  `json:"origins"`
	Actions   []string  `json:"actions"`
	SealKinds []string  `json:"seal_kinds"`
	State     string    `json:"state"`                // active, frozen
	Stopped   string    `json:"stopped_for,omitzero"` // why, while it is frozen
	CreatedAt time.Time `json:"created_at"`
	Key       string    `json:"key_id,omitzero"` // told when it is registered
}

func viewSystem(a *binding.App) System {
	s := System{ID: a.ID, Name: a.Name, Origins: a.Origins, SealKinds: a.SealKinds, State: string(a.State), CreatedAt: a.CreatedAt.UTC()}
	if a.State != authz.Active {
		s.Stopped = a.Stopped.Reason
	}
	for _, action := range a.Actions {
		s.Actions = append(s.Actions, string(action))
	}
	return s
}

func (con *Console) apps(c *fiber.Ctx) error {
	found, err := con.d.Systems.Systems(c.UserContext())
	if err != nil {
		return err
	}
	list := make([]System, len(found))
	for i, a := range found {
		list[i] = viewSystem(a)
	}
	return httpx.Reply(c, fiber.StatusOK, list)
}

// Chain is what a walk over the audit chain found.
type Chain struct {
	Holds  bool      `json:"holds"`
	Chain  string    `json:"chain"`
	Seq    int64     `json:"seq"`  // of the last record that holds
	Hash   gm.Digest `json:"hash"` // keep it outside: it shows later that nothing was cut off
	Broken int64     `json:"broken_at,omitzero"`
	Reason string    `json:"reason,omitzero"` // missing, link, content
}

func (con *Console) walk(c *fiber.Ctx) error {
	head, err := con.d.Trail.Verify(c.UserContext())
	found := Chain{Holds: err == nil, Chain: head.Chain, Seq: head.Seq, Hash: head.Hash}
	broken, ok := errors.AsType[*audit.Broken](err)
	if err != nil && !ok {
		return err
	}
	if ok {
		found.Broken, found.Reason = broken.Seq, broken.Reason
	}
	return httpx.Reply(c, fiber.StatusOK, found)
}

// Alarm is a record that somebody should look at. It names people and things by
// their ids only.
type Alarm struct {
	At     time.Time `json:"at"`
	Action string    `json:"action"`
	Object string    `json:"object"`
	Actor  string    `json:"actor"`
	Org    string    `json:"org,omitzero"`
	Detail string    `json:"detail,omitzero"`
}

// maxAlarms is what a person looks through at once.
const maxAlarms = 100

func (con *Console) alarms(c *fiber.Ctx) error {
	found, err := con.d.Trail.Alarms(c.UserContext(), nil, maxAlarms)
	if err != nil {
		return err
	}
	list := make([]Alarm, len(found))
	for i, r := range found {
		list[i] = Alarm{At: r.At.UTC(), Action: r.Action, Object: r.Object, Actor: r.Actor, Org: r.Org, Detail: r.Detail}
	}
	return httpx.Reply(c, fiber.StatusOK, list)
}
