//go:build !race

package mongo_test

const steps = 10_000
