package cloudseal_test

import (
	"errors"
	"testing"
	"time"

	"yunzhang.dev/authz/fault"
	"yunzhang.dev/authz/statement"
	"yunzhang.dev/authz/unit"
	"yunzhang.dev/cloudseal"
	"yunzhang.dev/cloudseal/cloudsealtest"
	"yunzhang.dev/cloudseal/status"
	"yunzhang.dev/cloudseal/verify"
)

const firstCode = "33010000000001"

func mustSeal(t testing.TB, w *cloudsealtest.World) *cloudseal.Seal {
	t.Helper()
	seal, err := w.Service.Seal(t.Context(), firstCode)
	if err != nil {
		t.Fatal(err)
	}
	return seal
}

func freeze(t testing.TB, w *cloudsealtest.World) error {
	t.Helper()
	return w.Service.Freeze(t.Context(), firstCode, w.Act(w.Legal, cloudseal.ActFreeze, "", statement.Ref{ID: firstCode}))
}

func unfreeze(t testing.TB, w *cloudsealtest.World) error {
	t.Helper()
	return w.Service.Unfreeze(t.Context(), firstCode, w.Act(w.Legal, cloudseal.ActUnfreeze, "", statement.Ref{ID: firstCode}))
}

func TestFreezeStopsApprovalAndSigner(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	seal := w.Seal()
	before, after := ask(w, "tk_1", seal, 1), ask(w, "tk_2", seal, 1)
	w.Begin(before)
	if err := freeze(t, w); err != nil {
		t.Fatal(err)
	}
	if err := freeze(t, w); err != nil {
		t.Errorf("freezing again: %v", err)
	}
	err := w.DB.Update(t.Context(), func(tx unit.Tx) error { return w.Service.BeginStamp(tx, after.Order()) })
	want(t, "approval under a frozen seal", err, fault.SealFrozen)
	if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
		t.Fatal(err)
	}
	isRefused(t, w, before, "seal-frozen")

	w.Clock.Advance(time.Minute)
	if err := unfreeze(t, w); err != nil {
		t.Fatal(err)
	}
	again := ask(w, "tk_3", mustSeal(t, w), 1)
	w.Begin(again)
	if err := w.Service.Stamp(t.Context(), "tk_3"); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, again)
	events, err := w.Service.History(t.Context(), firstCode)
	if err != nil || len(events) != 3 || events[1].State != status.Frozen || events[2].State != status.Usable {
		t.Errorf("history %+v, %v", events, err)
	}
}

func TestWhoMayFreeze(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	subject := statement.Ref{ID: firstCode}
	for _, c := range []struct {
		name, act string
		want      *fault.Error
	}{
		{"the agent", w.Act(w.Agent, cloudseal.ActFreeze, "", subject), fault.Absent},
		{"another act", w.Act(w.Legal, cloudseal.ActUnfreeze, "", subject), fault.StatementChanged},
		{"about another seal", w.Act(w.Legal, cloudseal.ActFreeze, "", statement.Ref{ID: "33010000000002"}), fault.StatementChanged},
	} {
		want(t, c.name, w.Service.Freeze(t.Context(), firstCode, c.act), c.want)
	}
	want(t, "a seal that is not there", w.Service.Freeze(t.Context(), "33010000000009", "ac_x"), fault.Absent)
	if seal := mustSeal(t, w); seal.State != status.Usable || seal.Marked {
		t.Errorf("state %s", seal.State)
	}
}

// The signer is away when a seal is frozen: nobody is told that it is done,
// approvals are refused at once, and Recover tells the signer.
func TestAFreezeIsAcknowledgedWhenTheSignerKnows(t *testing.T) {
	t.Parallel()
	errAway := errors.New("away")
	for _, applied := range []bool{false, true} {
		w := cloudsealtest.NewWorld(t)
		r := ask(w, "tk_1", w.Seal(), 1)
		w.Begin(r)
		w.Signer.Weather = func(call string) (bool, error) {
			if call == "signer.stop" {
				return applied, errAway
			}
			return true, nil
		}
		if err := freeze(t, w); !errors.Is(err, errAway) {
			t.Fatalf("acknowledged: %v", err)
		}
		if seal := mustSeal(t, w); seal.State != status.Frozen || seal.Told {
			t.Errorf("state %s, told %v", seal.State, seal.Told)
		}
		w.Restart()
		if err := w.Service.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		isRefused(t, w, r, "seal-frozen") // stops are told before stamps go on
		if seal := mustSeal(t, w); !seal.Told {
			t.Error("the signer was not told")
		}
	}
}

// A stamp that passes the signer while the freeze is under way, before it is
// acknowledged, is a good stamp: no history may say that the seal was frozen
// when it was made.
func TestAStampBeforeTheAcknowledgementStaysGenuine(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	r := ask(w, "tk_1", w.Seal(), 1)
	w.Begin(r)
	w.Signer.Weather = func(call string) (bool, error) {
		if call == "signer.stop" { // the stop is on its way
			w.Clock.Advance(3 * time.Second)
			if err := w.Service.Stamp(t.Context(), "tk_1"); err != nil {
				t.Error(err)
			}
			w.Clock.Advance(3 * time.Second)
		}
		return true, nil
	}
	if err := freeze(t, w); err != nil {
		t.Fatal(err)
	}
	isDone(t, w, r)
	w.Clock.Advance(time.Hour)
	report := w.Verify(w.Result(r.Batch.Documents[0]))
	if a := report.Stamps[0].Answer(verify.Status); a != verify.Yes {
		t.Errorf("status at stamping: %s", a)
	}
}

func TestStatusListNamesWhatWasFrozen(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	w.Clock.Advance(time.Minute)
	signed, err := w.Service.StatusList(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	list, err := status.ParseList(signed.Statement)
	if err != nil || len(list.Entries) != 0 || list.Number != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if err := freeze(t, w); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
	if signed, err = w.Service.StatusList(t.Context()); err != nil {
		t.Fatal(err)
	}
	if list, err = status.ParseList(signed.Statement); err != nil || len(list.Entries) != 1 || list.Entries[0].Seal != firstCode || list.Number != 2 {
		t.Fatalf("%+v, %v", list, err)
	}
	if !w.PKI.StatusKey.Public().Verify(signed.Statement, signed.Signature) {
		t.Error("not signed by the status key")
	}
}

// What stops a seal may be ordered by a request alone; what gives it back is
// signed.
// The answer to a change was lost, or the signer was away: the same act again
// makes sure that he knows. Behind another change it is used up.
func TestAChangeIsAnsweredAgain(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	subject := statement.Ref{ID: firstCode}
	if err := w.Service.Freeze(t.Context(), firstCode, w.Act(w.Legal, cloudseal.ActFreeze, "", subject)); err != nil {
		t.Fatal(err)
	}
	unfreeze := w.Act(w.Legal, cloudseal.ActUnfreeze, "", subject)
	for range 2 {
		if err := w.Service.Unfreeze(t.Context(), firstCode, unfreeze); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Service.Freeze(t.Context(), firstCode, w.Act(w.Legal, cloudseal.ActFreeze, "", subject)); err != nil {
		t.Fatal(err)
	}
	want(t, "behind a newer change", w.Service.Unfreeze(t.Context(), firstCode, unfreeze), fault.WrongState)
}

func TestUnfreezeIsSigned(t *testing.T) {
	t.Parallel()
	w := cloudsealtest.NewWorld(t)
	w.Seal()
	ordered := func(kind string) string {
		act := w.Act(w.Legal, kind, "", statement.Ref{ID: firstCode})
		w.Update(func(tx unit.Tx) error {
			row, err := w.Acts.Table.Get(tx, act)
			if err != nil {
				return err
			}
			row.Signed.Sig = nil
			return w.Acts.Table.Replace(tx, row)
		})
		return act
	}
	if err := w.Service.Freeze(t.Context(), firstCode, ordered(cloudseal.ActFreeze)); err != nil {
		t.Fatal(err)
	}
	want(t, "an unfreezing without a signature", w.Service.Unfreeze(t.Context(), firstCode, ordered(cloudseal.ActUnfreeze)), fault.Signature)
	if err := unfreeze(t, w); err != nil {
		t.Error(err)
	}
}
