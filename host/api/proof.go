package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// proofType is the media type of proof files.
const proofType = "application/vnd.eventseal.proof+json"

// A proofFile is what shows to anybody, without the host, that an event was
// signed, stored and logged, and on which chain it is. The text in Log is a C2SP
// tlog-proof.
type proofFile struct {
	Anchor  *anchor.Part    `json:"anchor"` // null: it is on none, or not yet
	Version int             `json:"eventseal_proof"`
	Log     string          `json:"log"`
	Receipt json.RawMessage `json:"receipt"`
	Record  json.RawMessage `json:"record"`
}

// proof serves GET /v1/events/{hash}/proof: the proof file, or the tlog-proof of
// it alone, of an event that this host has admitted.
//
// The receipt in a proof is a new one, and rests on what the places say now like
// any other: the event is put to them again, which costs them what a store of
// it does, and counts as one where stores from an address are limited. The
// tlog-proof alone says nothing of copies, and asks nobody for them.
func (s *Server) proof(w *response, r *http.Request) error {
	h, err := pathHash(r)
	if err != nil {
		return err
	}
	format, err := parametersOf(r).choice("format", "json", "tlog-proof")
	if err != nil {
		return err
	}
	wait, err := parametersOf(r).choice("wait", "published", "anchored")
	if err != nil {
		return err
	}
	if wait == "anchored" && format == "tlog-proof" {
		return &code.Error{Code: code.InvalidParameter, Detail: "wait: an anchor is in the proof file alone, not in a tlog-proof"}
	}
	if s.o.Prover == nil || s.o.Receipts == nil {
		return &code.Error{Code: code.NotFound, Detail: "this host makes no proofs"}
	}
	// The reader finds events that places hold for others, too.
	e, _, err := s.o.Journal.Get(r.Context(), h)
	if err != nil {
		return err
	}
	// First, since it is the log and the chain that an event has to wait for.
	if wait == "anchored" {
		if err := s.untilAnchored(r.Context(), e.Sequence); err != nil {
			return err
		}
	}
	logged, err := s.logged(r.Context(), e.Sequence)
	if err != nil {
		return err
	}
	if format == "tlog-proof" {
		return writeProof(w, "text/plain; charset=utf-8", logged)
	}
	if err := s.o.Addresses.Permit(r); err != nil {
		return err
	}
	v, err := s.o.Reader.Event(r.Context(), h)
	if err != nil {
		return err
	}
	got, v, err := s.o.Intake.Confirm(r.Context(), v)
	if err != nil {
		return err
	}
	signed, err := s.o.Receipts.Sign(context.WithoutCancel(r.Context()), got)
	if err != nil {
		return err
	}
	part, err := s.part(r.Context(), e.Sequence, logged)
	if err == nil && part != nil {
		f := proofFile{Anchor: part, Version: 1, Log: string(logged), Receipt: signed, Record: v.Record()}
		var file []byte
		if file, err = s.provable(r.Context(), f, h); err == nil {
			return writeProof(w, proofType, file)
		}
	}
	switch {
	case err != nil && r.Context().Err() != nil:
		return r.Context().Err()
	case err != nil:
		s.o.Log.Error("an anchor is left out of a proof", "hash", h, "error", err)
	}
	if wait == "anchored" {
		return &code.Error{Code: code.AnchorPending, Detail: "the anchor cannot be shown yet"}
	}
	file, err := s.provable(r.Context(), proofFile{Version: 1, Log: string(logged), Receipt: signed, Record: v.Record()}, h)
	if err != nil {
		return err
	}
	return writeProof(w, proofType, file)
}

// provable returns the bytes of a proof of an event. Nobody is given one that is
// none, and least of all one of another event beside this one's receipt: that
// would be evidence against the host.
func (s *Server) provable(ctx context.Context, f proofFile, h digest.Hash) ([]byte, error) {
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	enc.SetEscapeHTML(false) // so that the record keeps its bytes
	if err := enc.Encode(f); err != nil {
		return nil, err
	}
	report, err := s.o.Module.VerifyProof(context.WithoutCancel(ctx), file.Bytes(), nil)
	if err != nil {
		return nil, fmt.Errorf("the proof that was made of event %s cannot be checked: %w", h, err)
	}
	if !report.Valid || report.Hash != h {
		return nil, fmt.Errorf("the proof that was made of event %s does not hold: %s %v", h, report.Code, report.Parts)
	}
	return file.Bytes(), nil
}

// proofPatience is how long a request waits for a log that publishes seldom: it
// takes the place of others that long.
const proofPatience = 5 * time.Second

// logged returns the tlog-proof of a number.
func (s *Server) logged(ctx context.Context, sequence uint64) ([]byte, error) {
	patient, cancel := context.WithTimeout(ctx, proofPatience)
	defer cancel()
	text, err := s.o.Prover.Prove(patient, sequence)
	if err != nil && ctx.Err() == nil && patient.Err() != nil {
		return nil, &code.Error{Code: code.ProofPending}
	}
	return text, err
}

// writeProof answers with what is true for ever, and made anew each time.
func writeProof(w *response, kind string, body []byte) error {
	secure(w.Header())
	w.Header()["Cache-Control"] = noStore
	writeBody(w, kind, http.StatusOK, body)
	return nil
}
