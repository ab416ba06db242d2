package app

import (
	"context"
	"fmt"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/notify"
	"yunzhang.dev/authz/onetime"
)

// codes lets authz send and check one-time codes.
type codes struct{ sms *onetime.SMS }

// Send implements authz.Codes.
func (c codes) Send(ctx context.Context, r authz.CodeRequest) error {
	return c.sms.Send(ctx, onetime.Request(r))
}

// Check implements authz.Codes.
func (c codes) Check(ctx context.Context, r authz.CodeRequest, code string) error {
	return c.sms.Check(ctx, onetime.Request(r), code)
}

// carrier brings codes to phones with the text of their purpose.
type carrier struct{ sender notify.Sender }

// Deliver implements onetime.Carrier.
func (c carrier) Deliver(ctx context.Context, d onetime.Delivery) error {
	m := notify.Message{To: string(d.Phone), Params: map[string]string{"code": d.Code}}
	switch d.Purpose {
	case "enrol":
		m.Template = notify.PhoneCode
	case "authorize-agent":
		m.Template = notify.AuthorizeAgent
		m.Params["name"] = d.About
	default:
		return fmt.Errorf("no text for codes of purpose %q", d.Purpose)
	}
	return c.sender.Send(ctx, m)
}
