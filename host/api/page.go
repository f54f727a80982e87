package api

import (
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// A page is a folder of files that was read whole at the start.
type page struct {
	files map[string]document // by path from /
}

// The page runs its own scripts and the module, and nothing that was put into
// a document; no text becomes HTML or code in it, save what its one policy
// lets through.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types eventseal"

// Types that the operating system's table may not have, or have otherwise.
var pageTypes = map[string]string{
	".wasm": "application/wasm", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".html": "text/html; charset=utf-8", ".json": "application/json",
	".svg": "image/svg+xml", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8",
	".png": "image/png", ".ico": "image/x-icon", ".map": "application/json",
}

func readPage(folder fs.FS) (*page, error) {
	p := &page{files: map[string]document{}}
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(folder, name)
		if err != nil {
			return err
		}
		ext := path.Ext(name)
		kind := pageTypes[ext]
		if kind == "" {
			kind = mime.TypeByExtension(ext)
		}
		if kind == "" {
			kind = "application/octet-stream"
		}
		p.files["/"+name] = newDocument(kind, body)
		return nil
	})
	if err != nil {
		return nil, err
	}
	index, ok := p.files["/index.html"]
	if !ok {
		return nil, fmt.Errorf("there is no index.html")
	}
	p.files["/"] = index
	return p, nil
}

// serve answers with a file; false when there is none. A path that no file has
// and that looks like no file is one of the page's own addresses: it gets the
// page.
func (p *page) serve(w http.ResponseWriter, r *http.Request) bool {
	name := r.URL.Path
	d, ok := p.files[name]
	if !ok && path.Ext(name) == "" && strings.Contains(r.Header.Get("Accept"), "text/html") {
		d, ok = p.files["/"]
	}
	if !ok {
		return false
	}
	h := w.Header()
	secure(h)
	h["Content-Security-Policy"] = []string{pagePolicy}
	h["Cross-Origin-Opener-Policy"] = sameSite
	if strings.HasPrefix(name, "/assets/") { // the builder names them after their content
		h["Cache-Control"] = immutable
	}
	d.serve(w, r)
	return true
}
