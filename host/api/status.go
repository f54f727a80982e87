package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// An eventStatus is what the host knows of an event and its copies.
type eventStatus struct {
	Hash       string        `json:"hash"`
	Epoch      string        `json:"epoch"` // of the order in which the event has its Sequence
	Sequence   uint64        `json:"sequence"`
	Type       string        `json:"type"`
	Author     string        `json:"author_pubkey"`
	CreatedAt  uint64        `json:"created_at"`
	AdmittedAt time.Time     `json:"admitted_at"`
	Parents    []string      `json:"parents"`
	Durable    int           `json:"durable"`
	Required   int           `json:"required"`
	Replicas   []replicaCopy `json:"replicas"`
	Archive    any           `json:"archive"` // null until there are archives
	Anchor     any           `json:"anchor"`  // and anchors
}

type replicaCopy struct {
	Replica   string     `json:"replica"`
	Kind      string     `json:"kind,omitempty"` // absent for a place that is not configured any more
	Counts    bool       `json:"counts"`
	State     string     `json:"state"` // stored, owed, absent
	Location  string     `json:"location,omitempty"`
	Attempts  int        `json:"attempts,omitempty"`
	LastError string     `json:"last_error,omitempty"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

// status serves GET /v1/events/{hash}/status.
func (s *Server) status(w *response, r *http.Request) error {
	h, err := pathHash(r)
	if err != nil {
		return err
	}
	e, copies, err := s.o.Journal.Get(r.Context(), h)
	if err != nil {
		return err
	}
	out := eventStatus{
		Hash: h.String(), Epoch: s.o.Journal.Epoch(), Sequence: e.Sequence, Type: e.Type, Author: e.Author, CreatedAt: e.CreatedAt, AdmittedAt: e.AdmittedAt,
		Parents: hexes(e.Parents), Required: s.o.MinRedundancy,
	}
	for _, p := range s.o.Places {
		c := replicaCopy{Replica: p.Name, Kind: p.Kind, Counts: p.Counts, State: "absent"}
		if i := slices.IndexFunc(copies, func(c journal.Copy) bool { return c.Replica == p.Name }); i >= 0 {
			c.take(copies[i])
		}
		if c.State == "stored" && c.Counts {
			out.Durable++
		}
		out.Replicas = append(out.Replicas, c)
	}
	// Copies at places that were taken out of the configuration are told, not counted.
	for _, known := range copies {
		if !slices.ContainsFunc(out.Replicas, func(c replicaCopy) bool { return c.Replica == known.Replica }) {
			c := replicaCopy{Replica: known.Replica, State: "absent"}
			c.take(known)
			out.Replicas = append(out.Replicas, c)
		}
	}
	return writeJSON(w, http.StatusOK, out)
}

func (c *replicaCopy) take(k journal.Copy) {
	switch {
	case k.State.Owed():
		c.State = "owed"
	case k.State.Held():
		c.State = "stored"
	}
	c.Location, c.Attempts, c.LastError = k.Location, k.Attempts, short(k.LastError)
	if !k.UpdatedAt.IsZero() {
		c.UpdatedAt = &k.UpdatedAt
	}
}

func hexes(hs []digest.Hash) []string {
	out := make([]string, len(hs))
	for i, h := range hs {
		out[i] = h.String()
	}
	return out
}
