package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
)

// proofType is the media type of proof files.
const proofType = "application/vnd.eventseal.proof+json"

// A proofFile is what shows to anybody, without the host, that an event was
// signed, stored and logged. The text in Log is a C2SP tlog-proof.
type proofFile struct {
	Anchor  *struct{}       `json:"anchor"` // null: there is no chain yet
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
	if s.o.Prover == nil || s.o.Receipts == nil {
		return &code.Error{Code: code.NotFound, Detail: "this host makes no proofs"}
	}
	// The reader finds events that places hold for others, too.
	e, _, err := s.o.Journal.Get(r.Context(), h)
	if err != nil {
		return err
	}
	// First, since it is the log that an event has to wait for.
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
	var file bytes.Buffer
	enc := json.NewEncoder(&file)
	enc.SetEscapeHTML(false) // so that the record keeps its bytes
	if err := enc.Encode(proofFile{Version: 1, Log: string(logged), Receipt: signed, Record: v.Record()}); err != nil {
		return err
	}
	// Nobody is given a proof that is none, and least of all one of another event
	// beside this one's receipt: that would be evidence against the host.
	report, err := s.o.Module.VerifyProof(context.WithoutCancel(r.Context()), file.Bytes(), nil)
	if err != nil {
		return fmt.Errorf("the proof that was made of event %s cannot be checked: %w", h, err)
	}
	if !report.Valid || report.Hash != h {
		return fmt.Errorf("the proof that was made of event %s does not hold: %s %v", h, report.Code, report.Parts)
	}
	return writeProof(w, proofType, file.Bytes())
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
