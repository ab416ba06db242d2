//go:build race

package mongo_test

const steps = 1_000
