package main

import "runtime/debug"

// stamp is set by the linker: make build.
var stamp string

// version names the source that this binary was made of.
func version() string {
	if stamp != "" {
		return stamp
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
