package module

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A ProofReport says of each part of a proof file what was found. What could
// not be read for a fault is zero.
type ProofReport struct {
	Valid bool   // nothing that there is is wrong
	Code  string // of the first fault; empty where Valid
	// Parts has a word, or the code of a fault, for each of anchor,
	// checkpoint, cosignatures, keys, path, receipt and record.
	Parts map[string]string

	Hash       digest.Hash // of the event
	Type       string
	Author     string
	Sequence   uint64 // the event is leaf Sequence − 1 of the log
	AdmittedAt time.Time
	Key        string // PUB_K1_… that signed the receipt and the checkpoint
	Log        string // verifier key of the log, name+ID+key
	Origin     string // the name of that key
	Size       uint64 // of the tree that the checkpoint is the head of
	Witnesses  int    // that are known and have cosigned it

	Anchor *ProofAnchor `json:"-"` // where Parts["anchor"] is "needs chain", else nil

	JSON []byte `json:"-"` // the report as the module wrote it, in canonical form
}

// A ProofAnchor is what a proof file says of a chain and is held to by nothing
// but the chain: that the contract has the head of number Seq since Time, and that
// the block has the transaction that put it there.
type ProofAnchor struct {
	ChainID       digest.Hash
	Contract      string
	Seq           uint64 // heads are counted from 1
	Size          uint64 // of the tree; ProofReport.Size is that of the checkpoint
	Time          time.Time
	BlockNum      uint32
	BlockID       digest.Hash
	TransactionID digest.Hash
}

// A proofAnchor is one as the module writes it.
type proofAnchor struct {
	BlockID       hexHash `json:"block_id"`
	BlockNum      uint32  `json:"block_num"`
	ChainID       hexHash `json:"chain_id"`
	Contract      string  `json:"contract"`
	Seq           uint64  `json:"seq"`
	Size          uint64  `json:"size"`
	Time          string  `json:"time"`
	TransactionID hexHash `json:"transaction_id"`
}

func (a *proofAnchor) parse() (*ProofAnchor, error) {
	at, err := time.Parse("2006-01-02T15:04:05.000", a.Time)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return &ProofAnchor{ChainID: digest.Hash(a.ChainID), Contract: a.Contract, Seq: a.Seq, Size: a.Size, Time: at,
		BlockNum: a.BlockNum, BlockID: digest.Hash(a.BlockID), TransactionID: digest.Hash(a.TransactionID)}, nil
}

// VerifyProof checks a proof file, in any JSON spelling, offline. trust names
// the keys and the witnesses that are relied on, see wasm/ABI.md; without any
// the report tells whose keys they are, and Parts["keys"] is "needs keys". A
// *code.Error says that the file could not be taken apart, or that a line of
// trust is wrong; every other fault is in the report.
func (p *Pool) VerifyProof(ctx context.Context, proof, trust []byte) (r ProofReport, err error) {
	b, err := do(ctx, p, func(ctx context.Context, in *instance, input []byte) ([]byte, error) {
		n, err := in.put(ctx, input)
		if err != nil {
			return nil, err
		}
		b, err := in.result(ctx, "verify_proof", n, uint32(p.config.MaxEvent))
		var refused *code.Error
		if errors.As(err, &refused) && len(b) > 0 && b[0] == '{' {
			err = nil
		}
		return bytes.Clone(b), err
	}, length(trust), trust, proof)
	if err != nil {
		return r, err
	}
	var report struct {
		ProofReport
		Hash       hexHash      `json:"hash"`
		AdmittedAt int64        `json:"admitted_at"`
		Anchor     *proofAnchor `json:"anchor"`
	}
	if err := json.Unmarshal(b, &report); err != nil {
		return r, fmt.Errorf("%w: %w", errMalformed, err)
	}
	r = report.ProofReport
	r.Hash, r.JSON = digest.Hash(report.Hash), b
	if report.AdmittedAt > 0 {
		r.AdmittedAt = time.UnixMilli(report.AdmittedAt).UTC()
	}
	if report.Anchor != nil {
		if r.Anchor, err = report.Anchor.parse(); err != nil {
			return ProofReport{}, err
		}
	}
	return r, nil
}
