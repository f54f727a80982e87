// Package merkle checks inclusion proofs of RFC 9162 Merkle trees, whose
// leaves are events: the data of a leaf are the 32 bytes of an event's hash.
package merkle

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Leaf returns the hash of an event's leaf: SHA-256(0x00 ‖ event hash), RFC
// 9162 section 2.1.1.
func Leaf(event *digest.Hash) digest.Hash {
	var data [1 + digest.Size]byte
	copy(data[1:], event[:])
	return digest.SHA256(data[:])
}

// Node returns the hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
func Node(left, right *digest.Hash) digest.Hash {
	var data [1 + 2*digest.Size]byte
	data[0] = 1
	copy(data[1:], left[:])
	copy(data[1+digest.Size:], right[:])
	return digest.SHA256(data[:])
}

// Verify returns OK if the event is leaf index (from 0) of the tree of size
// leaves whose root is root, and path, the concatenated hashes from the leaf's
// sibling upwards, proves it (RFC 9162 section 2.1.3.2). Anything else is
// InvalidProof.
func Verify(event *digest.Hash, index, size uint64, path []byte, root *digest.Hash) code.Code {
	if index >= size || len(path)%digest.Size != 0 {
		return code.InvalidProof
	}
	at, last := index, size-1
	r := Leaf(event)
	for ; len(path) > 0; path = path[digest.Size:] {
		if last == 0 {
			return code.InvalidProof
		}
		p := (*digest.Hash)(path)
		if at&1 == 1 || at == last {
			r = Node(p, &r)
			for at&1 == 0 && at != 0 {
				at >>= 1
				last >>= 1
			}
		} else {
			r = Node(&r, p)
		}
		at >>= 1
		last >>= 1
	}
	if last != 0 || r != *root {
		return code.InvalidProof
	}
	return code.OK
}
