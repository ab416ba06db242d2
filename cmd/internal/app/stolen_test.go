package app_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/app"
	"yunzhang.dev/cmd/internal/drive"
	"yunzhang.dev/cmd/internal/store"
	"yunzhang.dev/cmd/internal/store/storetest"
)

// A copy of the whole data folder, taken at the worst moment (an approval is
// committed and not stamped), in the hands of somebody who has everything but
// the keys folder: he makes one of his own.
func TestAT092CopySealsNothing(t *testing.T) {
	t.Parallel()
	k := newKillWorld(t)
	victim := startChild(t, k.configFile, "intent")
	open := k.scanned(t)
	defer open.Close()
	ticket := k.approveUntilDeath(t)
	victim.killed(t)

	stolen := k.config
	dir := t.TempDir()
	stolen.DataDir, stolen.KeysDir = filepath.Join(dir, "data"), filepath.Join(dir, "keys")
	if !storetest.OnMongo() { // there he works on the database itself
		_ = os.Remove(filepath.Join(k.config.DataDir, "admin.sock")) // sockets cannot be copied
		check(t, os.CopyFS(stolen.DataDir, os.DirFS(k.config.DataDir)))
	}
	check(t, app.NewSecrets(stolen.KeysDir, app.Operator{Name: "盗用者", USCC: "12100000000018032A"}, time.Now()))
	if a, err := app.New(stolen, app.Options{World: drive.World(), Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, store.ErrOtherKeys) {
		t.Errorf("the store did not notice other keys: %v", err)
		_ = a.Close()
	}
	check(t, app.StripMarks(t.Context(), stolen)) // he can write to it, after all
	a, err := app.New(stolen, app.Options{World: drive.World(), Unlimited: true, Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	if err := a.Recover(t.Context()); err == nil {
		t.Error("recovery found nothing wrong")
	}
	if stamped, err := a.StampedNow(t.Context(), ticket); err != nil || stamped {
		t.Errorf("the committed approval was stamped with other keys: %v, %v", stamped, err)
	}
	ln, err := net.Listen("tcp", stolen.Listen)
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, ln) }()
	defer func() { stop(); <-ended; check(t, a.Close()) }()

	// What the rows of devices hold cannot be read, which a node takes for a fault of
	// its own, not of the device.
	_, err = k.agent.Me(t.Context())
	wantCode(t, err, "internal")
	_, err = k.legal.Me(t.Context())
	wantCode(t, err, "internal")
	_, err = k.agent.Unlock(t.Context(), drive.PIN)
	wantCode(t, err, "internal")
	// Unlocked, scanned and read before the theft: all that is missing is the word.
	_, err = open.Approve(t.Context(), open.scan, open.number)
	wantCode(t, err, "internal")
	// A declaration system may still bring documents, but asks for nothing.
	d, err := k.system.Upload(t.Context(), "表.pdf", samplePDF(t, "ff.pdf"))
	check(t, err)
	_, err = k.system.Ask(t.Context(), drive.StampAsk(killAccount, uscc, d.ID, 1, 1, 1))
	wantCode(t, err, "internal")
	if stamped, err := a.StampedNow(t.Context(), ticket); err != nil || stamped {
		t.Errorf("stamped in the end: %v, %v", stamped, err)
	}
}

// The same folder with its own keys goes on: the copy above failed for want of
// the keys and of nothing else.
func TestTheRightKeysGoOn(t *testing.T) {
	t.Parallel()
	k := newKillWorld(t)
	victim := startChild(t, k.configFile, "intent")
	ticket := k.approveUntilDeath(t)
	victim.killed(t)
	a, err := app.New(k.config, app.Options{World: drive.World(), Log: slog.New(slog.DiscardHandler)})
	check(t, err)
	defer a.Close()
	check(t, a.Recover(t.Context()))
	if stamped, err := a.StampedNow(t.Context(), ticket); err != nil || !stamped {
		t.Errorf("%v, %v", stamped, err)
	}
}
