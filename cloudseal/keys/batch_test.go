package keys_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"yunzhang.dev/authz/statement"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/gm"
	"yunzhang.dev/cloudseal/keys"
	"yunzhang.dev/cloudseal/pdf"
)

// large gives jobs for one more document than an approval holds itself, under a
// delegation that reaches for them, and their evidence.
func large(t *testing.T) (*stage, []keys.Job, keys.Evidence) {
	t.Helper()
	s := newStage(t)
	n := statement.MaxInline + 1
	s.delegation = cloudsealtest.Delegate(t, s.legal, s.agent.Person, []statement.Ref{s.ref}, func(d *statement.Delegation) { d.Max = n })
	jobs := s.jobs(n)
	ev := s.evidence("tk_1", jobs)
	a := s.approval("tk_1", jobs)
	ev.Manifest = cloudsealtest.Manifest(t, a)
	return s, jobs, ev
}

// AT-042, the signer's part: he rebuilds the list from the manifest and takes no
// other, and documents by no other than this list.
func TestAT042TheSignerRebuildsTheList(t *testing.T) {
	t.Parallel()
	s, jobs, ev := large(t)
	for name, change := range map[string]func([]keys.Job) ([]keys.Job, []byte){
		"no manifest": func(j []keys.Job) ([]keys.Job, []byte) { return j, nil },
		"another list": func(j []keys.Job) ([]keys.Job, []byte) {
			j[20].Line.Title = "another.pdf"
			return j, cloudsealtest.Manifest(t, s.approval("tk_1", j))
		},
		"another order": func(j []keys.Job) ([]keys.Job, []byte) {
			j[20], j[21] = j[21], j[20]
			return j, cloudsealtest.Manifest(t, s.approval("tk_1", j))
		},
		"one document twice": func(j []keys.Job) ([]keys.Job, []byte) {
			j[20] = j[21]
			return j, cloudsealtest.Manifest(t, s.approval("tk_1", j))
		},
		"a byte more": func(j []keys.Job) ([]keys.Job, []byte) { return j, append(slices.Clone(ev.Manifest), '\n') },
	} {
		bad := ev
		var try []keys.Job
		try, bad.Manifest = change(slices.Clone(jobs))
		t.Log(name)
		s.refused(bad, try, "statement")
	}
	for name, try := range map[string][]keys.Job{
		"one document less": jobs[:len(jobs)-1],
		"documents swapped": append(append(slices.Clone(jobs[:20]), jobs[21], jobs[20]), jobs[22:]...),
	} {
		t.Log(name)
		s.refused(ev, try, "document-changed")
	}
	s.sign(ev, jobs)
	if _, err := s.signer.Sign(t.Context(), s.evidence("tk_2", s.jobs(1)), nil); err == nil {
		t.Error("an approval without its documents")
	}
}

// A manifest beside an approval that holds its lines is refused too: there is
// one place where a line can stand.
func TestAManifestTooManyIsRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(2)
	ev := s.evidence("tk_1", jobs)
	ev.Manifest = []byte("doc.1: x\n")
	s.refused(ev, jobs, "statement")
}

// What was shown is part of the evidence: another display than the approval
// names is refused.
func TestTheDisplayIsTheOneThatWasApproved(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(1)
	ev := s.evidence("tk_1", jobs, func(a *statement.Approval) { a.Display = gm.SM3([]byte("what he saw")) })
	ev.Display = []byte("something else")
	s.refused(ev, jobs, "signer-refused")
	ev.Display = []byte("what he saw")
	s.sign(ev, jobs)
}

// Documents that are loaded as the signer comes to them are signed as if they
// had been there; one that cannot be had stops everything.
func TestDocumentsAreLoadedOneByOne(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	jobs := s.jobs(3)
	ev := s.evidence("tk_1", jobs)
	loads, away := 0, errors.New("away")
	lazy := func(fails int) []keys.Job {
		list := slices.Clone(jobs)
		for i := range list {
			original, prepared := list[i].Original, list[i].Prepared
			list[i].Original, list[i].Prepared = nil, nil
			list[i].Load = func(context.Context) ([]byte, *pdf.Prepared, error) {
				if loads++; loads == fails {
					return nil, nil, away
				}
				return original, prepared, nil
			}
		}
		return list
	}
	if _, err := s.signer.Sign(t.Context(), ev, lazy(2)); !errors.Is(err, away) || keys.Refusal(err) != nil {
		t.Errorf("a document that is away: %v", err)
	}
	if entries, err := s.signer.Lookup(t.Context(), "tk_1"); err != nil || len(entries) > 0 {
		t.Errorf("journal %d, %v", len(entries), err)
	}
	loads = 0
	first := s.sign(ev, lazy(0))
	if loads != 3 {
		t.Errorf("%d loads", loads)
	}
	again := s.sign(ev, lazy(0))
	if loads != 3 {
		t.Error("what is in the journal was loaded again")
	}
	for i := range first {
		if !bytes.Equal(first[i].Signature, again[i].Signature) {
			t.Errorf("document %d: another stamp", i+1)
		}
	}
}
