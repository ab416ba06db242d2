package statement

import (
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// codec is how one sort of value stands in a line. parse may be generous where
// the comparison with the rebuilt bytes catches the rest.
type codec[V any] struct {
	format func(V) (string, error)
	parse  func(string) (V, error)
}

const timeForm = "2006-01-02T15:04:05Z"

// maxNumber bounds counts of uses and pages.
const maxNumber = 1_000_000

func same(s string) (string, error) { return s, nil }

func text() codec[string] { return codec[string]{format: checked(CheckText), parse: same} }

func checked(check func(string) error) func(string) (string, error) {
	return func(s string) (string, error) { return s, check(s) }
}

// token is an identifier, a host name or another word without blanks.
func token() codec[string] { return codec[string]{format: checked(checkToken), parse: same} }

func checkToken(s string) error {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:-", r)) {
			return errForm
		}
	}
	if s == "" {
		return errEmpty
	}
	return nil
}

func oneOf(words ...string) codec[string] {
	return codec[string]{parse: same, format: checked(func(s string) error {
		if !slices.Contains(words, s) {
			return errForm
		}
		return nil
	})}
}

// origin is "https://host" or "https://host:port"; plain http is for loopback,
// which who registers origins decides.
func origin() codec[string] {
	return codec[string]{parse: same, format: checked(func(s string) error {
		_, host, ok := strings.Cut(s, "://")
		if !ok || !strings.HasPrefix(s, "https://") && !strings.HasPrefix(s, "http://") {
			return errForm
		}
		return checkToken(strings.NewReplacer("[", "", "]", "").Replace(host))
	})}
}

func nonce() codec[string] {
	return codec[string]{parse: same, format: checked(func(s string) error {
		if b, err := base64.RawURLEncoding.Strict().DecodeString(s); err != nil || len(b) != 32 {
			return errForm
		}
		return nil
	})}
}

func binary() codec[[]byte] {
	return codec[[]byte]{
		format: func(b []byte) (string, error) {
			if len(b) == 0 {
				return "", errEmpty
			}
			return base64.RawURLEncoding.EncodeToString(b), nil
		},
		parse: base64.RawURLEncoding.Strict().DecodeString,
	}
}

func digest() codec[gm.Digest] {
	return codec[gm.Digest]{
		format: func(d gm.Digest) (string, error) {
			if d.IsZero() {
				return "", errEmpty
			}
			return d.Hex(), nil
		},
		parse: gm.ParseDigest,
	}
}

func instant() codec[time.Time] {
	return codec[time.Time]{
		format: func(t time.Time) (string, error) {
			t = t.UTC()
			if t.Year() < 1970 || t.Year() > 9999 {
				return "", errRange
			}
			return t.Format(timeForm), nil
		},
		parse: func(s string) (time.Time, error) { return time.Parse(timeForm, s) },
	}
}

func number(least, most int) codec[int] {
	return codec[int]{
		format: func(n int) (string, error) {
			if n < least || n > most {
				return "", errRange
			}
			return strconv.Itoa(n), nil
		},
		parse: strconv.Atoi,
	}
}

// named is an identifier, one space and a name.
func named(check func(id string) error) (format func(id, name string) (string, error), parse func(string) (id, name string, err error)) {
	format = func(id, name string) (string, error) {
		if err := check(id); err != nil {
			return "", err
		}
		return id + " " + name, CheckText(name)
	}
	parse = func(s string) (string, string, error) {
		id, name, ok := strings.Cut(s, " ")
		if !ok {
			return "", "", errForm
		}
		return id, name, nil
	}
	return format, parse
}

func org() codec[Org] {
	format, parse := named(checkUSCC)
	return codec[Org]{
		format: func(o Org) (string, error) { return format(o.USCC, o.Name) },
		parse: func(s string) (Org, error) {
			id, name, err := parse(s)
			return Org{id, name}, err
		},
	}
}

// checkUSCC looks at the shape only; the check character is the registry's and
// the registration's business.
func checkUSCC(s string) error {
	if len(s) != 18 || strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errForm
	}
	return nil
}

func person() codec[Person] {
	format, parse := named(checkToken)
	return codec[Person]{
		format: func(p Person) (string, error) { return format(p.ID, p.Name) },
		parse: func(s string) (Person, error) {
			id, name, err := parse(s)
			return Person{id, name}, err
		},
	}
}

func app() codec[App] {
	format, parse := named(checkToken)
	return codec[App]{
		format: func(a App) (string, error) { return format(a.ID, a.Name) },
		parse: func(s string) (App, error) {
			id, name, err := parse(s)
			return App{id, name}, err
		},
	}
}

func ref() codec[Ref] {
	return codec[Ref]{
		format: func(r Ref) (string, error) {
			if r.Hash.IsZero() {
				return "", errEmpty
			}
			return r.ID + " " + r.Hash.Hex(), checkToken(r.ID)
		},
		parse: func(s string) (Ref, error) {
			id, hash, _ := strings.Cut(s, " ")
			d, err := gm.ParseDigest(hash)
			return Ref{id, d}, err
		},
	}
}

// subject is a ref whose hash may be missing.
func subject() codec[Ref] {
	full := ref()
	return codec[Ref]{
		format: func(r Ref) (string, error) {
			if r.Hash.IsZero() {
				return r.ID, checkToken(r.ID)
			}
			return full.format(r)
		},
		parse: func(s string) (Ref, error) {
			if !strings.Contains(s, " ") {
				return Ref{ID: s}, nil
			}
			return full.parse(s)
		},
	}
}

// owner is what the delegation line says when there is none.
const owner = "owner"

func delegation() codec[Ref] {
	full := ref()
	return codec[Ref]{
		format: func(r Ref) (string, error) {
			if r == (Ref{}) {
				return owner, nil
			}
			return full.format(r)
		},
		parse: func(s string) (Ref, error) {
			if s == owner {
				return Ref{}, nil
			}
			return full.parse(s)
		},
	}
}

func actions() codec[[]string] {
	return codec[[]string]{
		format: func(a []string) (string, error) {
			known := []string{Bind, Login, Second, Stamp}
			for i, v := range a {
				if !slices.Contains(known, v) || i > 0 && a[i-1] >= v {
					return "", errForm
				}
			}
			if len(a) == 0 {
				return "", errEmpty
			}
			return strings.Join(a, " "), nil
		},
		parse: func(s string) ([]string, error) { return strings.Split(s, " "), nil },
	}
}

func limits() codec[*Limits] {
	count, when := number(0, maxNumber), instant()
	return codec[*Limits]{
		format: func(l *Limits) (string, error) {
			uses, err := count.format(l.UsesAfter)
			if err != nil {
				return "", err
			}
			expires, err := when.format(l.Expires)
			return "uses-after=" + uses + " expires=" + expires, err
		},
		parse: func(s string) (*Limits, error) {
			var uses, expires string
			if err := cut(s, []string{"uses-after=", " expires="}, &uses, &expires); err != nil {
				return nil, err
			}
			n, err := count.parse(uses)
			if err != nil {
				return nil, err
			}
			t, err := when.parse(expires)
			return &Limits{UsesAfter: n, Expires: t}, err
		},
	}
}

// cut splits s at marks that must come in this order, the first at the start.
func cut(s string, marks []string, into ...*string) error {
	rest, ok := strings.CutPrefix(s, marks[0])
	if !ok {
		return errForm
	}
	for i, mark := range marks[1:] {
		if *into[i], rest, ok = strings.Cut(rest, mark); !ok {
			return errForm
		}
	}
	*into[len(into)-1] = rest
	return nil
}

// maxLength bounds places, in millimetres: larger than any paper.
const maxLength = 10_000

// tenths rounds to what a statement keeps.
func tenths(v float64) (string, error) {
	v = math.Round(v*10) / 10
	if !(v >= 0 && v <= maxLength) {
		return "", errRange
	}
	return strconv.FormatFloat(math.Abs(v), 'f', 1, 64), nil
}

func (p Place) format() (string, error) {
	var out [4]string
	for i, v := range []float64{p.X, p.Y, p.W, p.H} {
		s, err := tenths(v)
		if err != nil || i >= 2 && s == "0.0" {
			return "", errRange
		}
		out[i] = s
	}
	return fmt.Sprintf("p%d:%s,%s,%sx%s", p.Page, out[0], out[1], out[2], out[3]), nil
}

func parsePlace(s string) (p Place, err error) {
	var page, x, y, w, h string
	if err := cut(s, []string{"p", ":", ",", ",", "x"}, &page, &x, &y, &w, &h); err != nil {
		return Place{}, err
	}
	if p.Page, err = strconv.Atoi(page); err != nil {
		return Place{}, errForm
	}
	for i, v := range []string{x, y, w, h} {
		to := []*float64{&p.X, &p.Y, &p.W, &p.H}[i]
		if *to, err = strconv.ParseFloat(v, 64); err != nil {
			return Place{}, errForm
		}
	}
	return p, nil
}
