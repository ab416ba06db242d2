// Package vendored holds the third-party browser code that pages load, byte for
// byte as published. It has no rules and no changes of ours: a newer version is
// a new file with its version in the name, its licence beside it and its hash in
// the test.
//
//	lean-qr 2.7.4   MIT   https://www.npmjs.com/package/lean-qr (index.mjs)
package vendored

import "embed"

// FS holds the modules and their licences.
//
//go:embed *.mjs *.txt
var FS embed.FS
