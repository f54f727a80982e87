package api

import (
	"net/http"
	"strings"

	"github.com/eventseal/eventseal/wasm/code"
)

// serveLog serves the transparency log below /log/ (C2SP tlog-tiles).
func (s *Server) serveLog(w *response, r *http.Request) error {
	if s.o.Transparency == nil {
		return &code.Error{Code: code.NotFound, Detail: "this host has no log"}
	}
	d, err := s.o.Transparency.Get(r.Context(), strings.TrimPrefix(r.URL.Path, "/log/"))
	if err != nil {
		return err
	}
	secure(w.Header())
	if d.Immutable {
		w.Header()["Cache-Control"] = immutable
	}
	answer := newDocument(d.Type, d.Body)
	answer.serve(w, r)
	return nil
}
