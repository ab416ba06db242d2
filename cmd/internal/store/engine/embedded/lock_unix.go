//go:build unix

package embedded

import (
	"errors"
	"os"
	"syscall"
)

// holdAlone opens a file and takes its lock, which belongs to this open file:
// a second one is refused even inside the same process.
func holdAlone(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errHeld
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
