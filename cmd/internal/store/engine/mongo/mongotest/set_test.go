package mongotest

import "testing"

func TestURIOf(t *testing.T) {
	for from, want := range map[string]string{
		"mongodb://h1:1,h2:2,h3:3/?replicaSet=rs0":  "mongodb://h1:1,h2:2,h3:3/db?replicaSet=rs0",
		"mongodb://h1:1,h2:2":                       "mongodb://h1:1,h2:2/db",
		"mongodb://u:p@h1:1,h2:2/users?tls=true":    "mongodb://u:p@h1:1,h2:2/db?tls=true&authSource=users",
		"mongodb://u:p@h1:1/users?authSource=admin": "mongodb://u:p@h1:1/db?authSource=admin",
	} {
		if got := (&Set{URI: from}).URIOf("db"); got != want {
			t.Errorf("%s: got %s, want %s", from, got, want)
		}
	}
}
