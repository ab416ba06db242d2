//go:build linux || darwin || freebsd || netbsd || openbsd

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), getTerm)
	return err == nil
}

// silence switches the echo of a terminal off until restore is called.
func silence(f *os.File) (restore func() error, err error) {
	fd := int(f.Fd())
	was, err := unix.IoctlGetTermios(fd, getTerm)
	if err != nil {
		return nil, err
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO
	return func() error { return unix.IoctlSetTermios(fd, setTerm, was) }, unix.IoctlSetTermios(fd, setTerm, &quiet)
}
