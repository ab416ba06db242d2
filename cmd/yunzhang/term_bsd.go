//go:build darwin || freebsd || netbsd || openbsd

package main

import "golang.org/x/sys/unix"

const (
	getTerm = unix.TIOCGETA
	setTerm = unix.TIOCSETA
)
