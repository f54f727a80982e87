// Package receipt makes the signed receipt: the host's word, under its key, that
// so many places hold an event, and that it has its number in the log. Who keeps
// one can show later that the host gave it.
package receipt

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/eventseal/eventseal/host/intake"
)

// A Module signs; *module.Pool is one.
type Module interface {
	SignReceipt(ctx context.Context, receipt, private []byte) ([]byte, error)
}

// A Log is what the numbers are of.
type Log interface {
	// Key returns the verifier key (C2SP vkey) under which the log is published.
	Key() string
	// Vouch returns nil while a new event's sequence number is its place in that
	// log. Otherwise nothing must be signed that names both: it would be evidence
	// against a host that has done nothing wrong.
	Vouch(ctx context.Context) error
}

// A Signer makes signed receipts. It is safe for concurrent use.
type Signer struct {
	module  Module
	log     Log
	private []byte
}

// NewSigner returns a Signer with a private key of curve K1, text in any of its
// forms, which it keeps.
func NewSigner(m Module, l Log, private []byte) *Signer {
	return &Signer{module: m, log: l, private: private}
}

// A statement is what is signed. Its canonical form (RFC 8785) has the members
// in the order of their names.
type statement struct {
	AdmittedAt   int64    `json:"admitted_at"` // Unix milliseconds
	Durable      int      `json:"durable"`
	Version      int      `json:"eventseal_receipt"`
	Hash         string   `json:"hash"`
	Log          string   `json:"log"`
	RecordDigest string   `json:"record_digest"`
	Replicas     []string `json:"replicas"` // as many as durable, sorted
	Required     int      `json:"required"`
	Sequence     uint64   `json:"sequence"`
}

// Sign returns the signed receipt, in canonical form. Errors: those of Vouch, and
// the module's.
func (s *Signer) Sign(ctx context.Context, r intake.Receipt) (json.RawMessage, error) {
	if err := s.log.Vouch(ctx); err != nil {
		return nil, err
	}
	replicas := append([]string{}, r.Holders...)
	slices.Sort(replicas)
	text, err := json.Marshal(statement{
		AdmittedAt: r.AdmittedAt.UnixMilli(), Durable: r.Durable, Version: 1, Hash: r.Hash.String(), Log: s.log.Key(),
		RecordDigest: r.RecordDigest.String(), Replicas: replicas, Required: r.Required, Sequence: r.Sequence,
	})
	if err != nil {
		return nil, err
	}
	return s.module.SignReceipt(ctx, text, s.private)
}
