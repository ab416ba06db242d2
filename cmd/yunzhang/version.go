package main

import (
	"runtime/debug"

	"yunzhang.dev/cmd/internal/app"
)

type versionCmd struct{}

// Run prints the version, and from which state of the sources it was built.
func (versionCmd) Run(e *env) error {
	e.printf("yunzhang %s%s\n", app.Version, built())
	return nil
}

// built says what the build knows of itself.
func built() (text string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12:
			text += " " + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " (modified)"
		}
	}
	return text + " " + info.GoVersion
}
