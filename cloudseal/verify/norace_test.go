//go:build !race

package verify_test

// sample: every change is tried.
const sample = 1
