package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/code"
)

// An Anchor puts the log on a chain; *anchor.Anchor is one.
type Anchor interface {
	State(ctx context.Context) anchor.State
	For(ctx context.Context, sequence uint64) (anchor.Event, error)
	Part(ctx context.Context, sequence, size uint64) (*anchor.Part, error)
	Wait(ctx context.Context, sequence uint64) error
}

// errNotAnchored answers who asks for what this host does not do.
var errNotAnchored = &code.Error{Code: code.NotFound, Detail: "this host puts nothing on a chain"}

// anchored serves GET /v1/anchor.
func (s *Server) anchored(w *response, r *http.Request) error {
	if s.o.Anchor == nil {
		return errNotAnchored
	}
	return writeJSON(w, http.StatusOK, s.o.Anchor.State(r.Context()))
}

// anchorOf returns what the status of an event says of its anchor; nil: nothing
// is anchored here.
func (s *Server) anchorOf(ctx context.Context, sequence uint64) (any, error) {
	if s.o.Anchor == nil {
		return nil, nil
	}
	return s.o.Anchor.For(ctx, sequence)
}

// untilAnchored waits for a final anchor that covers an event, for as long as a
// request may wait.
func (s *Server) untilAnchored(ctx context.Context, sequence uint64) error {
	if s.o.Anchor == nil {
		return errNotAnchored
	}
	patient, cancel := context.WithTimeout(ctx, proofPatience)
	defer cancel()
	if err := s.o.Anchor.Wait(patient, sequence); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	return nil
}

// part returns the anchor that goes into a proof with a tlog-proof; nil: there is
// none yet, or none that leads to the checkpoint in it.
func (s *Server) part(ctx context.Context, sequence uint64, logged []byte) (*anchor.Part, error) {
	if s.o.Anchor == nil {
		return nil, nil
	}
	p, err := checkpoint.ParseProof(logged)
	if err != nil {
		return nil, err
	}
	text, err := checkpoint.Text(p.Note)
	if err != nil {
		return nil, err
	}
	c, err := checkpoint.ParseText(text)
	if err != nil {
		return nil, err
	}
	part, err := s.o.Anchor.Part(ctx, sequence, c.Size)
	if errors.Is(err, journal.ErrNotFound) || errors.Is(err, &code.Error{Code: code.AnchorPending}) {
		return nil, nil
	}
	return part, err
}
