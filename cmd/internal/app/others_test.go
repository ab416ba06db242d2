package app_test

import (
	"testing"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// rival is another company of the sandbox world.
func rival() app.Organization {
	return app.Organization{
		USCC: "91440300708461136T", Name: "深圳示例贸易有限公司", Kinds: []string{"statutory"},
		Legal: app.Person{Name: "王五", IDNumber: "110101199003074514", Phone: "13700137000"},
	}
}

// colleague is another agent of the first company.
func colleague() app.Person {
	return app.Person{Name: "赵六", IDNumber: "110101198001010010", Phone: "13600136000"}
}

// world is the sandbox world of these tests.
func world() app.World {
	w := drive.World()
	w.Organizations, w.People = append(w.Organizations, rival()), append(w.People, colleague())
	return w
}

// others are phones of people who have nothing to do with a request: the legal
// representative of another company, and a colleague who is approved and has no
// delegation.
func (p *party) others(t *testing.T) map[string]*client.Phone {
	t.Helper()
	stranger, err := p.Phone("stranger")
	check(t, err)
	check(t, p.EnrolLegal(t.Context(), stranger, rival()))
	fellow, err := p.Phone("colleague")
	check(t, err)
	check(t, p.EnrolAgent(t.Context(), fellow, colleague(), drive.Company()))
	check(t, drive.ApproveAgent(t.Context(), p.legal, drive.Company(), fellow.Person()))
	return map[string]*client.Phone{"a stranger": stranger, "a colleague": fellow}
}
