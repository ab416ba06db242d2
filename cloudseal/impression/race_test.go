//go:build race

package impression_test

// sparse: one in so many of the dear cases runs under the race detector, which
// makes each pixel ten times dearer. CI has all of them without it.
const sparse = 4
