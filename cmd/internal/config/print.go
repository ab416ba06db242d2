package config

import (
	"fmt"
	"log/slog"
	"reflect"
	"strings"
)

// redacted stands where a secret is set.
const redacted = "[redacted]"

// String lists what is set, one key a line, without secrets: for doctor and for
// bug reports.
func (c Config) String() string {
	var b strings.Builder
	list(&b, reflect.ValueOf(c), "")
	return b.String()
}

// GoString is String, so that no verb prints a secret.
func (c Config) GoString() string { return c.String() }

// LogValue is String for logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String is that of Config for a part that holds a secret.
func (l Log) String() string { return part(l, "log") }

// GoString is String.
func (l Log) GoString() string { return l.String() }

// LogValue is String for logs.
func (l Log) LogValue() slog.Value { return slog.StringValue(l.String()) }

// String is that of Config for a part that holds a secret.
func (s Store) String() string { return part(s, "store") }

// GoString is String.
func (s Store) GoString() string { return s.String() }

// LogValue is String for logs.
func (s Store) LogValue() slog.Value { return slog.StringValue(s.String()) }

// String is that of Config for a part that holds a secret.
func (m MongoDB) String() string { return part(m, "store.mongodb") }

// GoString is String.
func (m MongoDB) GoString() string { return m.String() }

// LogValue is String for logs.
func (m MongoDB) LogValue() slog.Value { return slog.StringValue(m.String()) }

func part(v any, path string) string {
	var b strings.Builder
	list(&b, reflect.ValueOf(v), path)
	return b.String()
}

func list(b *strings.Builder, v reflect.Value, path string) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		key := strings.TrimPrefix(path+"."+f.Tag.Get("toml"), ".")
		if f.Type.Kind() == reflect.Struct {
			list(b, v.Field(i), key)
			continue
		}
		text := fmt.Sprint(v.Field(i).Interface())
		if f.Tag.Get("secret") != "" && text != "" {
			text = redacted
		}
		fmt.Fprintf(b, "%s = %s\n", key, text)
	}
}
