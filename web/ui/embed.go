// Package ui holds the look that all pages share: tokens, type, buttons, the
// mark. It owns no page.
package ui

import "embed"

// FS holds the stylesheet and the mark.
//
//go:embed *.css *.svg
var FS embed.FS
