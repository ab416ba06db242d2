package cloudseal_test

import (
	"testing"

	"yunzhang.dev/cloudseal/cloudsealtest"
)

// BenchmarkStamp is a stamp of a 100 KiB document from upload to result over
// stores in memory, part by part, beside its floor. cmd/internal/store runs the
// same over the real store.
func BenchmarkStamp(b *testing.B) {
	cloudsealtest.BenchmarkStamp(b, cloudsealtest.NewWorld(b), 100<<10, cloudsealtest.Meter{})
}
