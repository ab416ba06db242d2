package app_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
)

// line is the least that an HTTP client can be: one connection that stays open,
// written and read by the caller himself. What a client does beyond that is not
// the server's. It implements http.RoundTripper, for one request at a time.
type line struct {
	addr string
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
}

// RoundTrip reads the answer whole.
func (w *line) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := w.dial(); err != nil {
		return nil, err
	}
	answer, err := w.exchange(r)
	if err != nil || answer.Close {
		_ = w.conn.Close()
		w.conn = nil
	}
	return answer, err
}

func (w *line) dial() (err error) {
	if w.conn != nil {
		return nil
	}
	if w.conn, err = net.Dial("tcp", w.addr); err == nil {
		w.in, w.out = bufio.NewReaderSize(w.conn, 64<<10), bufio.NewWriterSize(w.conn, 64<<10)
	}
	return err
}

func (w *line) exchange(r *http.Request) (*http.Response, error) {
	if err := r.Write(w.out); err != nil {
		return nil, err
	}
	if err := w.out.Flush(); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(w.in, r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body := make([]byte, 0, max(answer.ContentLength, 0)+bytes.MinRead)
	whole := bytes.NewBuffer(body)
	_, err = whole.ReadFrom(answer.Body)
	answer.Body = io.NopCloser(whole)
	return answer, err
}
