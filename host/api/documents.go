package api

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"net/http"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm"
)

// A document is served as it was when the server was made.
type document struct {
	kind string
	body []byte
	etag string // weak: the answer may be compressed
	sum  string // SHA-256 of body
}

func newDocument(kind string, body []byte) document {
	sum := sha256.Sum256(body)
	text := hex.EncodeToString(sum[:])
	return document{kind, body, `W/"` + text + `"`, text}
}

// openAPI describes the whole interface; tests hold every answer against it.
//
//go:embed openapi.json
var openAPI []byte

// documents makes those that are the same for as long as the server lives.
func (s *Server) documents() error {
	types, err := json.Marshal(struct {
		Types []module.Type `json:"types"`
	}{s.o.Module.Types()})
	if err != nil {
		return err
	}
	s.types = newDocument("application/json", append(types, '\n'))
	s.module = newDocument("application/wasm", wasm.Module)
	s.openAPI = newDocument("application/json", openAPI)
	return nil
}

func (s *Server) serveDocument(d *document) func(*response, *http.Request) error {
	return func(w *response, r *http.Request) error {
		secure(w.Header())
		d.serve(w, r)
		return nil
	}
}

// serveModule serves the very bytes that this host verifies with; their digest
// is in a header, so that a page can compare it with its own.
func (s *Server) serveModule(w *response, r *http.Request) error {
	secure(w.Header())
	w.Header()["X-Content-Sha256"] = []string{s.module.sum}
	s.module.serve(w, r)
	return nil
}

func (d *document) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Etag"] = []string{d.etag}
	if h["Cache-Control"] == nil {
		h["Cache-Control"] = revisit
	}
	if matches(r, d.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	writeBody(w, d.kind, http.StatusOK, d.body)
}
