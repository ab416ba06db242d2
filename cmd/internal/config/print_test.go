package config_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"yunzhang.dev/cmd/internal/config"
)

func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Log.MetricsToken = "s3cret"
	c.Store.MongoDB.URI, c.Store.MongoDB.SignerURI = "mongodb://u:s3cret@a", "mongodb://v:s3cret@a"
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("x", "config", c, "log", c.Log, "both", &c, "store", c.Store, "mongodb", c.Store.MongoDB)
	text := log.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		text += fmt.Sprintf(verb+verb+verb+verb+verb, c, c.Log, &c, c.Store, c.Store.MongoDB)
	}
	if strings.Contains(text, "s3cret") {
		t.Errorf("printed: %s", text)
	}
	if !strings.Contains(c.String(), "log.metrics_token = [redacted]\n") || !strings.Contains(c.String(), "lifetimes.frame = 3s\n") {
		t.Errorf("%s", c)
	}
}

// secretive finds fields whose names say that they hold a secret.
var secretive = regexp.MustCompile(`(?i)token|secret|password|passphrase|URI`)

func TestSecretsAreMarked(t *testing.T) {
	t.Parallel()
	found := 0
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for f := range typ.Fields() {
			if f.Type.Kind() == reflect.Struct {
				look(f.Type)
				continue
			}
			if secretive.MatchString(f.Name) {
				found++
				if f.Tag.Get("secret") == "" {
					t.Errorf("%s.%s is a secret and not marked as one", typ.Name(), f.Name)
				}
			}
		}
	}
	look(reflect.TypeFor[config.Config]())
	if found == 0 {
		t.Error("no field was recognised")
	}
}
