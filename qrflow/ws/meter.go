package ws

import (
	"errors"
	"net"
	"time"

	"golang.org/x/time/rate"
)

var errFlood = errors.New("more bytes than a page ever sends")

// meter bounds what comes in on a wire, whatever it is: pings and empty
// fragments cost work as well and are no messages.
type meter struct {
	net.Conn
	allowed *rate.Limiter
}

// floodBurst lets a page send its messages at once, and an attacker little.
const floodBurst = 64 << 10

func metered(c net.Conn, perSecond int) *meter {
	return &meter{c, rate.NewLimiter(rate.Limit(perSecond), floodBurst)}
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.Conn.Read(p[:min(len(p), floodBurst)])
	if !m.allowed.AllowN(time.Now(), n) {
		return 0, errFlood
	}
	return n, err
}
