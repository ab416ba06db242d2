//go:build race

package embedded_test

// SQLite in Go runs some fifteen times slower under the race detector.
const steps = 2_000
