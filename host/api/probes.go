package api

import (
	"net/http"

	"github.com/eventseal/eventseal/wasm/code"
)

// health serves GET /v1/health: 200 when all that an acknowledgement needs
// works, else 503, with the same document.
func (s *Server) health(w *response, r *http.Request) error {
	h := s.o.Health(r.Context())
	status := http.StatusOK
	if !h.Healthy {
		status = http.StatusServiceUnavailable
	}
	return writeJSON(w, status, h)
}

// livez says whether the process should go on: not when the journal has closed
// itself for good, which only a restart ends.
func (s *Server) livez(w *response, r *http.Request) error {
	if j, ok := s.o.Journal.(interface{ Failure() error }); ok {
		if err := j.Failure(); err != nil {
			return &code.Error{Code: code.JournalUnavailable, Detail: "the journal has failed; the host has to be started again"}
		}
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// readyz says whether requests should be sent here. An event that is lost does
// not speak against that: storing it again is what brings it back.
func (s *Server) readyz(w *response, r *http.Request) error {
	if s.closing() {
		return &code.Error{Code: code.ShuttingDown}
	}
	if h := s.o.Health(r.Context()); !h.Ready {
		return &code.Error{Code: code.Unavailable, Detail: "the host is " + h.Status + "; /v1/health says why"}
	}
	return writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}
