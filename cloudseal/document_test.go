package cloudseal_test

import (
	"bytes"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

func TestUploadFreezesTheBytes(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	file := cloudsealtest.PDF(3, 5000)
	d := w.Upload(file)
	if d.Pages != 3 || d.Size != len(file) || d.SM3 != gm.SM3(file) || d.State != cloudseal.Ready {
		t.Errorf("%+v", d)
	}
	b, err := w.Service.Original(t.Context(), d)
	if err != nil || !bytes.Equal(b, file) {
		t.Errorf("other bytes: %v", err)
	}
	_, err = w.Service.Result(t.Context(), d)
	want(t, "result before the stamp", err, fault.NotStamped)
}

func TestUploadIsRefused(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	good := cloudsealtest.PDF(1, 1000)
	script := bytes.Replace(good, []byte("/Type /Catalog"), []byte("/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> /Type /Catalog"), 1)
	for _, c := range []struct {
		name, title string
		file        []byte
		want        *fault.Error
	}{
		{"not a PDF", "a.pdf", []byte("PK\x03\x04"), fault.DocumentRefused},
		{"empty", "a.pdf", nil, fault.DocumentRefused},
		{"too large", "a.pdf", make([]byte, cloudseal.DefaultLimits().MaxDocument+1), fault.BodyTooLarge},
		{"a title that turns around", "a\u202efdp.exe", good, fault.BadRequest},
		{"no title", "", good, fault.BadRequest},
	} {
		_, err := w.Service.Upload(t.Context(), cloudsealtest.Tenant, c.title, c.file, gm.SM3(c.file), unit.Kept[*cloudseal.Document]{})
		want(t, c.name, err, c.want)
	}
	_, err := w.Service.Upload(t.Context(), cloudsealtest.Tenant, "a.pdf", script, gm.SM3(script), unit.Kept[*cloudseal.Document]{})
	want(t, "script", err, fault.DocumentRefused)
	findings, ok := fault.From(err).Fields["findings"].([]pdf.Finding)
	if !ok || len(findings) == 0 {
		t.Errorf("no findings in %+v", fault.From(err).Fields)
	}
}

func TestAForeignDocumentIsAbsent(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	d := w.Upload(cloudsealtest.PDF(1, 1000))
	seal := w.Seal()
	_, err := w.Service.Document(t.Context(), "app_other", d.ID)
	want(t, "read", err, fault.Absent)
	ps := []cloudseal.Placement{{Document: d.ID, Seal: seal.ID, Page: 1, X: 10, Y: 10}}
	_, err = w.TryPrepare("app_other", "tk_1", w.Clock.Now().Add(time.Hour), ps)
	want(t, "prepare", err, fault.Absent)
	_, err = w.Service.Document(t.Context(), cloudsealtest.Tenant, "doc_unknown")
	want(t, "unknown", err, fault.Absent)
}

func TestPrepareIsRefused(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	a, b := w.Upload(cloudsealtest.PDF(1, 1000)), w.Upload(cloudsealtest.PDF(1, 2000))
	at := func(d *cloudseal.Document, seal string, page int, x, y float64) cloudseal.Placement {
		return cloudseal.Placement{Document: d.ID, Seal: seal, Page: page, X: x, Y: y}
	}
	for _, c := range []struct {
		name string
		ps   []cloudseal.Placement
		want *fault.Error
	}{
		{"nothing", nil, fault.BadRequest},
		{"too many", make([]cloudseal.Placement, statement.MaxDocs+1), fault.BadRequest},
		{"one document twice", []cloudseal.Placement{at(a, seal.ID, 1, 10, 10), at(a, seal.ID, 1, 100, 10)}, fault.BadRequest},
		{"a seal that is not there", []cloudseal.Placement{at(a, "33010000000009", 1, 10, 10)}, fault.SealUnusable},
		{"a page that is not there", []cloudseal.Placement{at(a, seal.ID, 2, 10, 10)}, fault.PlaceBad},
		{"over the edge", []cloudseal.Placement{at(a, seal.ID, 1, 180, 10)}, fault.PlaceBad},
		{"off the page", []cloudseal.Placement{at(a, seal.ID, 1, -1, 10)}, fault.PlaceBad},
		{"the second is off the page", []cloudseal.Placement{at(a, seal.ID, 1, 10, 10), at(b, seal.ID, 1, 10, 290)}, fault.PlaceBad},
	} {
		_, err := w.TryPrepare(cloudsealtest.Tenant, "tk_1", w.Clock.Now().Add(time.Hour), c.ps)
		want(t, c.name, err, c.want)
	}
	if d := document(t, w, a.ID); d.State != cloudseal.Ready {
		t.Errorf("a refused request holds a document: %s", d.State)
	}
}

func TestADocumentIsOneRequestsAtATime(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	d := w.Upload(cloudsealtest.PDF(1, 1000))
	until := w.Clock.Now().Add(time.Minute)
	ps := []cloudseal.Placement{{Document: d.ID, Seal: seal.ID, Page: 1, X: 10.04, Y: 10.06}}
	prepare := func(hold string) (*cloudseal.Batch, error) {
		return w.TryPrepare(cloudsealtest.Tenant, hold, until, ps)
	}
	first, err := prepare("tk_1")
	if err != nil {
		t.Fatal(err)
	}
	if p := first.Docs[0].Place; p.X != 10 || p.Y != 10.1 || p.W != 40 {
		t.Errorf("place %+v", p)
	}
	for _, hold := range []string{"tk_1", "tk_2"} {
		_, err := prepare(hold)
		want(t, "prepared again for "+hold, err, fault.DocumentBusy)
	}
	w.Update(func(tx unit.Tx) error { return w.Service.Release(tx, "tk_1") })
	if _, err := prepare("tk_2"); err != nil {
		t.Fatalf("after the release: %v", err)
	}
	w.Update(func(tx unit.Tx) error { return w.Service.Release(tx, "tk_1") }) // too late: it is another's
	_, err = prepare("tk_3")
	want(t, "released by another request", err, fault.DocumentBusy)
	w.Clock.Advance(time.Minute)
	until = w.Clock.Now().Add(time.Minute)
	if _, err := prepare("tk_3"); err != nil {
		t.Fatalf("after the hold ran out: %v", err)
	}
	// The request whose hold ran out can no longer be approved.
	r := &cloudsealtest.Request{Ticket: "tk_2"}
	err = w.DB.Update(t.Context(), func(tx unit.Tx) error { return w.Service.BeginStamp(tx, r.Order()) })
	want(t, "approval without a hold", err, fault.DocumentBusy)
}

func TestAStampedDocumentIsNotPreparedAgain(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	r := ask(w, "tk_1", seal, 1)
	w.Begin(r)
	ps := []cloudseal.Placement{{Document: r.Batch.Documents[0], Seal: seal.ID, Page: 1, X: 10, Y: 10}}
	_, err := w.TryPrepare(cloudsealtest.Tenant, "tk_2", w.Clock.Now().Add(time.Hour), ps)
	want(t, "while it is stamped", err, fault.DocumentBusy)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	_, err = w.TryPrepare(cloudsealtest.Tenant, "tk_2", w.Clock.Now().Add(time.Hour), ps)
	want(t, "when it is stamped", err, fault.StateConflict)
}

func TestAT029CheckDocuments(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 2)
	check := func(docs []statement.Doc) error {
		return w.CheckDocuments("tk_1", docs)
	}
	if err := check(r.Batch.Docs); err != nil {
		t.Fatal(err)
	}
	var again *cloudseal.Batch
	w.Update(func(tx unit.Tx) (err error) { again, err = w.Service.BatchOf(tx, "tk_1"); return err })
	if err := check(again.Docs); err != nil || again.Documents[1] != r.Batch.Documents[1] {
		t.Errorf("the batch as read: %v", err)
	}
	moved := append([]statement.Doc(nil), r.Batch.Docs...)
	moved[0].Place.X++
	want(t, "another place", check(moved), fault.DocumentChanged)
	want(t, "one missing", check(r.Batch.Docs[:1]), fault.DocumentChanged)
	want(t, "unknown request", w.CheckDocuments("tk_9", r.Batch.Docs), fault.Absent)

	good := cloudsealtest.PDF(2, 2000)
	bad := bytes.Clone(good)
	bad[300] ^= 1
	w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[1].SM3, bad)
	want(t, "a byte on the disk", check(r.Batch.Docs), fault.DocumentChanged)
	w.Blobs.Replace(t, cloudsealtest.Tenant, r.Batch.Docs[1].SM3, nil)
	want(t, "nothing on the disk", check(r.Batch.Docs), fault.DocumentChanged)
}

func TestBeginStampIsRefused(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	r := ask(w, "tk_1", seal, 2)
	begin := func(edit func(*cloudseal.Order)) error {
		o := r.Order()
		edit(&o)
		return w.DB.Update(t.Context(), func(tx unit.Tx) error { return w.Service.BeginStamp(tx, o) })
	}
	want(t, "another organization", begin(func(o *cloudseal.Order) { o.Org = "91110000802100433B" }), fault.SealUnusable)
	want(t, "another tenant", begin(func(o *cloudseal.Order) { o.Tenant = "app_other" }), fault.Absent)
	want(t, "nothing prepared", begin(func(o *cloudseal.Order) { o.Hold = "tk_9" }), fault.Absent)
	want(t, "too few slots", begin(func(o *cloudseal.Order) { o.Slots = []int{1} }), fault.InternalError)
	if n := len(intents(t, w, "tk_1")); n > 0 {
		t.Fatalf("%d intents", n)
	}
	if err := begin(func(*cloudseal.Order) {}); err != nil {
		t.Fatal(err)
	}
	want(t, "a second time", begin(func(*cloudseal.Order) {}), fault.DocumentBusy)
	w.Clock.Advance(4 * 365 * 24 * time.Hour)
	want(t, "with a seal that has expired", begin(func(*cloudseal.Order) {}), fault.SealExpired)
}

// A freeze that commits while an approval is under way, behind its look at the
// seal, makes the approval look again.
func TestAFreezeBetweenLookAndCommitWins(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	frozen := false
	err := w.DB.Update(t.Context(), func(tx unit.Tx) error {
		if err := w.Service.BeginStamp(tx, r.Order()); err != nil {
			return err
		}
		if !frozen {
			frozen = true
			return freeze(t, w)
		}
		return nil
	})
	want(t, "approval", err, fault.SealFrozen)
}
