// Package merkle checks proofs of RFC 9162 Merkle trees: that a leaf is in one,
// and that one is the beginning of another. The leaves are events: the data of a
// leaf are the 32 bytes of an event's hash.
package merkle

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// leaf sets dst to the hash of an event's leaf: SHA-256(0x00 ‖ event hash), RFC
// 9162 section 2.1.1.
func leaf(dst, event *digest.Hash) {
	var s digest.State
	s.Reset()
	s.Write(prefixes[:1])
	s.Write(event[:])
	s.Sum(dst)
}

// node sets dst to the hash of an inner node: SHA-256(0x01 ‖ left ‖ right).
//
//go:noinline
func node(dst, left, right *digest.Hash) {
	var s digest.State
	s.Reset()
	s.Write(prefixes[1:])
	s.Write(left[:])
	s.Write(right[:])
	s.Sum(dst)
}

var prefixes = [2]byte{0, 1}

// Verify returns OK if the event is leaf index (from 0) of the tree of size
// leaves whose root is root, and path, the concatenated hashes from the leaf's
// sibling upwards, proves it (RFC 9162 section 2.1.3.2). Anything else is
// InvalidProof.
func Verify(event *digest.Hash, index, size uint64, path []byte, root *digest.Hash) code.Code {
	var r digest.Hash
	leaf(&r, event)
	if index >= size || !climb(index, size-1, path, nil, &r) || !digest.Equal(r[:], root[:]) {
		return code.InvalidProof
	}
	return code.OK
}

// Consistent returns OK if the tree of first leaves with the root firstRoot is
// the beginning of the larger one of second leaves with the root secondRoot, as
// path proves (RFC 9162 section 2.1.4.2). Anything else is InvalidProof.
func Consistent(first, second uint64, path []byte, firstRoot, secondRoot *digest.Hash) code.Code {
	at, last := first-1, second-1
	for at&1 == 1 {
		at >>= 1
		last >>= 1
	}
	from := firstRoot
	if at != 0 { // the first tree is not whole, and no node of the second
		if len(path) < digest.Size {
			return code.InvalidProof
		}
		from, path = (*digest.Hash)(path), path[digest.Size:]
	}
	var a, b digest.Hash
	copy(a[:], from[:])
	copy(b[:], from[:])
	if first == 0 || first >= second || !climb(at, last, path, &a, &b) || !digest.Equal(a[:], firstRoot[:]) || !digest.Equal(b[:], secondRoot[:]) {
		return code.InvalidProof
	}
	return code.OK
}

// climb goes from a node, the at-th of its level whose last is last, to the
// root along path. r becomes that of the whole tree, and first, if there is
// one, that of the tree which ends with the node. It returns false if the path
// has another length.
//
//go:noinline
func climb(at, last uint64, path []byte, first, r *digest.Hash) bool {
	for ; len(path) > 0; path = path[digest.Size:] {
		if last == 0 || len(path) < digest.Size {
			return false
		}
		p := (*digest.Hash)(path)
		if at&1 == 1 || at == last {
			if first != nil {
				node(first, p, first)
			}
			node(r, p, r)
			for at&1 == 0 && at != 0 {
				at >>= 1
				last >>= 1
			}
		} else {
			node(r, r, p)
		}
		at >>= 1
		last >>= 1
	}
	return last == 0
}
