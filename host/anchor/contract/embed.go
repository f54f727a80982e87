// Package contract holds the contract that keeps a log's anchors on a chain,
// as it is deployed. Its source is in the folder source; docs/anchor.md says
// how it gets onto a chain and what it costs there.
//
// It has two actions, which only the contract's own account may authorize,
// through whatever permission it links to them. All numbers are
// little-endian, and data of another length are refused.
//
//	post(seq uint64, size uint64, root checksum256)    48 bytes
//	event(seq uint64, code uint32, hash checksum256)   44 bytes
//
// Each of the two counts for itself, from 1 and without gaps; size has to be
// larger than that of the head before. What was done is a row of the table
// heads or events, of code and scope the account itself, under the primary key
// seq: the data, and then the slot of the block (uint32, half seconds since
// 2000 began). A table keeps its last 1,024 rows.
package contract

import (
	_ "embed"
	"strings"
)

// Wasm is anchor.wasm. It must not be changed.
//
//go:embed anchor.wasm
var Wasm []byte

// ABI is anchor.abi, JSON of the version eosio::abi/1.1. It must not be
// changed.
//
//go:embed anchor.abi
var ABI []byte

//go:embed anchor.wasm.sha256
var sum string

// Digest is the SHA-256 of Wasm in lower-case hex: what a chain calls its code
// hash.
var Digest = strings.Fields(sum)[0]
