package api

import (
	"net/http"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// A lostPage is a page of the events that are lost.
type lostPage struct {
	Events []lostEvent `json:"events"`
	Total  uint64      `json:"total"`
	Next   uint64      `json:"next,omitempty"` // after of the next page
}

type lostEvent struct {
	Hash       string    `json:"hash"`
	Sequence   uint64    `json:"sequence"`
	Type       string    `json:"type"`
	Author     string    `json:"author_pubkey"`
	CreatedAt  uint64    `json:"created_at"`
	AdmittedAt time.Time `json:"admitted_at"`
}

// lost serves GET /v1/admin/lost: what the journal knows of events that nobody has.
func (s *Server) lost(w *response, r *http.Request) error {
	p := parametersOf(r)
	after, err := p.number("after", 0, 0, maxSafe)
	if err != nil {
		return err
	}
	limit, err := p.number("limit", 100, 1, journal.MaxPage)
	if err != nil {
		return err
	}
	entries, total, err := s.o.Journal.Lost(r.Context(), after, int(limit)+1)
	if err != nil {
		return err
	}
	out := lostPage{Events: []lostEvent{}, Total: total}
	if len(entries) > int(limit) {
		entries = entries[:limit]
		out.Next = entries[limit-1].Sequence
	}
	for _, e := range entries {
		out.Events = append(out.Events, lostEvent{e.Hash.String(), e.Sequence, e.Type, e.Author, e.CreatedAt, e.AdmittedAt})
	}
	return writeJSON(w, http.StatusOK, out)
}
