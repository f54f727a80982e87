package api

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/custody"
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
	Standing   string        `json:"standing"` // pending, durable, degraded, lost
	Replicas   []replicaCopy `json:"replicas"`
	Archive    any           `json:"archive"` // null until there are archives
	Anchor     any           `json:"anchor"`  // anchor.Event; null where nothing is anchored
}

type replicaCopy struct {
	Replica   string     `json:"replica"`
	Kind      string     `json:"kind,omitempty"` // absent for a place that is not configured any more
	Counts    bool       `json:"counts"`
	State     string     `json:"state"` // see stateWord
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
	var tally custody.Tally
	for _, p := range s.o.Places {
		c := replicaCopy{Replica: p.Name, Kind: p.Kind, Counts: p.Counts, State: stateWord(custody.None)}
		if i := slices.IndexFunc(copies, func(c journal.Copy) bool { return c.Replica == p.Name }); i >= 0 {
			c.take(copies[i])
			tally.Add(copies[i].State, p.Counts)
		}
		out.Replicas = append(out.Replicas, c)
	}
	// Copies at places that were taken out of the configuration are told, not counted.
	for _, known := range copies {
		if !slices.ContainsFunc(out.Replicas, func(c replicaCopy) bool { return c.Replica == known.Replica }) {
			c := replicaCopy{Replica: known.Replica}
			c.take(known)
			tally.Add(known.State, false)
			out.Replicas = append(out.Replicas, c)
		}
	}
	switch _, err := s.o.Journal.Record(r.Context(), h); {
	case err == nil:
		tally.Bytes = true
	case !errors.Is(err, journal.ErrNotFound):
		return err
	}
	if out.Anchor, err = s.anchorOf(r.Context(), e.Sequence); err != nil {
		return err
	}
	out.Durable, out.Standing = tally.Counting, tally.Standing(s.o.MinRedundancy).String()
	return writeJSON(w, http.StatusOK, out)
}

// stateWord is what documents call a state. A belief and what was confirmed for
// an answer are the same to those who ask later.
func stateWord(s custody.State) string {
	switch {
	case s.Held():
		return "stored"
	case s == custody.None:
		return "absent"
	}
	return s.String() // owed, missing, damaged, foreign
}

func (c *replicaCopy) take(k journal.Copy) {
	c.State = stateWord(k.State)
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
