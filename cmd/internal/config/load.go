// Package config is the configuration: what can be set, what it does and what
// breaks, read from a TOML file and from the environment. It decides nothing.
//
// Every field can be set by a variable: YUNZHANG_ and the path of its key in
// capitals, such as YUNZHANG_SITES_APP; lists are separated by commas. The
// environment wins over the file. YUNZHANG_…_FILE reads the value from a file.
package config

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Duration is a time.Duration that is written "90s", "24h".
type Duration time.Duration

// UnmarshalText reads a duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}

// MarshalText writes a duration without needless zeros.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// String gives "24h" rather than "24h0m0s".
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// D is the value.
func (d Duration) D() time.Duration { return time.Duration(d) }

// Prefix begins the name of every variable.
const Prefix = "YUNZHANG_"

// Load reads the defaults, the file (none with "") and the environment, and
// checks the result. Unknown keys and variables are refused by name.
func Load(path string, environ []string) (Config, error) {
	c := Default()
	if path != "" {
		if err := c.readFile(path); err != nil {
			return Config{}, err
		}
	}
	if err := c.readEnv(environ); err != nil {
		return Config{}, err
	}
	return c, c.Validate()
}

func (c *Config) readFile(path string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	d := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields()
	err = d.Decode(c)
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		row, _ := first.Position()
		return fmt.Errorf("configuration %s, line %d: there is no key %q", path, row, strings.Join(first.Key(), "."))
	}
	var bad *toml.DecodeError
	if errors.As(err, &bad) {
		row, _ := bad.Position()
		return fmt.Errorf("configuration %s, line %d: %s", path, row, strings.TrimPrefix(bad.Error(), "toml: "))
	}
	if err != nil {
		return fmt.Errorf("configuration %s: %w", path, err)
	}
	return nil
}

// Variable is the name of the variable of a key path.
func Variable(key string) string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func (c *Config) readEnv(environ []string) error {
	fields := map[string]reflect.Value{}
	walk(reflect.ValueOf(c).Elem(), "", func(key string, v reflect.Value) { fields[Variable(key)] = v })
	for _, pair := range environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, Prefix) || notOurs(name) {
			continue
		}
		v, known := fields[name]
		if file, ok := strings.CutSuffix(name, "_FILE"); !known && ok && fields[file].IsValid() {
			b, err := os.ReadFile(value)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			v, value, known = fields[file], strings.TrimRight(string(b), "\r\n"), true
		}
		if !known {
			return fmt.Errorf("the variable %s sets nothing: there is no such key", name)
		}
		if err := set(v, value); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// notOurs tells the variables with our prefix that are no keys: where the file
// is, and what the tests go by.
func notOurs(name string) bool {
	switch name {
	case Prefix + "CONFIG", Prefix + "MONGODB_URI", Prefix + "MONGOD":
		return true
	}
	return strings.HasPrefix(name, Prefix+"TEST_")
}

// walk visits every field that can be set, with its key path.
func walk(v reflect.Value, path string, visit func(string, reflect.Value)) {
	for i := range v.NumField() {
		key := v.Type().Field(i).Tag.Get("toml")
		if path != "" {
			key = path + "." + key
		}
		if f := v.Field(i); f.Kind() == reflect.Struct {
			walk(f, key, visit)
		} else {
			visit(key, f)
		}
	}
}

func set(v reflect.Value, text string) error {
	switch p := v.Addr().Interface().(type) {
	case *Duration:
		return p.UnmarshalText([]byte(text))
	case *string:
		*p = text
	case *bool:
		b, err := strconv.ParseBool(text)
		*p = b
		return err
	case *int:
		n, err := strconv.Atoi(text)
		*p = n
		return err
	case *[]string:
		*p = nil
		for _, part := range strings.Split(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
	default:
		return fmt.Errorf("a field of type %s cannot be set", v.Type())
	}
	return nil
}
