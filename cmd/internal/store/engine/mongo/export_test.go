package mongo

import (
	"context"
	"time"
)

// Crash ends an engine as the death of its process would: its connections
// break, its transactions stay with the server until they lapse.
func Crash(e *Engine) {
	e.closing()
	dead, cancel := context.WithCancel(context.Background())
	cancel()
	_ = e.client.Disconnect(dead)
	e.gate.Lock()
	e.closed = true
	e.gate.Unlock()
}

// Careless makes an engine take a commit without an answer for a lost race, so
// that the unit is run again, under a new transaction number, although it may
// have been committed. timeout is that of one command.
func Careless(e *Engine, timeout time.Duration) { e.careless, e.timeout = true, timeout }
