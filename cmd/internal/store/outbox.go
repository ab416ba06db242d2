package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"yunzhang.dev/cmd/internal/store/engine"
)

// Hub passes on, after their commit, that something was inserted into an
// outbox: to those who asked about its key (a ticket), and to nobody else. It
// gives hints: any of them may come late, twice or never, and none carries
// content. Who wants to know looks at the store, first when he has
// subscribed, then at each hint, and now and then without one.
type Hub struct {
	d HubDeps

	mu    sync.Mutex
	waits map[string]map[chan struct{}]bool // by key; guarded by mu
	all   map[chan struct{}]bool            // of Resync; guarded by mu
}

// HubDeps is what a Hub needs.
type HubDeps struct {
	Engine engine.Engine
	Outbox string // the collection to follow
	Key    string // field of its documents that names the key
	// Wake, when it is given, is called with every key; it must not block.
	Wake func(key string)
	Log  *slog.Logger
}

// NewHub makes a hub; call Run.
func NewHub(d HubDeps) (*Hub, error) {
	if d.Engine == nil || d.Outbox == "" || d.Key == "" || d.Log == nil {
		return nil, errors.New("store: the hub lacks a dependency")
	}
	return &Hub{d: d, waits: map[string]map[chan struct{}]bool{}, all: map[chan struct{}]bool{}}, nil
}

// Subscribe gives a channel that has something in it when the key was heard of
// since it was last read, or when anything may have been missed. cancel ends
// the subscription; the channel is never closed.
func (h *Hub) Subscribe(key string) (hints <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1) // hints have no content: two of them are one
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waits[key] == nil {
		h.waits[key] = map[chan struct{}]bool{}
	}
	h.waits[key][c] = true
	return c, func() { h.unsubscribe(key, c) }
}

func (h *Hub) unsubscribe(key string, c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.waits[key], c)
	if len(h.waits[key]) == 0 {
		delete(h.waits, key)
	}
}

// Resync gives a channel that has something in it when hints may have been
// missed: look at everything. It has, once, when the hub begins to follow.
func (h *Hub) Resync() (signal <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.all, c)
	}
}

// hubPause is how long the hub waits before it follows again after a failure.
const hubPause = time.Second

// Run follows the outbox until ctx ends. A failure of the engine is logged and
// tried again from the same place; where history is lost it goes on from the
// end and everybody is told to look.
func (h *Hub) Run(ctx context.Context) error {
	var at engine.Position
	for ctx.Err() == nil {
		err := h.follow(ctx, &at)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, engine.ErrClosed):
			return err
		case errors.Is(err, engine.ErrHistoryLost):
			at = ""
		default:
			h.d.Log.WarnContext(ctx, "the outbox cannot be followed", "outbox", h.d.Outbox, "err", err)
			_ = wait(ctx, hubPause)
		}
	}
	return ctx.Err()
}

// follow passes on what comes behind at, and moves it on.
func (h *Hub) follow(ctx context.Context, at *engine.Position) error {
	if *at == "" {
		end, err := h.d.Engine.Tail(ctx, h.d.Outbox)
		if err != nil {
			return fmt.Errorf("find the end: %w", err)
		}
		*at = end
		h.missed()
	}
	return h.d.Engine.Follow(ctx, h.d.Outbox, *at, func(c engine.Change) error {
		*at = c.Position
		key, ok := c.Doc.Lookup(h.d.Key).StringValueOK()
		if ok {
			h.heard(key)
		}
		return nil
	})
}

// heard passes a hint on.
func (h *Hub) heard(key string) {
	if h.d.Wake != nil {
		h.d.Wake(key)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.waits[key] {
		drop(c)
	}
}

// missed tells everybody to look.
func (h *Hub) missed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.all {
		drop(c)
	}
	for _, waiting := range h.waits {
		for c := range waiting {
			drop(c)
		}
	}
}

// drop puts a hint into a channel that has none.
func drop(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
