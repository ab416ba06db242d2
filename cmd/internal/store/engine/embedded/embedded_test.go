package embedded_test

import (
	"testing"
	"time"

	"yunzhang.dev/cmd/internal/store/engine"
	"yunzhang.dev/cmd/internal/store/engine/embedded"
	"yunzhang.dev/cmd/internal/store/engine/enginetest"
)

func open(t testing.TB, dir string, o embedded.Options) *embedded.Store {
	t.Helper()
	if o.Now == nil {
		o.Now = time.Now
	}
	s, err := embedded.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSuite(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, enginetest.Traits{}, func(t testing.TB) engine.Engine { return open(t, t.TempDir(), embedded.Options{}) })
}
