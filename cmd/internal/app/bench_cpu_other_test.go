//go:build !unix

package app_test

import "time"

var benchStart = time.Now()

// cpuTime stands in with the clock where the processor time is not known.
func cpuTime() time.Duration { return time.Since(benchStart) }
