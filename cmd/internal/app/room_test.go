package app_test

import (
	"testing"

	"yunzhang.dev/cmd/internal/app"
)

func TestRoomOfTheCollector(t *testing.T) {
	for _, c := range []struct {
		used uint64
		want int
	}{{0, 100}, {30 << 20, 100}, {48 << 20, 100}, {96 << 20, 50}, {150 << 20, 32}, {1 << 30, 25}, {64 << 30, 25}} {
		if got := app.RoomFor(c.used); got != c.want {
			t.Errorf("%d MiB in use: %d %%, want %d %%", c.used>>20, got, c.want)
		}
	}
}
