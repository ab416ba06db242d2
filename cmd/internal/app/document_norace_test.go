//go:build !race

package app_test

// slower divides the counts of long tests; see the other file.
const slower = 1
