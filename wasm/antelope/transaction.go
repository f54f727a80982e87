package antelope

import "github.com/eventseal/eventseal/wasm/digest"

// postAction is the name of the action that puts a head on a chain: post.
const postAction = 0xad31900000000000

// A Post is an action of the anchor contract that puts the head of a log on a
// chain.
type Post struct {
	Contract uint64 // the account's name
	Seq      uint64 // heads are counted from 1
	Size     uint64 // of the tree
	Root     digest.Hash
}

// packed returns the action's account, its name and its data.
func (p *Post) packed(b *[16 + 48]byte) {
	for i, n := range [...]uint64{p.Contract, postAction, p.Seq, p.Size} {
		for j := range 8 {
			b[8*i+j] = byte(n)
			n >>= 8
		}
	}
	copy(b[32:], p.Root[:])
}

// Unpack reads a packed transaction, without its signatures, and returns when
// it expires, in Unix seconds, and whether p is one of its actions, authorized
// by a permission of the contract's own. ok is false for what is no transaction,
// has something behind it, or is not packed in the shortest way: only then is
// its SHA-256 what the chain calls it.
//
//go:noinline
func (p *Post) Unpack(packed []byte) (expires uint32, posts, ok bool) {
	var want [64]byte
	p.packed(&want)
	r := reader{rest: packed}
	// The expiration, and 6 bytes of the block that it builds on.
	for i, b := range r.bytes(4 + 2 + 4) {
		if i < 4 {
			expires |= uint32(b) << (8 * i)
		}
	}
	r.uint()   // at most so many words of bandwidth
	r.bytes(1) // at most so many milliseconds
	r.uint()   // delay
	for _, inContext := range [...]bool{false, true} {
		for n := r.uint(); n > 0 && !r.bad; n-- {
			action := r.bytes(16)
			authorized := false
			for m := r.uint(); m > 0 && !r.bad; m-- {
				authorized = digest.Equal(r.bytes(8), want[:8]) || authorized
				r.bytes(8)
			}
			data := r.bytes(r.uint())
			if inContext && authorized && digest.Equal(action, want[:16]) && digest.Equal(data, want[16:]) {
				posts = true
			}
		}
	}
	for n := r.uint(); n > 0 && !r.bad; n-- {
		r.bytes(2)
		r.bytes(r.uint())
	}
	return expires, posts, !r.bad && len(r.rest) == 0
}

// A reader takes packed bytes apart. Once something is missing, bad stays true.
type reader struct {
	rest []byte
	bad  bool
}

//go:noinline
func (r *reader) bytes(n uint32) []byte {
	if uint64(n) > uint64(len(r.rest)) {
		r.rest, r.bad = nil, true
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// uint reads a varuint32: seven bits a byte, the lowest first, no more bytes
// than it takes.
//
//go:noinline
func (r *reader) uint() (n uint32) {
	for shift := 0; ; shift += 7 {
		b := r.bytes(1)
		if b == nil {
			return 0
		}
		n |= uint32(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			r.bad = r.bad || shift > 0 && b[0] == 0 || n>>shift != uint32(b[0])
			return n
		}
		if shift == 28 {
			r.bad = true
			return 0
		}
	}
}
