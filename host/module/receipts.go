package module

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A Receipt is what a host signed: that it admitted an event, and where it was
// when the host said so.
type Receipt struct {
	Hash         digest.Hash
	RecordDigest digest.Hash // SHA-256 of the record
	Sequence     uint64      // the event is leaf Sequence − 1 of the log
	AdmittedAt   time.Time
	Durable      int      // how many counting replicas held the event
	Required     int      // how many of them the host asks for
	Replicas     []string // the names of those that held it
	Log          string   // verifier key of the log, name+ID+key
	Origin       string   // the name of that key
	Key          string   // PUB_K1_… that signed it: whose it is, is for the caller to know

	JSON []byte `json:"-"` // all this as the module wrote it, in canonical form
}

// SignReceipt signs a receipt without sig, in any JSON spelling, with a K1 key;
// the answer is its canonical form with sig. A refusal is a *code.Error.
func (p *Pool) SignReceipt(ctx context.Context, receipt, private []byte) ([]byte, error) {
	return p.ask(ctx, "sign_receipt", length(private), private, receipt)
}

// VerifyReceipt reads a signed receipt in any JSON spelling and finds the key
// that signed it. Another key than the host's means that the host did not
// sign it. A refusal is a *code.Error.
func (p *Pool) VerifyReceipt(ctx context.Context, receipt []byte) (r Receipt, err error) {
	b, err := p.ask(ctx, "verify_receipt", receipt)
	if err != nil {
		return r, err
	}
	var report struct {
		Receipt
		Hash         hexHash `json:"hash"`
		RecordDigest hexHash `json:"record_digest"`
		AdmittedAt   int64   `json:"admitted_at"`
	}
	if err := json.Unmarshal(b, &report); err != nil {
		return r, fmt.Errorf("%w: %w", errMalformed, err)
	}
	r = report.Receipt
	r.JSON = b
	r.Hash, r.RecordDigest = digest.Hash(report.Hash), digest.Hash(report.RecordDigest)
	r.AdmittedAt = time.UnixMilli(report.AdmittedAt).UTC()
	return r, nil
}

// A hexHash is a hash in its text form.
type hexHash digest.Hash

func (h *hexHash) UnmarshalText(text []byte) error {
	parsed, ok := digest.ParseHash(text)
	if !ok {
		return errMalformed
	}
	*h = hexHash(parsed)
	return nil
}
