package main

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"yunzhang.dev/cmd/internal/config"
)

// referenceRow is a line of config.Reference: key, default, meaning.
var referenceRow = regexp.MustCompile("^\\| `([a-z0-9_.]+)` \\| .* \\| (.*) \\|$")

// configFile writes a configuration with its manual: every key with what it
// means, those that are as by default commented out.
func configFile(c config.Config) ([]byte, error) {
	reference, err := config.Reference()
	if err != nil {
		return nil, err
	}
	values, defaults := map[string]reflect.Value{}, map[string]reflect.Value{}
	collect(values, reflect.ValueOf(c), "")
	collect(defaults, reflect.ValueOf(config.Default()), "")
	var b strings.Builder
	b.WriteString("# Configuration of yunzhang. A key that is commented out has the value shown.\n")
	table := ""
	for line := range strings.Lines(reference) {
		row := referenceRow.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if row == nil {
			continue
		}
		key, meaning := row[1], row[2]
		if end := strings.LastIndex(key, "."); end > 0 && key[:end] != table {
			table = key[:end]
			fmt.Fprintf(&b, "\n[%s]\n", table)
		}
		if err := writeKey(&b, key, meaning, values[key], defaults[key]); err != nil {
			return nil, err
		}
	}
	return []byte(b.String()), nil
}

// collect gives every field that can be set by its key.
func collect(into map[string]reflect.Value, v reflect.Value, path string) {
	for i := range v.NumField() {
		key := strings.TrimPrefix(path+"."+v.Type().Field(i).Tag.Get("toml"), ".")
		if f := v.Field(i); f.Kind() == reflect.Struct {
			collect(into, f, key)
		} else {
			into[key] = f
		}
	}
}

func writeKey(b *strings.Builder, key, meaning string, value, fallback reflect.Value) error {
	name := key[strings.LastIndex(key, ".")+1:]
	line, err := toml.Marshal(map[string]any{name: value.Interface()})
	if err != nil {
		return fmt.Errorf("write key %s: %w", key, err)
	}
	b.WriteByte('\n')
	for _, part := range wrap(meaning, 90) {
		b.WriteString("# " + part + "\n")
	}
	if reflect.DeepEqual(value.Interface(), fallback.Interface()) {
		b.WriteByte('#')
	}
	b.Write(line)
	return nil
}

// wrap breaks a text into lines of about so many characters.
func wrap(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
