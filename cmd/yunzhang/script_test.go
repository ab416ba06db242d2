package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"yunzhang": main})
}

// TestScripts runs testdata/*.txt against the real program. SAMPLES is the
// folder of real samples, BUSY an address that somebody else listens on, MONGODB_URI
// a replica set and MONGODB_DATABASE a database on it that is the script's own.
// "older collection field" is another version of the program that was started on
// that database: it wants an index of the collection by the field.
func TestScripts(t *testing.T) {
	samples, err := filepath.Abs("../../../shared/samples")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(samples, "pdf")); err != nil {
		t.Fatalf("the samples are missing: %v", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go refuseAll(ln)
	set := mongotest.Start(t, mongotest.Options{})
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"older": older},
		Setup: func(env *testscript.Env) error {
			env.Setenv("SAMPLES", samples)
			env.Setenv("BUSY", ln.Addr().String())
			env.Setenv("MONGODB_URI", set.URI)
			env.Setenv("MONGODB_DATABASE", set.Database(t))
			env.Setenv("HOME", filepath.Join(env.WorkDir, "home"))
			env.Setenv("LANG", "C.UTF-8")
			return nil
		},
	})
}

func older(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: older collection field")
	}
	ctx := context.Background()
	e, err := mongo.Open(ctx, mongo.Options{URI: ts.Getenv("MONGODB_URI"), Database: ts.Getenv("MONGODB_DATABASE"), Log: slog.New(slog.DiscardHandler)})
	ts.Check(err)
	err = e.Declare(ctx, engine.Collection{Name: args[0], Indexes: []engine.Index{{Fields: args[1:]}}})
	ts.Check(errors.Join(err, e.Close()))
}

// refuseAll is a program that is no server of ours.
func refuseAll(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		_ = c.Close()
	}
}
