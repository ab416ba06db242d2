package pagebench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"yunzhang.dev/cmd/internal/drive"
)

// Parts that a process of its own plays.
const (
	PartNode = "node" // with a sandbox, everything in the folder it is given
	PartBare = "bare" // a websocket server that sends back what it gets
)

// question is a line to a part.
type question struct {
	Fresh bool   `json:"fresh"` // give memory back to the system first
	Heap  string `json:"heap"`  // also write a profile of the heap there
}

// answer is a line from a part; the first comes unasked, when it listens.
type answer struct {
	Addr       string        `json:"addr"`
	Resident   int64         `json:"resident"` // bytes
	Heap       int64         `json:"heap"`     // in use
	Stack      int64         `json:"stack"`
	Goroutines int           `json:"goroutines"`
	CPU        time.Duration `json:"cpu"` // since the start
}

// Play plays a part until in ends or ctx does. It is what the hidden command
// behind "yunzhang bench pages" runs.
func Play(ctx context.Context, part, dir string, in io.Reader, out io.Writer) error {
	switch part {
	case PartNode:
		return playNode(ctx, dir, in, out)
	case PartBare:
		return playBare(ctx, in, out)
	default:
		return fmt.Errorf("pagebench: there is no part %q", part)
	}
}

// playNode has the people of the demonstration register and do the main job
// once; then their node is there for the load.
func playNode(ctx context.Context, dir string, in io.Reader, out io.Writer) (err error) {
	demo := &drive.Demo{Dir: dir, Addr: "127.0.0.1:0", Out: io.Discard, Unlimited: true}
	stop, err := demo.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if _, err := demo.Run(ctx); err != nil {
		return err
	}
	return converse(demo.Listens(), in, out)
}

// converse answers questions about this process.
func converse(addr string, in io.Reader, out io.Writer) error {
	write := json.NewEncoder(out)
	if err := write.Encode(answer{Addr: addr}); err != nil {
		return err
	}
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var q question
		if err := json.Unmarshal(lines.Bytes(), &q); err != nil {
			return err
		}
		a, err := lookInside(q)
		if err == nil {
			err = write.Encode(a)
		}
		if err != nil {
			return err
		}
	}
	return lines.Err()
}

func lookInside(q question) (answer, error) {
	cpu := processorTime() // before the collection, which is ours
	runtime.GC()
	runtime.GC() // what pools held is gone after the second
	if q.Fresh {
		debug.FreeOSMemory()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	a := answer{
		Resident: resident(&m), Heap: int64(m.HeapInuse), Stack: int64(m.StackInuse), Goroutines: runtime.NumGoroutine(), CPU: cpu,
	}
	if q.Heap == "" {
		return a, nil
	}
	f, err := os.Create(q.Heap)
	if err != nil {
		return a, err
	}
	return a, errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// resident is what the system counts as this process's memory; where it does not
// tell, what the runtime has from it.
func resident(m *runtime.MemStats) int64 {
	var size, pages int64
	b, err := os.ReadFile("/proc/self/statm")
	if err == nil {
		_, err = fmt.Sscan(string(b), &size, &pages)
	}
	if err != nil {
		return int64(m.Sys - m.HeapReleased)
	}
	return pages * int64(os.Getpagesize())
}
