package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/config"
)

// usable is the least that a file must say.
const usable = `
[sites]
issuer = "seal.example.gov.cn"
app = "https://app.example.gov.cn"
portal = "https://portal.example.gov.cn"
verify = "https://verify.example.gov.cn"
sockets = "https://ws.example.gov.cn"
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "yunzhang.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// mongo is a file with a store on MongoDB.
func mongo(uri, more string) string {
	return usable + "[store]\nengine = \"mongodb\"\n[store.mongodb]\nuri = \"" + uri + "\"\n" + more + "\n"
}

func TestStoreOnMongoDB(t *testing.T) {
	t.Parallel()
	c, err := config.Load(write(t, mongo("mongodb://u:p@a.example:27017,b.example:27018/?replicaSet=rs0", "")), []string{
		"YUNZHANG_STORE_MONGODB_SIGNER_URI=mongodb://signer@a.example/?replicaSet=rs0", "YUNZHANG_MONGODB_URI=mongodb://tests", "YUNZHANG_MONGOD=/x",
	})
	if err != nil || c.Store.Engine != config.OnMongo || c.Store.MongoDB.SignerURI == "" || c.Store.MongoDB.Database != "yunzhang" {
		t.Errorf("%v, %v", c.Store, err)
	}
	if c.Node = "n1"; c.NodeName() != "n1" {
		t.Errorf("%q", c.NodeName())
	}
	if c.Node = ""; c.NodeName() == "" {
		t.Error("a node without a name")
	}
}

// A connection string holds a password, so no complaint repeats it.
func TestNoComplaintRepeatsAPassword(t *testing.T) {
	t.Parallel()
	for _, uri := range []string{"http://u:s3cret@a/", "mongodb://u:s3cret@a/?w=1", "mongodb://u:s3cret@a b/?%"} {
		if _, err := config.Load(write(t, mongo(uri, "")), nil); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v", err)
		}
	}
}

func TestFileAndEnvironment(t *testing.T) {
	t.Parallel()
	path := write(t, "listen = \"127.0.0.1:9000\"\n"+usable+"\n[lifetimes]\nopen = \"90s\"\n")
	c, err := config.Load(path, []string{"HOME=/root", "YUNZHANG_LIMITS_BATCH=7", "YUNZHANG_TLS_TRUSTED_PROXIES=10.0.0.0/8, 192.168.0.0/16", "YUNZHANG_LISTEN=127.0.0.1:9001"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9001" || c.Limits.Batch != 7 || len(c.TLS.TrustedProxies) != 2 || c.Lifetimes.Open.D() != 90*time.Second {
		t.Errorf("%+v", c)
	}
	secret := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(secret, []byte("abc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err = config.Load(path, []string{"YUNZHANG_LOG_METRICS_TOKEN_FILE=" + secret}); err != nil || c.Log.MetricsToken != "abc" {
		t.Errorf("%q, %v", c.Log.MetricsToken, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	rows := []struct{ name, text, env, want string }{
		{"unknown key", usable + "colour = 1\n", "", "there is no key \"sites.colour\""},
		{"line is named", "\n\nwrong = 1\n" + usable, "", "line 3"},
		{"wrong type", "listen = 3\n" + usable, "", "line 1"},
		{"unknown variable", usable, "YUNZHANG_COLOR=1", "YUNZHANG_COLOR sets nothing"},
		{"no number", usable, "YUNZHANG_LIMITS_BATCH=many", "YUNZHANG_LIMITS_BATCH"},
		{"keys in data", usable, "YUNZHANG_KEYS_DIR=data/keys", "keys_dir"},
		{"data in keys", "data_dir = \"" + dir + "/x/data\"\nkeys_dir = \"" + dir + "/x\"\n" + usable, "", "keys_dir"},
		{"keys in data by a link", "data_dir = \"" + dir + "\"\nkeys_dir = \"" + link + "/keys\"\n" + usable, "", "keys_dir"},
		{"sandbox in production", "production = true\n" + usable + "[sandbox]\nenabled = true\n", "", "sandbox.enabled"},
		{"sandbox for others", "listen = \"0.0.0.0:80\"\n" + usable + "[sandbox]\nenabled = true\n", "", "listen"},
		{"plain http", strings.Replace(usable, "https://app", "http://app", 1), "", "sites.app"},
		{"origin with a path", strings.Replace(usable, "https://app.example.gov.cn", "https://app.example.gov.cn/x", 1), "", "sites.app"},
		{"one origin twice", strings.Replace(usable, "https://portal.", "https://app.", 1), "", "same origin"},
		{"no issuer", strings.Replace(usable, "seal.example.gov.cn", "", 1), "", "sites.issuer"},
		{"half of TLS", usable + "[tls]\ncert = \"x\"\n", "", "tls"},
		{"a proxy without a mask", usable, "YUNZHANG_TLS_TRUSTED_PROXIES=10.0.0.1", "trusted_proxies"},
		{"level", usable, "YUNZHANG_LOG_LEVEL=loud", "log.level"},
		{"frame too long", usable, "YUNZHANG_LIFETIMES_FRAME=9s", "lifetimes.frame"},
		{"longer than a request may last", usable, "YUNZHANG_LIFETIMES_OPEN=4m YUNZHANG_LIFETIMES_DECIDE_STAMP=7m", "more than the 10m"},
		{"a batch too large", usable, "YUNZHANG_LIMITS_BATCH=501", "limits.batch"},
		{"a batch smaller than a document", usable, "YUNZHANG_LIMITS_BATCH_BYTES=5", "limits.batch_bytes"},
		{"no room for a file to verify", usable, "YUNZHANG_LIMITS_BODY_BYTES_PER_ADDRESS=30000000", "limits.body_bytes_per_address"},
		{"a share larger than the whole", usable, "YUNZHANG_LIMITS_BODY_BYTES=100000000", "limits.body_bytes:"},
		{"unknown engine", usable, "YUNZHANG_STORE_ENGINE=postgres", "neither embedded nor mongodb"},
		{"no connection string", usable + "[store]\nengine = \"mongodb\"\n", "", "store.mongodb.uri: is no connection string"},
		{"weaker than majority", mongo("mongodb://a,b/?replicaSet=r&w=1", ""), "", "store.mongodb.uri: sets w"},
		{"reads from secondaries", mongo("mongodb://a,b/?replicaSet=r&readPreference=nearest", ""), "", "sets readPreference"},
		{"one member only", mongo("mongodb://a/?directConnection=true", ""), "", "directConnection"},
		{"one database for both", mongo("mongodb://a/", "database = \"x\"\nsigner_database = \"x\""), "", "store.mongodb.signer_database"},
		{"MongoDB's own database", mongo("mongodb://a/", "database = \"admin\""), "", "store.mongodb.database"},
		{"one user for both in production", "production = true\n" + mongo("mongodb://a/", ""), "", "store.mongodb.signer_uri"},
		{"no pool", mongo("mongodb://a/", "pool = 0"), "", "store.mongodb.pool"},
		{"no port", usable, "YUNZHANG_LISTEN=here", "listen"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var env []string
			if row.env != "" {
				env = strings.Fields(row.env)
			}
			_, err := config.Load(write(t, row.text), env)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want something about %q", err, row.want)
			}
		})
	}
}

func TestLoopbackSandboxMayUsePlainHTTP(t *testing.T) {
	t.Parallel()
	text := strings.ReplaceAll(strings.ReplaceAll(usable, "https://", "http://"), ".example.gov.cn\"", ".localhost:8080\"")
	text = strings.Replace(text, "seal.localhost:8080", "seal.localhost", 1)
	if _, err := config.Load(write(t, text+"[sandbox]\nenabled = true\n"), nil); err != nil {
		t.Error(err)
	}
	if _, err := config.Load(write(t, "production = true\n"+text), nil); err == nil {
		t.Error("plain http in production")
	}
}

func TestEveryFieldIsDocumented(t *testing.T) {
	t.Parallel()
	ref, err := config.Reference()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(ref), "\n")
	if len(lines) < 40 {
		t.Fatalf("only %d lines", len(lines))
	}
	for _, line := range lines[2:] {
		cells := strings.Split(line, " | ")
		if len(cells) < 3 || len(strings.TrimSuffix(cells[len(cells)-1], " |")) < 10 {
			t.Errorf("not documented: %s", line)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{24 * time.Hour: "24h", 90 * time.Second: "1m30s", 0: "0s", 3 * time.Minute: "3m", 10 * time.Second: "10s"} {
		if got := config.Duration(d).String(); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
