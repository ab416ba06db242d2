//go:build !race

package impression_test

// sparse: all of the dear cases; see the other file.
const sparse = 1
