package pagebench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// playBare serves websockets as their library's own advice has it: small
// buffers, those for writing shared, one goroutine a connection.
func playBare(ctx context.Context, in io.Reader, out io.Writer) error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	u := &websocket.Upgrader{ReadBufferSize: 512, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{}}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if conn, err := u.Upgrade(w, r, nil); err == nil {
			go echo(conn) // so that what net/http held is let go
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ln) }()
	err = converse(ln.Addr().String(), in, out)
	_ = server.Close()
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return errors.Join(err, ctx.Err())
}

func echo(conn *websocket.Conn) {
	defer conn.Close()
	for {
		kind, b, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, b) != nil {
			return
		}
	}
}

// asLong is about the length of a frame on the wire.
var asLong = []byte(strings.Repeat("a", 280))

// bareCrowd opens n connections and has each send a message as long as a frame
// every period, until stop.
func bareCrowd(ctx context.Context, addr string, n int, period time.Duration) (stop func(), err error) {
	conns := make([]*websocket.Conn, 0, n)
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	stop = func() {
		cancel()
		for _, c := range conns {
			_ = c.Close()
		}
		all.Wait()
	}
	for i := range n {
		conn, _, err := dialer(addr, i).DialContext(ctx, "ws://"+addr+"/", nil)
		if err != nil {
			stop()
			return nil, fmt.Errorf("bare connection %d: %w", i+1, err)
		}
		conns = append(conns, conn)
		all.Go(func() { drain(conn) })
	}
	all.Go(func() { say(ctx, conns, period) })
	return stop, nil
}

func drain(conn *websocket.Conn) {
	for {
		if _, _, err := conn.NextReader(); err != nil {
			return
		}
	}
}

// say sends one message on every connection each period, spread over it.
func say(ctx context.Context, conns []*websocket.Conn, period time.Duration) {
	const slices = 100
	for n := 0; ctx.Err() == nil; n++ {
		for i := n % slices; i < len(conns); i += slices {
			if conns[i].WriteMessage(websocket.TextMessage, asLong) != nil {
				return
			}
		}
		pause(ctx, period/slices)
	}
}
