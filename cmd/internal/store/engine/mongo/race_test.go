//go:build race

package mongo_test

// Fewer than without the race detector, which has its own run in CI.
const (
	steps      = 1_000
	faultSteps = 100
)
