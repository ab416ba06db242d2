package mobileapi_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"yunzhang.dev/authz/authztest"
	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/registry"
	"yunzhang.dev/mobileapi"
)

// name changes the legal representative in the registry.
func (w *world) name(name, id string) {
	w.Registry.Put(registry.Organization{USCC: uscc, Name: authztest.OrgName, Legal: registry.Identity{Name: name, IDNumber: id}})
}

// wireSeal is a seal on the wire.
type wireSeal struct {
	Code, Kind, State, SM3 string
	KindName               string `json:"kind_name"`
	StateName              string `json:"state_name"`
	Usable                 bool
	Picture                *struct {
		PNG   string
		Width float64 `json:"width_mm"`
	}
}

func TestSeals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	var list struct{ Items []wireSeal }
	w.get(t, w.legal, "/v1/organizations/"+w.legal.Org+"/seals").into(t, &list)
	if len(list.Items) != 1 || list.Items[0].Code != "35010000000001" || list.Items[0].Picture != nil {
		t.Errorf("%+v", list)
	}
	var s wireSeal
	w.get(t, w.legal, "/v1/seals/35010000000001").into(t, &s)
	if s.Picture == nil || s.Picture.PNG != b64([]byte("png")) || s.KindName != "单位公章" || !s.Usable {
		t.Errorf("%+v", s)
	}
	var filed struct {
		Items []struct {
			Kind             string
			Filed, Claimable bool
			Reason           string
			Picture          *struct{ PNG string }
		}
	}
	w.get(t, w.legal, "/v1/organizations/"+w.legal.Org+"/impressions").into(t, &filed)
	if len(filed.Items) != 2 || filed.Items[0].Picture.PNG != b64([]byte("grey "+uscc)) || filed.Items[1].Reason != fault.FilingMissing.Code {
		t.Errorf("%+v", filed)
	}
}

func TestFreeze(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	var s wireSeal
	w.post(t, w.legal, "/v1/seals/35010000000001/freeze", object{"reason": "手机丢失"}).into(t, &s)
	if s.Usable || s.StateName != "已冻结" || s.Picture != nil {
		t.Errorf("%+v", s)
	}
	w.get(t, w.legal, "/v1/seals/35010000000001").into(t, &s)
	if s.State != "frozen" {
		t.Errorf("%+v", s)
	}
	w.post(t, w.legal, "/v1/seals/35010000000001/unfreeze", object{}).want(t, fault.RouteUnknown) // not by a request alone
	w.sign(t, w.legal, w.post(t, w.legal, "/v1/seals/35010000000001/unfreeze/draft", object{"reason": "已找回"})).into(t, nil)
	w.get(t, w.legal, "/v1/seals/35010000000001").into(t, &s)
	if !s.Usable {
		t.Errorf("%+v", s)
	}
}

// TestAT040ForeignThings asks for everything that belongs to somebody, as somebody
// else (AT-040): the answer is the same as for what does not exist, and
// nothing changes.
func TestAT040ForeignThings(t *testing.T) {
	t.Parallel()
	w := newWorld(t, mobileapi.Limits{})
	w.name(authztest.Zhang.Name, authztest.Zhang.IDNumber)
	pending := newNewcomer(t, w, zhao())
	applicant := pending.actor(t, pending.finish(t, w, pending.begin(t, w), nil))
	grant := w.sign(t, w.legal, w.post(t, w.legal, "/v1/organizations/"+w.legal.Org+"/delegations/draft", w.delegation()))
	var delegation result
	grant.into(t, &delegation)
	var d draft
	w.post(t, w.legal, "/v1/organizations/"+w.legal.Org+"/agreement/draft", nil).into(t, &d)
	w.post(t, w.legal, "/v1/claims", object{"handle": theHandle, "n": 1, "mac": theMAC}).into(t, nil)

	membership := w.legal.Org + "." + applicant.Person.ID
	place := w.legal.Org + "." + w.agent.Person.ID
	org, gone := "/v1/organizations/"+w.legal.Org, "/v1/organizations/og_gone"
	rows := []struct {
		method, own, absent string
		body                func(id string) any
		ownID, absentID     string // in the body
	}{
		{http.MethodGet, org + "/members", gone + "/members", nil, "", ""},
		{http.MethodGet, org + "/delegations", gone + "/delegations", nil, "", ""},
		{http.MethodGet, org + "/seals", gone + "/seals", nil, "", ""},
		{http.MethodGet, org + "/impressions", gone + "/impressions", nil, "", ""},
		{http.MethodGet, org + "/register", gone + "/register", nil, "", ""},
		{http.MethodPost, org + "/agreement/draft", gone + "/agreement/draft", nil, "", ""},
		{http.MethodPost, org + "/delegations/draft", gone + "/delegations/draft", func(string) any { return w.delegation() }, "", ""},
		{http.MethodPost, org + "/seals/draft", gone + "/seals/draft", func(string) any { return object{"kind": "statutory"} }, "", ""},
		{http.MethodGet, "/v1/seals/35010000000001", "/v1/seals/35010000000000", nil, "", ""},
		{http.MethodPost, "/v1/seals/35010000000001/freeze", "/v1/seals/35010000000000/freeze", func(string) any { return object{} }, "", ""},
		{http.MethodPost, "/v1/seals/35010000000001/unfreeze/draft", "/v1/seals/35010000000000/unfreeze/draft", func(string) any { return object{} }, "", ""},
		{http.MethodPost, "/v1/memberships/" + membership + "/approve/draft", "/v1/memberships/og_x.us_x/approve/draft", nil, "", ""},
		{http.MethodPost, "/v1/devices/" + w.legal.Device.ID + "/approve/draft", "/v1/devices/dv_gone/approve/draft", nil, "", ""},
		{http.MethodPost, "/v1/acts/" + d.ActID + "/sign", "/v1/acts/ac_gone/sign", func(string) any { return object{"sig_sm2": "AAAA"} }, "", ""},
		{http.MethodPost, "/v1/revocations/draft", "", revocation("delegation"), delegation.SubjectID, "dg_gone"},
		{http.MethodPost, "/v1/revocations/draft", "", revocation("agent"), place, "og_x.us_x"},
		{http.MethodPost, "/v1/revocations/draft", "", revocation("device"), w.legal.Device.ID, "dv_gone"},
		{http.MethodGet, "/v1/claims/" + theClaim + "/manifest", "/v1/claims/cl_gone/manifest", nil, "", ""},
		{http.MethodGet, "/v1/claims/" + theClaim + "/documents/1", "/v1/claims/cl_gone/documents/1", nil, "", ""},
		{http.MethodPost, "/v1/claims/" + theClaim + "/approve", "/v1/claims/cl_gone/approve", func(string) any {
			return object{"head_sm3": d.SM3, "match": "417", "sig_sm2": "AAAA"}
		}, "", ""},
		{http.MethodGet, "/v1/seconds/" + theSecond, "/v1/seconds/tk_gone", nil, "", ""},
		{http.MethodGet, "/v1/seconds/" + theSecond + "/manifest", "/v1/seconds/tk_gone/manifest", nil, "", ""},
		{http.MethodGet, "/v1/seconds/" + theSecond + "/documents/1", "/v1/seconds/tk_gone/documents/1", nil, "", ""},
		{http.MethodPost, "/v1/seconds/" + theSecond + "/draft", "/v1/seconds/tk_gone/draft", func(string) any { return object{"opinion": "approve"} }, "", ""},
		{http.MethodPost, "/v1/claims/" + theClaim + "/reject", "/v1/claims/cl_gone/reject", func(string) any { return object{} }, "", ""},
		{http.MethodPost, "/v1/claims/" + theClaim + "/report", "/v1/claims/cl_gone/report", func(string) any { return object{} }, "", ""},
	}
	for _, row := range rows {
		for _, foreigner := range []*authztest.Actor{w.stranger, w.agent} {
			ask := func(path, id string) answer {
				if path == "" {
					path = row.own
				}
				if row.body == nil {
					return w.do(t, foreigner, row.method, path, nil)
				}
				return w.do(t, foreigner, row.method, path, row.body(id))
			}
			foreign, absent := ask(row.own, row.ownID), ask(row.absent, row.absentID)
			if foreign.status != http.StatusNotFound || foreign.status != absent.status || foreign.code() != absent.code() {
				t.Errorf("%s %s: foreign %d %s, absent %d %s", row.method, row.own, foreign.status, foreign.body, absent.status, absent.body)
			}
		}
	}
	for _, d := range w.described { // the matrix is whole
		if !strings.Contains(d.Path, "{") || d.Open {
			continue
		}
		pattern := regexp.MustCompile("^" + regexp.MustCompile(`\{\w+\}`).ReplaceAllString(d.Path, `[^/]+`) + "$")
		covered := false
		for _, row := range rows {
			covered = covered || row.method == d.Method && pattern.MatchString(row.own)
		}
		if !covered {
			t.Errorf("%s %s is asked for by no foreigner", d.Method, d.Path)
		}
	}
	if s, _ := w.seals.Seal(t.Context(), "35010000000001"); !s.Usable {
		t.Error("a foreigner froze the seal")
	}
	w.scans.mu.Lock()
	defer w.scans.mu.Unlock()
	if w.scans.state != "claimed" {
		t.Errorf("a foreigner moved the ticket to %s", w.scans.state)
	}
}

func revocation(kind string) func(string) any {
	return func(id string) any { return object{"kind": kind, "id": id} }
}
