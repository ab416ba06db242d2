//go:build race

package app_test

// slower is by how much counts go down under the race detector, which makes
// parsing and hashing some ten times slower.
const slower = 20
