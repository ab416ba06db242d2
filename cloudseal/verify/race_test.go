//go:build race

package verify_test

// sample: the race detector makes each change ten times dearer and needs few of
// them.
const sample = 10
