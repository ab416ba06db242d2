package cloudsealtest

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/pdf"
)

// Meter is what a benchmark of a stamp measures with besides the clock.
type Meter struct {
	// CPU is the processor time of the process so far; nil: not known.
	CPU func() time.Duration
	// Row makes one small durable write, Blob one of these bytes; nil where
	// nothing is durable.
	Row  func() error
	Blob func(b []byte) error
}

// rows and blobs are how often a stamp writes durably, one after the other:
// upload, preparation, approval, begin, journal, signature, end; the file and
// the result.
const rows, blobs = 7, 2

// checks lists the signature checks that a stamp by scan demands between upload
// and result, by name and number. The two of the approval itself (device, and
// grantor on the delegation) belong to who takes the approval.
// What signer and maker sign holds the picture of the seal, so these checks hash
// as much as the signature is long; the others hash a statement or certificate.
func checks(small, large spent) []demand {
	return []demand{
		{"check: signer: approval, enrolment, delegation, grantor's enrolment, representation", 5, small},
		{"check: signer, own result: signer, maker", 2, large},
		{"check: second look: signer, maker", 2, large},
		{"check: second look: chains of signer and maker, two links each", 4, small},
	}
}

// demand is one thing the protocol asks for, and what it costs by itself.
type demand struct {
	name  string
	times int
	took  spent
}

// spent is time by the clock and by the processor.
type spent struct{ clock, cpu time.Duration }

func (s spent) plus(o spent) spent { return spent{s.clock + o.clock, s.cpu + o.cpu} }
func (s spent) times(n, d int) spent {
	return spent{s.clock * time.Duration(n) / time.Duration(d), s.cpu * time.Duration(n) / time.Duration(d)}
}
func (s spent) columns() string        { return fmt.Sprintf("%9.3f ms %9.3f ms cpu", ms(s.clock), ms(s.cpu)) }
func ms(d time.Duration) float64       { return float64(d.Microseconds()) / 1000 }
func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

// stopwatch notes what each part of an operation takes.
type stopwatch struct {
	b     *testing.B
	meter Meter
	last  spent
	order []string
	took  map[string]spent
}

func (s *stopwatch) now() (now spent) {
	now.clock = s.b.Elapsed()
	if s.meter.CPU != nil {
		now.cpu = s.meter.CPU()
	}
	return now
}

func (s *stopwatch) start() { s.last = s.now() }

func (s *stopwatch) mark(part string) {
	now := s.now()
	if _, seen := s.took[part]; !seen {
		s.order = append(s.order, part)
	}
	s.took[part] = s.took[part].plus(spent{now.clock - s.last.clock, now.cpu - s.last.cpu})
	s.last = now
}

// BenchmarkStamp measures one stamp of a file of this size by scan, from the
// upload to the durable result, part by part, and prints beside it the floor:
// the passes over the bytes, the signature checks that the protocol demands and
// the durable writes, measured in the same run. The world must be fresh.
func BenchmarkStamp(b *testing.B, w *World, size int, m Meter) {
	seal, file := w.Seal(), PDF(3, size)
	watch := &stopwatch{b: b, meter: m, took: map[string]spent{}}
	n := 0
	var result []byte
	for b.Loop() {
		n++
		result = benchOne(b, w, watch, seal, file, fmt.Sprintf("tk_%d", n))
	}
	b.StopTimer()
	list := watch.floor(len(file), result)
	watch.report(n, list)
}

// parts names what lies before each checkpoint.
func parts() map[string]string {
	return map[string]string{
		"intent": "stamp: load", "evidence": "begin; signer: evidence and documents", "journal": "signer: journal",
		"value": "signer: key, signature, self check", "kept": "signer: keep", "signed": "signer: return",
		"completed": "complete", "checked": "second look", "stored": "store result", "settled": "settle",
	}
}

func benchOne(b *testing.B, w *World, watch *stopwatch, seal *cloudseal.Seal, file []byte, ticket string) []byte {
	watch.start()
	d := w.Upload(file)
	watch.mark("upload")
	w.Prepare(ticket, seal, d)
	watch.mark("prepare")
	b.StopTimer()
	r := w.approved(ticket, seal, 1) // the phone's part
	b.StartTimer()
	watch.start()
	if err := w.CheckDocuments(ticket, r.Batch.Docs); err != nil {
		b.Fatal(err)
	}
	watch.mark("check 18")
	w.Begin(r)
	watch.mark("approve: intents")
	names := parts()
	w.Checkpoint = func(name string) {
		if part, ok := names[name]; ok {
			watch.mark(part)
		}
	}
	if err := w.Service.Stamp(b.Context(), ticket); err != nil {
		b.Fatal(err)
	}
	w.Checkpoint = nil
	b.StopTimer()
	defer b.StartTimer()
	return w.Result(d.ID)
}

// floor measures what the protocol demands, thing by thing.
func (s *stopwatch) floor(size int, result []byte) []demand {
	found, err := pdf.Find(result)
	if err != nil || len(found) != 1 {
		s.b.Fatalf("%d stamps, %v", len(found), err)
	}
	covered := int(found[0].ByteRange[1] + found[0].ByteRange[3]) // all but the slot
	pass := func(n int) spent { return s.measure(func() error { gm.SM3(result[:n]); return nil }) }
	one := pass(covered)
	list := []demand{
		{"pass: upload", 1, pass(size)}, {"pass: preparation", 1, one}, {"pass: approval", 1, one}, {"pass: signer", 1, one},
		{fmt.Sprintf("pass: second look, %d bytes", len(result)), 1, pass(len(result))},
	}
	key, statement, tbs := Key(s.b), []byte(strings.Repeat("x", 700)), found[0].DER
	list = append(list, demand{"signature", 1, s.measure(func() error { _, err := key.Sign(tbs); return err })})
	check := func(message []byte) spent {
		sig := sign(s.b, key, message).Sig
		return s.measure(func() error { key.Public().Verify(message, sig); return nil })
	}
	list = append(list, checks(check(statement), check(tbs))...)
	if s.meter.Row != nil {
		list = append(list, demand{"durable row", rows, s.measure(s.meter.Row)})
	}
	if s.meter.Blob != nil {
		list = append(list, demand{"durable blob", blobs, s.measure(func() error { return s.meter.Blob(result[:(size+len(result))/blobs]) })})
	}
	return list
}

func (s *stopwatch) measure(f func() error) spent {
	const rounds = 100
	s.b.StartTimer()
	defer s.b.StopTimer()
	from := s.now()
	for range rounds {
		if err := f(); err != nil {
			s.b.Fatal(err)
		}
	}
	to := s.now()
	return spent{to.clock - from.clock, to.cpu - from.cpu}.times(1, rounds)
}

func (s *stopwatch) report(n int, list []demand) {
	var out strings.Builder
	var whole, least spent
	for _, part := range s.order {
		took := s.took[part].times(1, n)
		whole = whole.plus(took)
		fmt.Fprintf(&out, "\n  %s  %s", took.columns(), part)
	}
	fmt.Fprintf(&out, "\n  %s  = stamp\nfloor:", whole.columns())
	for _, d := range list {
		took := d.took.times(d.times, 1)
		least = least.plus(took)
		fmt.Fprintf(&out, "\n  %s  %d × %s", took.columns(), d.times, d.name)
	}
	fmt.Fprintf(&out, "\n  %s  = floor; the stamp takes %.2f of it, %.2f in processor time",
		least.columns(), ratio(whole.clock, least.clock), ratio(whole.cpu, least.cpu))
	// Not b.Log, which keeps ten lines.
	_, _ = fmt.Fprintf(os.Stdout, "stamp, part by part:%s\n", out.String())
	s.b.ReportMetric(ms(whole.clock), "ms/stamp")
	s.b.ReportMetric(ms(least.clock), "ms/floor")
	if s.meter.CPU != nil {
		s.b.ReportMetric(ratio(whole.cpu, least.cpu), "x-floor-cpu")
	}
}
