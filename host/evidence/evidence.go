// Package evidence says what a signed receipt is worth to who kept it: whose it
// is, and whether the log that it names kept its promise.
package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Believe refuses a receipt that is not by a host in t with code.UntrustedKey, or
// where t names logs not of one of them. A host must be named: anybody can sign a
// receipt that names somebody else's log.
func Believe(t *checkpoint.Trust, r module.Receipt) error {
	untrusted := func(format string, args ...any) error {
		return &code.Error{Code: code.UntrustedKey, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case len(t.Hosts) == 0:
		return untrusted("the keys name no host (PUB_K1_…), and a receipt is a host's")
	case !slices.Contains(t.Hosts, r.Key):
		return untrusted("the receipt is signed by %s", r.Key)
	case len(t.Logs) > 0 && !slices.ContainsFunc(t.Logs, func(k checkpoint.Key) bool { return k.String() == r.Log }):
		return untrusted("the receipt is of log %s", r.Log)
	}
	return nil
}

// A Verdict is what a proof says of a receipt's promise.
type Verdict string

const (
	Kept   Verdict = "kept"   // the log has the event where the receipt says
	Broken Verdict = "broken" // it has another one there: both together are evidence against the host
	Silent Verdict = "silent" // the proof is about another number
)

// Weigh holds a proof against a receipt that verified: p shows that leaf is an
// event of a log. It is refused where that is not the receipt's log
// (InvalidCheckpoint, ProofMismatch), or p does not show it (InvalidProof).
//
// Broken is evidence that needs nobody's word: the host's key has signed that the
// event is leaf Sequence − 1 of the log, and the key of the log, which the receipt
// names, that another event is.
func Weigh(r module.Receipt, p checkpoint.Proof, leaf digest.Hash) (Verdict, error) {
	key, err := checkpoint.ParseKey(r.Log)
	if err != nil || key.Kind != checkpoint.Ed25519 {
		return "", &code.Error{Code: code.InvalidReceipt, Pointer: "/log"}
	}
	c, _, err := checkpoint.Open(p.Note, key.Verifier())
	switch {
	case err != nil:
		return "", &code.Error{Code: code.InvalidCheckpoint, Detail: "it is not signed by the receipt's log: " + err.Error()}
	case c.Origin != key.Name:
		return "", &code.Error{Code: code.ProofMismatch, Detail: fmt.Sprintf("the proof is of log %s, and the receipt of %s", c.Origin, key.Name)}
	case !p.Leads(leaf, c):
		return "", &code.Error{Code: code.InvalidProof, Detail: fmt.Sprintf("it does not show that %s is event %d of the log", leaf, p.Index+1)}
	case p.Index+1 != r.Sequence:
		return Silent, nil
	case leaf == r.Hash:
		return Kept, nil
	}
	return Broken, nil
}

// A Namer names events; *module.Pool is one.
type Namer interface {
	Hash(ctx context.Context, event []byte) (preimage []byte, h digest.Hash, err error)
}

// ReadProof reads a proof file, and then leaf is its record's hash, or a
// tlog-proof alone, and then leaf is nil: that text does not name what it is about.
func ReadProof(ctx context.Context, n Namer, text []byte) (p checkpoint.Proof, leaf *digest.Hash, err error) {
	if trimmed := bytes.TrimSpace(text); len(trimmed) == 0 || trimmed[0] != '{' {
		if p, err = checkpoint.ParseProof(text); err != nil {
			err = &code.Error{Code: code.InvalidProof, Detail: "neither a proof file nor a tlog-proof"}
		}
		return p, nil, err
	}
	var file struct {
		Log    string
		Record json.RawMessage
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return p, nil, &code.Error{Code: code.InvalidJSON}
	}
	if p, err = checkpoint.ParseProof([]byte(file.Log)); err != nil {
		return p, nil, &code.Error{Code: code.InvalidProof, Pointer: "/log"}
	}
	_, h, err := n.Hash(ctx, file.Record)
	if err != nil {
		return p, nil, fmt.Errorf("the proof's record: %w", err)
	}
	return p, &h, nil
}
