package config_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"yunzhang.dev/cmd/internal/config"
)

// deploy is the folder of files for several nodes.
const deploy = "../../../deploy/"

func TestDeployedConfigurationLoads(t *testing.T) {
	c, err := config.Load(deploy+"yunzhang.toml", []string{
		"YUNZHANG_STORE_MONGODB_URI=mongodb://yunzhang:x@mongo1,mongo2,mongo3/?replicaSet=rs0&authSource=admin",
		"YUNZHANG_STORE_MONGODB_SIGNER_URI=mongodb://yunzhang_signer:x@mongo1,mongo2,mongo3/?replicaSet=rs0&authSource=admin",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Store.Engine != config.OnMongo || c.Store.MongoDB.Database != "yunzhang" || c.Store.MongoDB.SignerDatabase != "yunzhang_signer" {
		t.Errorf("%v", c.Store)
	}
}

// The names that one file gives are those that another uses.
func TestDeployedFilesAgree(t *testing.T) {
	read := func(name string) string {
		b, err := os.ReadFile(deploy + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	compose, rights, toml := read("compose.yaml"), read("rights.js"), read("yunzhang.toml")
	for _, node := range []string{"node1", "node2", "node3"} {
		if !strings.Contains(compose, node+": {") || !strings.Contains(read("nginx.conf"), "server "+node+":8080") {
			t.Errorf("%s is not in both", node)
		}
	}
	for _, database := range []string{config.Default().Store.MongoDB.Database, config.Default().Store.MongoDB.SignerDatabase} {
		if !strings.Contains(rights, `["`+database+`", `) {
			t.Errorf("no rights on %s", database)
		}
	}
	if !strings.Contains(compose, "ipv4_address: 10.213.9.2 ") || !strings.Contains(toml, "10.213.9.2/32") {
		t.Error("the nodes do not trust the proxy's address")
	}
	for _, script := range []string{"secrets.sh", "replica-set.sh"} {
		if out, err := exec.Command("bash", "-n", deploy+script).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", script, out)
		}
	}
}

// Every secret that the services ask for is made by the script.
func TestDeployedSecretsAreMade(t *testing.T) {
	script, err := os.ReadFile(deploy + "secrets.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/secrets.sh", script, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", dir+"/secrets.sh").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	compose, err := os.ReadFile(deploy + "compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, rest := range strings.Split(string(compose), "file: .")[1:] {
		name, _, _ := strings.Cut(rest, " ")
		asked++
		if s, err := os.Stat(dir + name); err != nil || s.Size() < 24 || s.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if asked != 7 {
		t.Errorf("%d secrets are asked for", asked)
	}
}
