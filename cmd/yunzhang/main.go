// Command yunzhang is the whole system in one program: the server, the
// demonstration, a phone for the command line, verification without a server,
// and what an operator needs.
//
// Each command has a file of its own name. They share the words, prompts and
// failures of env.go and fail.go, and hold no rule: what they do is done by the
// packages they call.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())) }
