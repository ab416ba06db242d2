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

// String is that of Config for the part that holds a secret.
func (l Log) String() string {
	var b strings.Builder
	list(&b, reflect.ValueOf(l), "log")
	return b.String()
}

// GoString is String.
func (l Log) GoString() string { return l.String() }

// LogValue is String for logs.
func (l Log) LogValue() slog.Value { return slog.StringValue(l.String()) }

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
