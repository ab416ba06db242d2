//go:build !race

package embedded_test

const steps = 10_000
