// Package enginetest is what every engine must pass: [Run], a suite of named
// properties of the port, and [Random], actors at random against a model that
// checks afterwards whether one order of commits explains everything they saw.
// It is linked into tests only.
package enginetest
