package mongo_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"yunzhang.dev/cmd/internal/store/engine/mongo"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongosim"
	"yunzhang.dev/cmd/internal/store/engine/mongo/mongotest"
)

func openError(t *testing.T, o mongo.Options) string {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	e, err := mongo.Open(t.Context(), o)
	if err == nil {
		_ = e.Close()
		return ""
	}
	var d *mongo.Diagnosis
	if !errors.As(err, &d) {
		t.Errorf("no diagnosis: %v", err)
		return "?"
	}
	if d.Chinese == "" || d.English == "" || strings.Contains(err.Error(), "geheim") {
		t.Errorf("bad words: %v", err)
	}
	t.Log(err)
	return d.Code
}

func TestStartSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	old := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Wire: 17}})
	older := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Wire: 13}})
	alone := mongotest.Start(t, mongotest.Options{OnlySim: true, Sim: mongosim.Options{Standalone: true}})
	ahead := func() time.Time { return time.Now().Add(time.Minute) }
	quick := "&serverSelectionTimeoutMS=300"
	for name, c := range map[string]struct {
		o    mongo.Options
		want string
	}{
		"nothing":                     {mongo.Options{URI: set.URI, Database: "y"}, ""},
		"6.0":                         {mongo.Options{URI: old.URI, Database: "y"}, ""},
		"the database in the URI":     {mongo.Options{URI: set.URIOf("y")}, ""},
		"no database":                 {mongo.Options{URI: set.URI}, "database"},
		"no URI":                      {mongo.Options{Database: "y"}, "uri"},
		"a URI with a password":       {mongo.Options{URI: "mongodb://u:geheim@a:b:c/?x=%", Database: "y"}, "uri"},
		"a version too old":           {mongo.Options{URI: older.URI, Database: "y"}, "version"},
		"nobody there":                {mongo.Options{URI: "mongodb://u:geheim@127.0.0.1:1/?replicaSet=rs" + quick, Database: "y"}, "unreachable"},
		"another set's name":          {mongo.Options{URI: strings.Split(set.URI, "?")[0] + "?replicaSet=other" + quick, Database: "y"}, "unreachable"},
		"a server that stands alone":  {mongo.Options{URI: alone.URI, Database: "y"}, "not-a-replica-set"},
		"one that is sought in a set": {mongo.Options{URI: alone.URI + "?replicaSet=rs" + quick, Database: "y"}, "unreachable"},
		"a password it does not take": {mongo.Options{URI: strings.Replace(set.URI, "//", "//u:geheim@", 1), Database: "y"}, "login"},
		"the clock":                   {mongo.Options{URI: set.URI, Database: "y", Clock: ahead}, "clock"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := openError(t, c.o); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// failing makes every command of a name fail on the primary, as it does for a user
// who lacks the right to it.
func failing(t testing.TB, set *mongotest.Set, command string, code int) {
	t.Helper()
	point := bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "alwaysOn"},
		{Key: "data", Value: bson.D{{Key: "failCommands", Value: bson.A{command}}, {Key: "errorCode", Value: code}}}}
	if err := raw(t, set, "admin").RunCommand(t.Context(), point).Err(); err != nil {
		t.Fatal(err)
	}
}

// What a user may not do is said at the start, by the name of the right, and not
// when it is first needed.
func TestStartTriesEveryRight(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		code    int
		want    string
		words   string
	}{
		"no login":           {"update", 18, "login", "authSource"},
		"no write":           {"update", 13, "rights", `"insert"`},
		"no removal":         {"delete", 13, "rights", `"remove"`},
		"no change stream":   {"aggregate", 13, "rights", `"changeStream"`},
		"no new collections": {"create", 13, "rights", "create collection"},
		"no list of them":    {"listCollections", 13, "rights", "list collections"},
		"no new indexes":     {"createIndexes", 13, "rights", "create indexes"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set := mongotest.Start(t, mongotest.Options{OnlySim: true})
			failing(t, set, c.command, c.code)
			e, err := mongo.Open(t.Context(), mongo.Options{URI: set.URI, Database: "y", Log: slog.New(slog.DiscardHandler)})
			if err == nil {
				defer e.Close()
				err = e.Declare(t.Context(), rows, events)
			}
			var d *mongo.Diagnosis
			if !errors.As(err, &d) || d.Code != c.want || !strings.Contains(err.Error(), c.words) {
				t.Errorf("want %s with %s: %v", c.want, c.words, err)
			}
		})
	}
}

// The signer's journal has no outbox: its user needs no right to follow.
func TestNoOutboxNeedsNoChangeStream(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	failing(t, set, "aggregate", 13)
	declared(t, set, mongo.Options{})
}

// A string with a password hides what the parser says, but not which file is
// missing.
func TestMissingCertificateIsNamed(t *testing.T) {
	t.Parallel()
	_, err := mongo.Open(t.Context(), mongo.Options{URI: "mongodb://u:geheim@a/y?tls=true&tlsCAFile=/nowhere/ca.pem", Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/ca.pem") || strings.Contains(err.Error(), "geheim") {
		t.Errorf("%v", err)
	}
}

// A node may start before its database: it asks for as long as it is given.
func TestStartWaitsForAPrimary(t *testing.T) {
	t.Parallel()
	set := mongotest.Start(t, mongotest.Options{OnlySim: true})
	for i := range 3 {
		set.Kill(i)
	}
	asked := 0
	again := func() time.Time { // asked for the time before each look and after
		if asked++; asked == 2 {
			for i := range 3 {
				set.Restart(t, i)
			}
		}
		return time.Now()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := mongo.Open(ctx, mongo.Options{URI: set.URI, Database: "y", Log: slog.New(slog.DiscardHandler), CommandTimeout: 2 * time.Second, Clock: again})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil || asked < 3 {
		t.Errorf("%v, asked %d times", err, asked)
	}
}
