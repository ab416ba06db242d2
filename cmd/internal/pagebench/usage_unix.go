//go:build unix

package pagebench

import (
	"syscall"
	"time"
)

// processorTime is what this process took so far, on all cores.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Descriptors is how many files and sockets this process may have open; the
// runtime has raised it to the hard limit.
func Descriptors() int {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil || l.Cur > mostDescriptors {
		return mostDescriptors
	}
	return int(l.Cur)
}
