package embedded

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// errHeld is what holdAlone gives when another open file holds the lock.
var errHeld = errors.New("held")

// lockFolder makes this process the only user of a folder until the file is
// closed, also by the end of the process. The file names the process.
func lockFolder(dir string) (*os.File, error) {
	f, err := holdAlone(filepath.Join(dir, "store.lock"))
	if errors.Is(err, errHeld) {
		return nil, fmt.Errorf("the data folder %s is in use%s: one process at a time may use it", dir, holder(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("lock the data folder %s: %w", dir, err)
	}
	if err = f.Truncate(0); err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock of %s: %w", dir, err), f.Close())
	}
	return f, nil
}

// holder names the process that holds the lock, when it can be read.
func holder(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, "store.lock"))
	pid, bad := strconv.Atoi(string(bytes.TrimSpace(b)))
	if err != nil || bad != nil {
		return ""
	}
	return fmt.Sprintf(" by process %d", pid)
}
