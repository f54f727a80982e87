package log

import (
	"crypto/sha256"

	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A tree is the right edge of an RFC 9162 tree: what it takes to append leaves
// and to say the root. The zero tree is empty.
type tree struct {
	size uint64
	last []digest.Hash   // the entries of the bundle that is not full
	edge [][]digest.Hash // by level: the hashes of the tile that is not full
}

// A sheet is a tile, or at level 0 a tile and the bundle of its entries.
type sheet struct {
	name    tile.Name
	hashes  []digest.Hash
	entries []digest.Hash // of level 0
}

func leafHash(h digest.Hash) digest.Hash {
	var b [1 + digest.Size]byte
	copy(b[1:], h[:])
	return sha256.Sum256(b[:])
}

func nodeHash(left, right digest.Hash) digest.Hash {
	b := [1 + 2*digest.Size]byte{1}
	copy(b[1:], left[:])
	copy(b[1+digest.Size:], right[:])
	return sha256.Sum256(b[:])
}

// subtree returns the root over 1, 2, 4, … or 256 nodes of one height.
func subtree(hs []digest.Hash) digest.Hash {
	if len(hs) == 1 {
		return hs[0]
	}
	var row [tile.Width / 2]digest.Hash
	n := len(hs) / 2
	for i := range n {
		row[i] = nodeHash(hs[2*i], hs[2*i+1])
	}
	for ; n > 1; n /= 2 {
		for i := range n / 2 {
			row[i] = nodeHash(row[2*i], row[2*i+1])
		}
	}
	return row[0]
}

func (t *tree) clone() *tree {
	c := &tree{size: t.size, last: append([]digest.Hash(nil), t.last...)}
	for _, hs := range t.edge {
		c.edge = append(c.edge, append([]digest.Hash(nil), hs...))
	}
	return c
}

// append adds a leaf. full, where it is not nil, is given each tile that became
// full, the lowest first, as its own.
func (t *tree) append(entry digest.Hash, full func(sheet)) {
	t.last = append(t.last, entry)
	h := leafHash(entry)
	for level := 0; ; level++ {
		if level == len(t.edge) {
			t.edge = append(t.edge, make([]digest.Hash, 0, tile.Width))
		}
		t.edge[level] = append(t.edge[level], h)
		if len(t.edge[level]) < tile.Width {
			break
		}
		h = subtree(t.edge[level])
		if full == nil {
			t.edge[level] = t.edge[level][:0]
			continue
		}
		s := sheet{name: tile.Name{Level: level, Number: t.size >> (8 * (level + 1)), Width: tile.Width}, hashes: t.edge[level]}
		if level == 0 {
			s.entries, t.last = t.last, nil
		}
		full(s)
		t.edge[level] = make([]digest.Hash, 0, tile.Width)
	}
	if len(t.edge[0]) == 0 {
		t.last = t.last[:0]
	}
	t.size++
}

// extend adds leaves and returns the sheets that are other ones afterwards, the
// lowest levels first.
func (t *tree) extend(entries []digest.Hash) (changed []sheet) {
	before := t.size
	var levels [][]sheet
	for _, e := range entries {
		t.append(e, func(s sheet) {
			if s.name.Level == len(levels) {
				levels = append(levels, nil)
			}
			levels[s.name.Level] = append(levels[s.name.Level], s)
		})
	}
	for _, p := range t.partial() {
		if before>>(8*p.name.Level) == t.size>>(8*p.name.Level) {
			continue
		}
		for p.name.Level >= len(levels) {
			levels = append(levels, nil)
		}
		levels[p.name.Level] = append(levels[p.name.Level], p)
	}
	for _, l := range levels {
		changed = append(changed, l...)
	}
	return changed
}

// partial returns copies of the sheets that are not full.
func (t *tree) partial() (ps []sheet) {
	for level, hs := range t.edge {
		if len(hs) == 0 {
			continue
		}
		s := sheet{name: tile.Name{Level: level, Number: t.size >> (8 * (level + 1)), Width: len(hs)}, hashes: append([]digest.Hash(nil), hs...)}
		if level == 0 {
			s.entries = append([]digest.Hash(nil), t.last...)
		}
		ps = append(ps, s)
	}
	return ps
}

// root returns the root of the tree.
func (t *tree) root() (root digest.Hash) {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	first := true
	for _, hs := range t.edge {
		for end, n := len(hs), 1; end > 0; n *= 2 {
			if end&n == 0 {
				continue
			}
			left := subtree(hs[end-n : end])
			end -= n
			if first {
				root, first = left, false
			} else {
				root = nodeHash(left, root)
			}
		}
	}
	return root
}

// A span is the leaves lo … hi-1 where RFC 9162 names their hash, MTH(D[lo:hi]).
type span struct{ lo, hi uint64 }

// split returns the largest power of two that is smaller than n, which is at least 2.
func split(n uint64) uint64 {
	k := uint64(1)
	for k<<1 < n && k<<1 != 0 {
		k <<= 1
	}
	return k
}

// inclusion returns the spans whose hashes are the path of a leaf (RFC 9162
// §2.1.3.1), from the leaf's sibling upwards.
func inclusion(index, size uint64) (path []span) {
	lo, hi := uint64(0), size
	for hi-lo > 1 {
		k := lo + split(hi-lo)
		if index < k {
			path, hi = append(path, span{k, hi}), k
		} else {
			path, lo = append(path, span{lo, k}), k
		}
	}
	return upwards(path)
}

// consistency returns the spans whose hashes are the proof that a tree is the
// beginning of another (RFC 9162 §2.1.4.1); none where the old one is empty, or
// is the other one.
func consistency(old, size uint64) (proof []span) {
	if old == 0 || old >= size {
		return nil
	}
	lo, hi := uint64(0), size
	for old != hi {
		k := lo + split(hi-lo)
		if old <= k {
			proof, hi = append(proof, span{k, hi}), k
		} else {
			proof, lo = append(proof, span{lo, k}), k
		}
	}
	if lo > 0 {
		proof = append(proof, span{lo, hi})
	}
	return upwards(proof)
}

func upwards(down []span) []span {
	for i, j := 0, len(down)-1; i < j; i, j = i+1, j-1 {
		down[i], down[j] = down[j], down[i]
	}
	return down
}
