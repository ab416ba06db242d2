package main

import "golang.org/x/sys/unix"

const (
	getTerm = unix.TCGETS
	setTerm = unix.TCSETS
)
