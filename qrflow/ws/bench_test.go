package ws_test

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"testing"
	"time"

	"yunzhang.dev/qrflow/ws"
	"yunzhang.dev/web/httpx"
)

// BenchmarkIdlePage opens pages that wait, and reports what each costs in memory
// on both ends together (the client is a bare connection) and in goroutines.
// Run it with a fixed number: -benchtime 4000x.
func BenchmarkIdlePage(b *testing.B) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	d := newDesk()
	hub, err := ws.New(ws.Deps{
		Tickets: d, Sequences: d, Log: slog.New(slog.DiscardHandler), Now: time.Now, Hosts: []string{ln.Addr().String()},
		Limits: ws.Limits{PerIP: 1 << 20, Attempts: many, Frame: time.Hour, Hello: time.Hour},
	})
	if err != nil {
		b.Fatal(err)
	}
	app := httpx.NewServer(httpx.Deps{})
	hub.Mount(app)
	go func() { _ = app.Listener(ln) }()
	defer func() { _ = app.Shutdown() }()

	before, threads := memory()
	pages := make([]net.Conn, b.N)
	b.ResetTimer()
	for i := range pages {
		pages[i] = knock(b, ln.Addr().String(), fmt.Sprint("p.", i))
	}
	b.StopTimer()
	after, all := memory()
	b.ReportMetric(float64(after-before)/float64(b.N), "B/page")
	b.ReportMetric(float64(all-threads)/float64(b.N), "goroutines/page")
	for _, c := range pages {
		_ = c.Close()
	}
}

func memory() (bytes uint64, goroutines int) {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse, runtime.NumGoroutine()
}

func knock(b *testing.B, addr, token string) net.Conn {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	fmt.Fprintf(c, "GET /v1/page HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: %s\r\nSec-WebSocket-Protocol: cseal.v1, tkt.%s\r\n\r\n", addr, origin, token)
	res, err := http.ReadResponse(bufio.NewReaderSize(c, 512), nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		b.Fatal(res, err)
	}
	return c
}
