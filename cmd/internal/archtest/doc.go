// Package archtest keeps the house in order: it parses every source file and
// fails on an import that the plan in DESIGN.md does not draw, on a long file
// or function, and on the habits we do not want (globals that change, init,
// the wall clock in a domain).
package archtest
