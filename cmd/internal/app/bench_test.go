package app_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yunzhang.dev/authz"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
	"yunzhang.dev/cloudseal/ses"
	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/mobileapi/client"
)

// benchPDF is a document of one page and about size bytes, always the same and
// not to be compressed: a picture of noise.
func benchPDF(size int) []byte {
	noise := make([]byte, size)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(noise) // it cannot fail
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var at []int
	object := func(text string, stream []byte) {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s", len(at), text)
		if stream != nil {
			b.WriteString("\nstream\n")
			b.Write(stream)
			b.WriteString("\nendstream")
		}
		b.WriteString("\nendobj\n")
	}
	page := []byte("q 400 0 0 400 90 300 cm /Im0 Do Q")
	object("<< /Type /Catalog /Pages 2 0 R >>", nil)
	object("<< /Type /Pages /Count 1 /Kids [3 0 R] >>", nil)
	object("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595.28 841.89] /Resources << /XObject << /Im0 5 0 R >> >> /Contents 4 0 R >>", nil)
	object(fmt.Sprintf("<< /Length %d >>", len(page)), page)
	object(fmt.Sprintf("<< /Type /XObject /Subtype /Image /Width %d /Height 320 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length %d >>", size/320, size), noise)
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(at)+1)
	for _, offset := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(at)+1, start)
	return b.Bytes()
}

// benchOptions log as a node does, to nowhere.
func benchOptions() app.Options {
	return app.Options{Unlimited: true, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))}
}

// stage is a party whose agent and declaration system are metered.
type stage struct {
	*party
	b      *testing.B
	watch  *watch
	portal *metered
	phone  *metered
	agent  *client.Phone
}

func newStage(b *testing.B) *stage {
	b.Helper()
	s := &stage{b: b, watch: newWatch()}
	o, dir := benchOptions(), b.TempDir()
	o.World = drive.World()
	o.Checkpoint = func(name string) { s.watch.mark("stamp, up to: " + name) }
	base, c, a := startAs(b, dir, o, (*app.App).RunQuiet)
	s.party = gatherAlone(b, dir, 1_000_000, base, c, a)
	s.bindAtOnce(b, s.system, "zhang")
	s.portal, s.phone = &metered{watch: s.watch, line: line{addr: s.Net.Addr}}, &metered{watch: s.watch, line: line{addr: s.Net.Addr}}
	s.system.HTTP = &http.Client{Transport: s.portal}
	var err error
	s.agent, err = client.New(client.Config{
		Server: c.Sites.App, Issuer: c.Sites.Issuer, QRBase: c.Sites.Verify + "/q",
		Dir: filepath.Join(dir, "phones", "agent"), HTTP: &http.Client{Transport: s.phone},
	})
	check(b, err)
	_, err = s.agent.Place(b.Context(), uscc) // fetches a nonce
	check(b, err)
	return s
}

// Parts that are not between the upload and the durable result.
const (
	partUnlock = "unlock the phone (PIN)"
	partResult = "result to the page"
	partRedeem = "redeem"
	partFetch  = "fetch the stamped file"
)

// run is one stamp, every part under its name. It gives the stamped file.
func (s *stage) run(ctx context.Context, file []byte) []byte {
	s.portal.part = "upload"
	d, err := s.system.Upload(ctx, "登记表.pdf", file)
	check(s.b, err)
	r := s.ask(ctx, d.ID)
	defer r.Page.Close()
	number, scan := s.claim(ctx, r)
	s.phone.part = partUnlock
	u, err := s.agent.Unlock(ctx, drive.PIN)
	check(s.b, err)
	defer u.Close()
	s.phone.part = "approve: checks 1 to 20"
	_, err = u.Approve(ctx, scan, number)
	check(s.b, err)
	s.watch.mark(others)
	check(s.b, s.app.Stamp(ctx, r.Ticket))
	s.watch.mark("stamp, up to: settled")
	check(s.b, s.app.Chain(ctx))
	s.watch.mark("audit chain")
	return s.fetch(ctx, r, d.ID)
}

// ask opens a ticket and shows it on a page, which it leaves with its code.
func (s *stage) ask(ctx context.Context, document string) *drive.Request {
	s.portal.part = "open: prepare, place, ticket"
	r, err := s.system.Ask(ctx, drive.StampAsk("zhang", uscc, document, 1, 130, 220))
	check(s.b, err)
	_, err = r.Page.Frame(ctx)
	check(s.b, err)
	s.watch.mark("attach the page, first code (with the page's half)")
	return r
}

// claim scans, reads the document and copies the number.
func (s *stage) claim(ctx context.Context, r *drive.Request) (string, *client.Scan) {
	s.phone.part = "claim"
	scan, err := drive.Claim(ctx, s.agent, r)
	check(s.b, err)
	number, err := r.Page.Number(ctx)
	check(s.b, err)
	s.watch.mark("number to the page, phone's check of the statement")
	s.phone.part = "document to the phone"
	err = s.agent.Look(ctx, scan)
	check(s.b, err)
	return number, scan
}

func (s *stage) fetch(ctx context.Context, r *drive.Request, document string) []byte {
	code, err := r.Page.Result(ctx)
	check(s.b, err)
	s.watch.mark(partResult)
	s.portal.part = partRedeem
	_, err = s.system.Redeem(ctx, r.Ticket, code, r.Verifier)
	check(s.b, err)
	s.portal.part = partFetch
	stamped, err := s.system.Stamped(ctx, document)
	check(s.b, err)
	return stamped
}

// BenchmarkStamp is a stamp of a 100 KiB document by scan over HTTP, from the
// upload to the durable result, part by part in processor time, and beside it
// the floor: the passes, signature checks and durable writes that the protocol
// demands, measured in turns with the stamps.
func BenchmarkStamp(b *testing.B) {
	s, file := newStage(b), benchPDF(100<<10)
	f := newFloor(b, s.app, file, s.run(b.Context(), file)) // warms up
	s.watch.forget()
	n := 0
	for b.Loop() {
		s.run(b.Context(), file)
		b.StopTimer()
		s.watch.mark(others)
		f.round()
		s.watch.mark(others)
		b.StartTimer()
		n++
	}
	b.StopTimer()
	s.report(n, f)
}

// report prints parts and floor. Not by b.Log, which keeps ten lines.
func (s *stage) report(n int, f *floor) {
	var out bytes.Buffer
	fmt.Fprintf(&out, "\na stamp of %d bytes, result %d bytes, mean of %d\n", len(f.file), len(f.result), n)
	after := []string{partResult, partRedeem, partFetch}
	whole := write(&out, "measured: upload to durable result", n, s.watch.parts(append(after, partUnlock)...))
	passes := write(&out, "floor: passes over the bytes", n, f.passes)
	checks := write(&out, "floor: signatures", n, f.checks)
	writes := write(&out, "floor: what is kept", n, f.writes)
	least := spent{passes.cpu + checks.cpu + writes.cpu, passes.clock + checks.clock + writes.clock}
	x := ratio(whole.cpu, least.cpu)
	fmt.Fprintf(&out, "\nfloor %.3f ms cpu, measured %.3f ms cpu: %.2f × the floor\n", ms(least.cpu), ms(whole.cpu), x)
	write(&out, "beside it: unlocking, dear on purpose; measured", n, s.watch.named(partUnlock))
	write(&out, "beside it: unlocking; floor", n, f.unlocking)
	write(&out, "after the result", n, s.watch.named(after...))
	_, _ = os.Stdout.Write(out.Bytes())
	s.b.ReportMetric(ms(whole.cpu), "ms-cpu/stamp")
	s.b.ReportMetric(ms(least.cpu), "ms-cpu/floor")
	s.b.ReportMetric(x, "x-floor-cpu")
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

// BenchmarkTicketToDone is a whole stamp as its people see it, on a node that
// runs as it should: ticket open, page, scan, document, PIN, approval, stamp,
// result on the page.
func BenchmarkTicketToDone(b *testing.B) {
	p := newParty(b, 1_000_000, benchOptions())
	p.bindAtOnce(b, p.system, "zhang")
	file, ctx := benchPDF(100<<10), b.Context()
	for b.Loop() {
		b.StopTimer()
		d, err := p.system.Upload(ctx, "登记表.pdf", file)
		check(b, err)
		b.StartTimer()
		r, err := p.system.Ask(ctx, drive.StampAsk("zhang", uscc, d.ID, 1, 130, 220))
		check(b, err)
		check(b, drive.Confirm(ctx, p.agent, r))
		_, err = r.Page.Result(ctx)
		check(b, err)
		r.Page.Close()
	}
}

// BenchmarkSealCheck reads a seal and checks its maker's signature.
func BenchmarkSealCheck(b *testing.B) {
	p := newParty(b, 10, benchOptions())
	p.bindAtOnce(b, p.system, "zhang")
	stamped, err := p.system.Stamp(b.Context(), p.agent, "zhang", uscc, "登记表.pdf", benchPDF(10<<10))
	check(b, err)
	found, err := pdf.Find(stamped)
	check(b, err)
	sig, err := ses.ParseSignature(found[0].DER)
	check(b, err)
	for b.Loop() {
		seal, err := ses.ParseSeal(sig.Seal.Raw)
		check(b, err)
		check(b, seal.CheckMaker())
	}
}

// BenchmarkCheapest is requests a second of the cheapest calls, over several
// connections that stay open.
func BenchmarkCheapest(b *testing.B) {
	base, c, _ := start(b, benchOptions())
	for _, row := range []struct{ name, method, path string }{
		{"healthz", http.MethodGet, "/healthz"}, {"nonce", http.MethodPost, "/v1/device/nonce"},
	} {
		b.Run(row.name, func(b *testing.B) {
			web := drive.Net{Addr: base[len("http://"):]}.Client()
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := visit(b.Context(), web, row.method, c.Sites.App+row.path); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

func visit(ctx context.Context, web *http.Client, method, url string) error {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	answer, err := web.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= 400 {
		return fmt.Errorf("%s: status %d", url, answer.StatusCode)
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return err
}

// BenchmarkDecide is the decision on a stamp under a delegation.
func BenchmarkDecide(b *testing.B) {
	now := time.Now()
	seal := statement.Ref{ID: "91350100000017", Hash: gm.SM3([]byte("seal"))}
	facts := authz.Facts{
		Person:     authz.Person{Row: unit.Row{ID: "us_1"}, State: authz.Active},
		Device:     authz.Device{Row: unit.Row{ID: "dv_1"}, Person: "us_1", Tier: authz.TierW, State: authz.Active},
		Org:        authz.Organization{Row: unit.Row{ID: "og_1"}, State: authz.Active, Legal: "us_2", CheckedAt: now},
		Membership: &authz.Membership{Org: "og_1", Person: "us_1", Role: authz.Agent, State: authz.Active},
		Legal:      &authz.Membership{Org: "og_1", Person: "us_2", Role: authz.Legal, State: authz.Active},
		Delegation: &authz.Delegation{
			Row: unit.Row{ID: "dg_1"}, Org: "og_1", Agent: "us_1", App: "app_1", Grantor: "us_2", Actions: []authz.Action{authz.Stamp},
			Seals: []statement.Ref{seal}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), Max: 10, Next: 1, State: authz.Active,
		},
		Policy: authz.DefaultPolicy(),
	}
	ask := authz.Ask{Action: authz.Stamp, App: "app_1", Seals: []statement.Ref{seal}, Person: "us_1"}
	for b.Loop() {
		check(b, authz.Decide(facts, ask, now))
	}
}
