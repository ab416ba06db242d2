//go:build !unix

package pagebench

import "time"

// processorTime is not told here.
func processorTime() time.Duration { return 0 }

// Descriptors is a guess where no limit is told.
func Descriptors() int { return mostDescriptors }
