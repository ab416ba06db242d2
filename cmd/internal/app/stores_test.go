package app_test

import (
	"testing"

	"yunzhang.dev/cmd/internal/app"
)

func TestPoolStandsInTheConnectionString(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"mongodb://a:1,b:2":                    "mongodb://a:1,b:2/?maxPoolSize=7",
		"mongodb://u:p@a,b/?replicaSet=rs0":    "mongodb://u:p@a,b/?replicaSet=rs0&maxPoolSize=7",
		"mongodb://a/x":                        "mongodb://a/x?maxPoolSize=7",
		"mongodb://a/?maxPoolSize=3&tls=true":  "mongodb://a/?maxPoolSize=3&tls=true",
		"mongodb+srv://cluster.example/?w=one": "mongodb+srv://cluster.example/?w=one&maxPoolSize=7",
	} {
		if got := app.Pooled(uri, 7); got != want {
			t.Errorf("%s: %s, want %s", uri, got, want)
		}
	}
}
