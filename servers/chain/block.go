package chain

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// A block is one of a branch. It never changes but for state, which is dropped
// when nothing can return to it, and prev, which is when nobody asks for it any more.
type block struct {
	num      uint32
	slot     uint32
	id       [32]byte
	previous [32]byte
	producer name
	trxRoot  [32]byte
	actRoot  [32]byte
	done     []done
	state    *state // after it
	prev     *block
}

// A done is a transaction in a block.
type done struct {
	tx       *signed
	cpu, net int64
	ram      int64
}

// newBlock makes the block after prev, whose id follows from what is in it.
func newBlock(prev *block, slot uint32, producer name, list []done, actions []acted, st state) *block {
	b := &block{num: 1, slot: slot, producer: producer, done: list, state: &st, prev: prev}
	if prev != nil {
		b.num, b.previous = prev.num+1, prev.id
	}
	var trx, act [][32]byte
	for _, d := range list {
		trx = append(trx, d.digest())
	}
	for _, a := range actions {
		act = append(act, a.digest())
	}
	b.trxRoot, b.actRoot = merkle(trx), merkle(act)
	b.id = sha256.Sum256(b.header())
	binary.BigEndian.PutUint32(b.id[:], b.num)
	return b
}

// header is the packed block_header (block_header.hpp): no new producers, no extensions.
func (b *block) header() []byte {
	h := binary.LittleEndian.AppendUint32(nil, b.slot)
	h = binary.LittleEndian.AppendUint64(h, uint64(b.producer))
	h = binary.LittleEndian.AppendUint16(h, 0) // confirmed
	h = append(h, b.previous[:]...)
	h = append(h, b.trxRoot[:]...)
	h = append(h, b.actRoot[:]...)
	h = binary.LittleEndian.AppendUint32(h, 0) // schedule_version
	return append(h, 0, 0)
}

// prefix is what a transaction that refers to the block has of its id.
func (b *block) prefix() uint32 { return binary.LittleEndian.Uint32(b.id[8:]) }

// digest is transaction_receipt::digest of block.hpp.
func (d *done) digest() [32]byte {
	sigs := binary.AppendUvarint(nil, uint64(len(d.tx.sigs)))
	for _, s := range d.tx.sigs {
		sigs = append(append(sigs, 0), s...)
	}
	prunable := sha256.Sum256(append(sigs, 0)) // no context-free data
	packed := []byte{compressions[d.tx.compression]}
	packed = binary.AppendUvarint(packed, uint64(len(d.tx.sent)))
	packed = append(append(packed, d.tx.sent...), prunable[:]...)
	digest := sha256.Sum256(packed)

	r := []byte{0} // executed
	r = binary.LittleEndian.AppendUint32(r, uint32(d.cpu))
	r = binary.AppendUvarint(r, uint64(d.net/8))
	return sha256.Sum256(append(r, digest[:]...))
}

// actors are who authorized an action, ascending.
func (a *acted) actors() []name {
	var list []name
	for _, p := range a.action.auth {
		list = append(list, p.Actor)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// digest is action_receipt::digest of action_receipt.hpp.
func (a *acted) digest() [32]byte {
	r := binary.LittleEndian.AppendUint64(nil, uint64(a.action.account))
	r = append(r, a.receipt.digest[:]...)
	r = binary.LittleEndian.AppendUint64(r, a.receipt.global)
	r = binary.LittleEndian.AppendUint64(r, a.receipt.received)
	actors := a.actors()
	r = binary.AppendUvarint(r, uint64(len(actors)))
	for _, actor := range actors {
		r = binary.LittleEndian.AppendUint64(r, uint64(actor))
		r = binary.LittleEndian.AppendUint64(r, a.receipt.auth)
	}
	r = binary.AppendUvarint(r, a.receipt.code)
	r = binary.AppendUvarint(r, a.receipt.code)
	return sha256.Sum256(r)
}

// merkle is the root of merkle.cpp: the side that a digest is on is in its
// first bit, and an odd one stands beside itself.
func merkle(ids [][32]byte) [32]byte {
	if len(ids) == 0 {
		return [32]byte{}
	}
	for len(ids) > 1 {
		if len(ids)%2 == 1 {
			ids = append(ids, ids[len(ids)-1])
		}
		for i := range len(ids) / 2 {
			l, r := ids[2*i], ids[2*i+1]
			l[0] &= 0x7f
			r[0] |= 0x80
			ids[i] = sha256.Sum256(append(l[:], r[:]...))
		}
		ids = ids[:len(ids)/2]
	}
	return ids[0]
}
