// Package web holds the page that a host serves at /: dist is what Vite makes
// of the sources beside it, committed so that Go users need no Node. `make
// web` builds it anew; `make web-check` fails when it is not the sources'.
package web

import (
	"embed"
	"io/fs"
)

//go:embed dist
var dist embed.FS

// Page returns the built page: index.html at its root, and under assets/ files
// whose names carry a digest of what is in them.
func Page() fs.FS {
	page, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // the name is a constant and valid
	}
	return page
}
