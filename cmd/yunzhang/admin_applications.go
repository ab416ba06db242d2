package main

import (
	"net/url"
	"path/filepath"
	"strings"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/web/console"
)

type adminApplicationsCmd struct {
	State string `help:"waiting、accepted、issuing、issued、rejected。· State." default:"waiting" enum:"waiting,accepted,issuing,issued,rejected" placeholder:"STATE"`
	After string `help:"从这一份之后列起。· Begin behind this one." placeholder:"ID"`
}

// Run lists applications.
func (c adminApplicationsCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	var list []console.Application
	q := url.Values{"state": {c.State}, "after": {c.After}}
	if err := o.get("/v1/console/applications?"+q.Encode(), &list); err != nil {
		return err
	}
	for _, a := range list {
		e.printf("%s  %s  %s  %s  %s  – %s\n", a.ID, a.State, a.USCC, a.Name, a.Kind, e.when(a.DecideBy))
		for _, d := range a.Defects {
			e.printf("    – %s\n", e.say(d.ZH, d.EN))
		}
	}
	return nil
}

type adminShowCmd struct {
	ID   string `arg:"" help:"申请编号。· Id of the application."`
	Save string `help:"把印模图片存到这个目录。· Save the pictures in a folder." type:"path" placeholder:"DIR"`
}

// Run shows an application.
func (c adminShowCmd) Run(e *env, cli *commands) error {
	o, err := cli.Admin.open(e)
	if err != nil {
		return err
	}
	a, err := o.application(c.ID)
	if err != nil {
		return err
	}
	e.printf("%s  %s\n", a.ID, a.State)
	e.row(e.say("单位", "organization"), a.Name+" "+a.USCC)
	e.row(e.say("类型", "kind"), a.Kind)
	e.row(e.say("备案", "filing"), strings.TrimSpace(a.FiledName+" "+a.FiledNumber))
	e.row(e.say("申请人", "applicant"), a.Applicant)
	e.row(e.say("办理期限", "decide by"), e.when(a.DecideBy))
	for _, d := range a.Defects {
		e.printf("    – %s\n", e.say(d.ZH, d.EN))
	}
	if c.Save == "" {
		return nil
	}
	for name, b := range map[string][]byte{"filed.png": a.Filed, "uploaded.png": a.Uploaded} {
		if len(b) == 0 {
			continue
		}
		path := filepath.Join(c.Save, a.ID+"-"+name)
		if err := writeNew(path, b); err != nil {
			return err
		}
		e.printf("%s\n", path)
	}
	return nil
}

func (o *operator) application(id string) (a console.Application, err error) {
	err = o.get("/v1/console/applications/"+url.PathEscape(id), &a)
	return a, err
}

// decide signs an opinion on an application as it is now.
func (a adminCmd) decide(e *env, id string, order func(console.Application) console.Order) error {
	o, err := a.open(e)
	if err != nil {
		return err
	}
	app, err := o.application(id)
	if err != nil {
		return err
	}
	out, err := o.order(order(app))
	if err != nil {
		return err
	}
	e.printf("%s  %s %s\n", out.Application.ID, out.Application.State, out.Application.Seal)
	return nil
}

type adminAcceptCmd struct {
	ID string `arg:"" help:"申请编号。· Id of the application."`
}

// Run accepts an application.
func (c adminAcceptCmd) Run(e *env, cli *commands) error {
	return cli.Admin.decide(e, c.ID, func(a console.Application) console.Order {
		return console.Order{Act: cloudseal.ActAccept, Application: a.ID, Claim: a.Claim, Opinion: statement.Approve}
	})
}

type adminReviewCmd struct {
	ID string `arg:"" help:"申请编号。· Id of the application."`
}

// Run approves an accepted application.
func (c adminReviewCmd) Run(e *env, cli *commands) error {
	return cli.Admin.decide(e, c.ID, func(a console.Application) console.Order {
		return console.Order{Act: cloudseal.ActReview, Application: a.ID, Claim: a.Claim, Opinion: statement.Approve}
	})
}

type adminRejectCmd struct {
	ID     string   `arg:"" help:"申请编号。· Id of the application."`
	Defect []string `help:"要补正的问题，可多次给出。· What has to be mended; repeat it for each." required:"" sep:"none" placeholder:"TEXT"`
}

// Run rejects an application, as clerk or as reviewer by its state.
func (c adminRejectCmd) Run(e *env, cli *commands) error {
	return cli.Admin.decide(e, c.ID, func(a console.Application) console.Order {
		act := cloudseal.ActAccept
		if a.State == cloudseal.Accepted {
			act = cloudseal.ActReview
		}
		return console.Order{Act: act, Application: a.ID, Claim: a.Claim, Opinion: statement.Reject, Defects: c.Defect}
	})
}
