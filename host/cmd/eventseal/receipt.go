package main

import (
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/evidence"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
)

type verifyReceiptCommand struct {
	File    string `arg:"" optional:"" help:"The answer to a store, a line of a batch's, or the signed receipt in it (standard input)."`
	Against string `placeholder:"FILE" help:"A proof file or a tlog-proof: whether the log has the event where the receipt says. Exit status 4: it has another one there, and both files together are evidence against the host."`
	Leaf    *hash  `placeholder:"HASH" help:"The event that a tlog-proof is about; of a proof file it is in it."`
	keysFlag
}

// A receiptVerdict is what a receipt says, and what is to be thought of it.
type receiptVerdict struct {
	Valid        bool     `json:"valid"`
	Code         string   `json:"code,omitempty"`
	Pointer      string   `json:"pointer,omitempty"`
	Detail       string   `json:"detail,omitempty"`
	Keys         string   `json:"keys,omitempty"` // "valid", or "needs keys"
	Hash         string   `json:"hash,omitempty"`
	RecordDigest string   `json:"record_digest,omitempty"`
	Sequence     uint64   `json:"sequence,omitempty"`
	Durable      int      `json:"durable"`
	Required     int      `json:"required"`
	Replicas     []string `json:"replicas,omitempty"`
	Key          string   `json:"key,omitempty"`
	Log          string   `json:"log,omitempty"`
	Against      *against `json:"against,omitempty"`
}

// against is what a proof says of the receipt.
type against struct {
	Promise  evidence.Verdict `json:"promise"`
	Hash     string           `json:"hash"`     // of the event that the proof is about
	Sequence uint64           `json:"sequence"` // its number in the log
	Meaning  string           `json:"meaning"`
}

var meanings = map[evidence.Verdict]string{
	evidence.Kept:   "The log has the event where the host promised it.",
	evidence.Broken: "The host has signed that one event has this number of the log, and the log that another has: the receipt and the proof together show it to anybody.",
	evidence.Silent: "The proof is about another number of the log, and says nothing of this promise.",
}

// Run works without any host.
func (c *verifyReceiptCommand) Run(ctx context.Context, s *stdio) error {
	keys, p, err := c.open(ctx, s, nil)
	if err != nil {
		return err
	}
	defer p.Close(ctx)
	text, err := s.read(c.File, 1<<20)
	if err != nil {
		return err
	}
	out, r, err := judgeReceipt(ctx, p, text, keys)
	if err != nil {
		return err
	}
	if c.Against != "" && out.Valid {
		if out.Against, err = c.weigh(ctx, s, p, r); err != nil {
			return err
		}
	}
	if err := s.document(out); err != nil {
		return err
	}
	switch {
	case !out.Valid:
		return errNo
	case out.Against == nil, out.Against.Promise == evidence.Kept:
		return nil
	case out.Against.Promise == evidence.Broken:
		return saidError(statusBroken)
	}
	return errNo
}

// judgeReceipt verifies the receipt in text, and, where keys are named, whose it is.
func judgeReceipt(ctx context.Context, p *module.Pool, text []byte, keys string) (out receiptVerdict, r module.Receipt, err error) {
	signed, err := client.SignedReceipt(text)
	if err == nil {
		r, err = p.VerifyReceipt(ctx, signed)
	}
	if err == nil {
		out = receiptVerdict{
			Valid: true, Keys: "needs keys", Hash: r.Hash.String(), RecordDigest: r.RecordDigest.String(), Sequence: r.Sequence,
			Durable: r.Durable, Required: r.Required, Replicas: r.Replicas, Key: r.Key, Log: r.Log,
		}
		if keys != "" {
			var t *checkpoint.Trust
			if t, err = checkpoint.ParseTrust(keys); err != nil {
				return out, r, err // it was read before
			}
			out.Keys, err = "valid", evidence.Believe(t, r)
		}
	}
	var refusal *code.Error
	if err != nil && !errors.As(err, &refusal) {
		return out, r, err
	}
	if refusal != nil {
		v := refused(refusal)
		out.Valid, out.Keys, out.Code, out.Pointer, out.Detail = false, "", v.Code, v.Pointer, v.Detail
	}
	return out, r, nil
}

// weigh holds the proof against the receipt.
func (c *verifyReceiptCommand) weigh(ctx context.Context, s *stdio, p *module.Pool, r module.Receipt) (*against, error) {
	text, err := s.read(c.Against, module.MaxRecordBytes+64<<10)
	if err != nil {
		return nil, err
	}
	proof, leaf, err := evidence.ReadProof(ctx, p, append(text, '\n')) // a note ends with one
	if err != nil {
		return nil, err
	}
	switch {
	case leaf == nil && c.Leaf == nil:
		return nil, usage("--leaf: a tlog-proof does not name the event that it is about")
	case leaf == nil:
		leaf = &c.Leaf.Hash
	case c.Leaf != nil:
		return nil, usage("--leaf: the proof file has the event in it")
	}
	verdict, err := evidence.Weigh(r, proof, *leaf)
	if err != nil {
		return nil, err
	}
	return &against{Promise: verdict, Hash: leaf.String(), Sequence: proof.Index + 1, Meaning: meanings[verdict]}, nil
}
