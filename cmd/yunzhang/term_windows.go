package main

import (
	"os"

	"golang.org/x/sys/windows"
)

func isTerminal(f *os.File) bool {
	var mode uint32
	return windows.GetConsoleMode(windows.Handle(f.Fd()), &mode) == nil
}

// silence switches the echo of a console off until restore is called.
func silence(f *os.File) (restore func() error, err error) {
	h := windows.Handle(f.Fd())
	var mode uint32
	if err := windows.GetConsoleMode(h, &mode); err != nil {
		return nil, err
	}
	return func() error { return windows.SetConsoleMode(h, mode) }, windows.SetConsoleMode(h, mode&^windows.ENABLE_ECHO_INPUT)
}
