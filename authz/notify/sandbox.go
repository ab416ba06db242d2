package notify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"
)

// Sent is a message in the sandbox outbox.
type Sent struct {
	At       time.Time         `json:"at"`
	To       string            `json:"to"`
	Template Template          `json:"template"`
	Params   map[string]string `json:"params"`
	Text     string            `json:"text"`
}

// maxOutbox bounds the messages kept in memory: more than any demo or test
// sends, and no leak in a sandbox that runs for weeks.
const maxOutbox = 10_000

// Outbox is the sandbox: messages go to a file that only its owner can read
// and to a list, and to nobody's phone. It is safe for concurrent use.
type Outbox struct {
	path string
	now  func() time.Time

	mu   sync.Mutex // guards what follows
	sent []Sent
	down bool
	lost string // a phone that nothing reaches
}

// ErrDown: messages cannot be sent now.
var ErrDown = errors.New("notify: the provider does not answer")

// NewOutbox makes an outbox; path may be "" for memory only.
func NewOutbox(path string, now func() time.Time) *Outbox { return &Outbox{path: path, now: now} }

// Sandbox marks the provider as one that production refuses.
func (o *Outbox) Sandbox() bool { return true }

// SetDown makes sending fail, or work again.
func (o *Outbox) SetDown(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

// Lose makes sending to one phone fail; "" to none.
func (o *Outbox) Lose(phone string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lost = phone
}

// Send puts a message into the outbox.
func (o *Outbox) Send(ctx context.Context, m Message) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	text, err := Text(m)
	if err != nil {
		return err
	}
	sent := Sent{At: o.now().UTC(), To: m.To, Template: m.Template, Params: maps.Clone(m.Params), Text: text}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down || o.lost != "" && o.lost == m.To {
		return ErrDown
	}
	if err := o.append(sent); err != nil {
		return err
	}
	o.sent = append(o.sent, sent)
	if len(o.sent) > maxOutbox {
		o.sent = slices.Clone(o.sent[len(o.sent)-maxOutbox:])
	}
	return nil
}

func (o *Outbox) append(s Sent) error {
	if o.path == "" {
		return nil
	}
	f, err := os.OpenFile(o.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the outbox: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("notify: the outbox is not its owner's alone (mode 0600)")
	}
	if err := json.NewEncoder(f).Encode(s); err != nil {
		return fmt.Errorf("write the outbox: %w", err)
	}
	return nil
}

// Messages gives what was sent to a phone, oldest first; all with "".
func (o *Outbox) Messages(to string) []Sent {
	o.mu.Lock()
	defer o.mu.Unlock()
	var found []Sent
	for _, s := range o.sent {
		if to == "" || s.To == to {
			found = append(found, s)
		}
	}
	return found
}

// LastCode gives the newest code of a template sent to a phone, "" for none.
func (o *Outbox) LastCode(to string, t Template) string {
	found := o.Messages(to)
	for i := len(found) - 1; i >= 0; i-- {
		if found[i].Template == t {
			return found[i].Params["code"]
		}
	}
	return ""
}
