package status

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"yunzhang.dev/cloudseal/gm"
)

// Limits of a list: it is read whole, on machines of verifiers.
const (
	MaxListSize = 16 << 20 // about 150,000 seals that were once stopped
	maxMakers   = 100      // a making system renews its certificate every few years
	maxEvents   = 1000     // of one seal: more is no history but an attack
)

const timeLayout = "2006-01-02T15:04:05Z"

var (
	errForm    = errors.New("status: not a status list in canonical form")
	errTooLong = errors.New("status: the list is too long")
)

// List is what an issuer says of all its seals up to a moment.
type List struct {
	Issuer     string      // host name
	Number     int         // grows with every list
	Makers     []gm.Digest // SM3 of the maker certificates whose seals it covers
	IssuedAt   time.Time
	NextUpdate time.Time // when a newer one is there at the latest
	Entries    []Entry
}

// Entry is the history of one seal.
type Entry struct {
	Seal   string // seal code
	Events History
}

// NewList makes a list. Histories that were always usable are left out, times
// are brought to whole seconds, entries are sorted.
func NewList(issuer string, number int, makers []gm.Digest, issuedAt, nextUpdate time.Time, seals []Entry) List {
	l := List{
		Issuer: issuer, Number: number, Makers: makers,
		IssuedAt: issuedAt.UTC().Truncate(time.Second), NextUpdate: nextUpdate.UTC().Truncate(time.Second),
	}
	for _, s := range seals {
		if s.Events.spotless() {
			continue
		}
		e := Entry{Seal: s.Seal}
		for _, event := range s.Events {
			e.Events = append(e.Events, Event{event.State, event.effective()})
		}
		l.Entries = append(l.Entries, e)
	}
	slices.SortFunc(l.Entries, func(a, b Entry) int { return strings.Compare(a.Seal, b.Seal) })
	return l
}

// StateAt answers what the state of a seal was. known is false for times after
// IssuedAt, for a seal of another maker, and for a listed seal before its
// beginning.
func (l List) StateAt(seal string, maker gm.Digest, t time.Time) (s State, known bool) {
	if t.After(l.IssuedAt) || !slices.Contains(l.Makers, maker) {
		return "", false
	}
	i, listed := slices.BinarySearchFunc(l.Entries, seal, func(e Entry, code string) int { return strings.Compare(e.Seal, code) })
	if !listed {
		return Usable, true
	}
	return l.Entries[i].Events.At(t)
}

// Bytes gives the canonical form, which is what the status key signs.
func (l List) Bytes() ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "cseal-status/1\nissuer: %s\nnumber: %d\nmakers: %s\nissued-at: %s\nnext-update: %s\nentries: %d\n",
		l.Issuer, l.Number, joinDigests(l.Makers), l.IssuedAt.Format(timeLayout), l.NextUpdate.Format(timeLayout), len(l.Entries))
	for i, e := range l.Entries {
		fmt.Fprintf(&b, "entry.%d: %s", i+1, e.Seal)
		for _, event := range e.Events {
			fmt.Fprintf(&b, " %s@%s", event.State, event.From.UTC().Format(timeLayout))
		}
		b.WriteByte('\n')
		if b.Len() > MaxListSize {
			return nil, errTooLong
		}
	}
	return b.Bytes(), nil
}

// check holds what canonical bytes cannot express wrongly or must not.
func (l List) check() error {
	if !token(l.Issuer) || l.Number < 1 || len(l.Makers) == 0 || len(l.Makers) > maxMakers || !l.NextUpdate.After(l.IssuedAt) {
		return errForm
	}
	if !plain(l.IssuedAt) || !plain(l.NextUpdate) {
		return errForm
	}
	for i, e := range l.Entries {
		if !token(e.Seal) || i > 0 && l.Entries[i-1].Seal >= e.Seal {
			return fmt.Errorf("%w: entry %d", errForm, i+1)
		}
		if !e.Events.Valid() || len(e.Events) > maxEvents || slices.ContainsFunc(e.Events, func(v Event) bool { return !plain(v.From) }) {
			return fmt.Errorf("%w: history of entry %d", errForm, i+1)
		}
	}
	return nil
}

// plain reports a time that the layout writes and reads back as it is.
func plain(t time.Time) bool {
	return t.Equal(t.Truncate(time.Second)) && t.Year() >= 1 && t.Year() <= 9999
}

// token reports printable ASCII without a space, of a length that fits a line.
func token(s string) bool {
	return s != "" && len(s) <= 200 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

func joinDigests(ds []gm.Digest) string {
	words := make([]string, len(ds))
	for i, d := range ds {
		words[i] = d.Hex()
	}
	return strings.Join(words, " ")
}

// ParseList reads exactly what Bytes writes.
func ParseList(b []byte) (List, error) {
	if len(b) > MaxListSize {
		return List{}, errTooLong
	}
	r := reader{lines: strings.Split(string(b), "\n")}
	if r.next() != "cseal-status/1" {
		return List{}, errForm
	}
	l := List{Issuer: r.value("issuer"), Number: r.number("number"), Makers: r.digests("makers"), IssuedAt: r.time("issued-at"), NextUpdate: r.time("next-update")}
	for i := range r.number("entries") {
		if r.err != nil {
			break
		}
		l.Entries = append(l.Entries, r.entry("entry."+strconv.Itoa(i+1)))
	}
	if r.err != nil {
		return List{}, r.err
	}
	again, err := l.Bytes()
	if err != nil {
		return List{}, err
	}
	if !bytes.Equal(again, b) {
		return List{}, errForm
	}
	return l, nil
}
