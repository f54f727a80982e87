package main

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/proof"
)

var proofs proof.Verifier

// verify_proof(size, max_bytes): a trust text as a field, then a proof file →
// a report, also where the code is not 0 if the file could be taken apart.
//
//go:wasmexport verify_proof
func exportVerifyProof(size, maxBytes uint32) uint32 {
	limit(maxBytes)
	found.Record = nil
	proofs.Parser = &parser // here, so that the file has no room for the rest of it
	r := reader{rest: taken(size)}
	trust := r.field()
	if r.bad {
		return answer(code.InvalidArgument, nil)
	}
	report, c := proofs.Verify(r.rest, trust)
	if report == nil {
		return answer(c, proofs.Pointer())
	}
	return answer(c, report)
}
