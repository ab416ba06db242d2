package main

import "runtime/debug"

type versionCmd struct{}

// Run prints what was built, from which state of the sources.
func (versionCmd) Run(e *env) error {
	e.printf("yunzhang %s\n", version())
	return nil
}

// version is the module's version, or the revision of the sources.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "devel"
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision" && len(s.Value) >= 12 && v == "devel":
			v += " " + s.Value[:12]
		case s.Key == "vcs.modified" && s.Value == "true":
			v += " (modified)"
		}
	}
	return v + " " + info.GoVersion
}
