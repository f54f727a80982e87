package client

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/eventseal/eventseal/host/evidence"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Notary checks what hosts sign; *module.Pool is one.
type Notary interface {
	Hash(ctx context.Context, event []byte) (preimage []byte, h digest.Hash, err error)
	Canonicalize(ctx context.Context, text []byte) ([]byte, error)
	VerifyReceipt(ctx context.Context, receipt []byte) (module.Receipt, error)
	VerifyProof(ctx context.Context, proof, trust []byte) (module.ProofReport, error)
}

// attest returns nil where the answer to a store has a receipt of the host that
// is known, for the event that was stored and what the answer says of it. Where
// no host is known it is not looked at.
//
// An event that was stored before may have another valid signature there than
// the one that was sent, and then the receipt names the record that is kept.
func (cl *Client) attest(ctx context.Context, wait string, event []byte, r *Receipt) error {
	if cl.trust == nil {
		return nil
	}
	fail := func(err error) error {
		return &Error{Server: cl.base.Host, Err: fmt.Errorf("the answer to a store of event %s: %w", r.Hash, err), passing: passing(err)}
	}
	if len(r.Signed) == 0 {
		why, ok := code.Parse(r.Unsigned)
		if !ok {
			return fail(errors.New("it is stored, but the host signs no receipts"))
		}
		return fail(&Error{Err: &code.Error{Code: why, Detail: "it is stored, but the host has not signed the receipt"}, passing: passingCode(why), Server: cl.base.Host})
	}
	signed, err := cl.o.Notary.VerifyReceipt(ctx, r.Signed)
	if err != nil {
		return fail(fmt.Errorf("its receipt: %w", err))
	}
	if err := evidence.Believe(cl.trust, signed); err != nil {
		return fail(err)
	}
	_, h, err := cl.o.Notary.Hash(ctx, event)
	if err != nil {
		return fail(err)
	}
	wrong := func(member, format string, args ...any) error {
		return fail(&code.Error{Code: code.ProofMismatch, Pointer: "/signed/" + member, Detail: fmt.Sprintf(format, args...)})
	}
	switch {
	case signed.Hash != h || r.Hash != h.String():
		return wrong("hash", "what was stored is %s, and the receipt is for %s", h, signed.Hash)
	case signed.Sequence != r.Sequence:
		return wrong("sequence", "the answer says %d, and the receipt %d", r.Sequence, signed.Sequence)
	case signed.Durable != r.Durable || signed.Required != r.Required:
		return wrong("durable", "the answer says %d of %d, and the receipt %d of %d", r.Durable, r.Required, signed.Durable, signed.Required)
	case wait != WaitJournal && signed.Durable < signed.Required:
		return wrong("durable", "the answer is for %d replicas of %d", signed.Durable, signed.Required)
	}
	if r.Created {
		record, err := cl.o.Notary.Canonicalize(ctx, event)
		if err != nil {
			return fail(err)
		}
		if signed.RecordDigest != sha256.Sum256(record) {
			return wrong("record_digest", "the receipt is for another record of the event")
		}
	}
	return nil
}

// SignedReceipt returns the signed receipt that is in the answer to a store or in
// a line of one to a batch, or that text is itself.
func SignedReceipt(text []byte) (json.RawMessage, error) {
	var answer struct {
		Signed   json.RawMessage `json:"signed"`
		Unsigned string          `json:"unsigned"`
		Version  json.RawMessage `json:"eventseal_receipt"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, &code.Error{Code: code.InvalidJSON, Detail: err.Error()}
	}
	switch {
	case answer.Version != nil:
		return text, nil
	case answer.Signed != nil:
		return answer.Signed, nil
	case answer.Unsigned != "":
		return nil, &code.Error{Code: code.InvalidReceipt, Detail: fmt.Sprintf("the host did not sign it: %.40q", answer.Unsigned)}
	}
	return nil, &code.Error{Code: code.InvalidReceipt, Detail: "neither a signed receipt nor an answer with one"}
}
