package pagebench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// child is a process that plays a part.
type child struct {
	addr string
	cmd  *exec.Cmd
	ask  io.WriteCloser
	told *bufio.Reader
}

// start starts a part and waits until it listens.
func (b *Bench) start(ctx context.Context, part, dir string) (*child, error) {
	cmd := b.Command(ctx, part, dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c := &child{cmd: cmd, ask: in, told: bufio.NewReader(out)}
	first, err := c.read()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the %s: %w", part, err), c.end())
	}
	c.addr = first.Addr
	return c, nil
}

func (c *child) look(q question) (answer, error) {
	if err := json.NewEncoder(c.ask).Encode(q); err != nil {
		return answer{}, err
	}
	return c.read()
}

func (c *child) read() (a answer, err error) {
	line, err := c.told.ReadBytes('\n')
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(line, &a)
}

// end tells the part to leave and waits for it.
func (c *child) end() error {
	err := c.ask.Close()
	return errors.Join(err, c.cmd.Wait())
}
