package proof

import (
	"github.com/eventseal/eventseal/wasm/antelope"
	"github.com/eventseal/eventseal/wasm/canon"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/merkle"
	"github.com/eventseal/eventseal/wasm/sig"
)

// maxSignatures bounds those of a transaction.
const maxSignatures = 8

// The members of an anchor in their order in the canonical form, those of its
// row among them.
const (
	anchorBlockID = iota
	anchorBlockNum
	anchorChain
	anchorConsistency
	anchorContract
	anchorKeys
	anchorRoot
	anchorSeq
	anchorSize
	anchorTime
	anchorSignatures
	anchorTransaction
	anchorMembers
)

// anchorForm is the canonical form of an anchor, with a '$' for each member.
const anchorForm = `{"block_id":"$","block_num":$,"chain_id":"$","consistency":[$],"contract":"$","keys":[$],"row":{"root":"$","seq":$,"size":$,"time":"$"},"signatures":[$],"transaction":"$"}`

// An anchor says that a head of a log was put on a chain. Its members are views
// of the file's canonical form.
type anchor struct {
	at    [anchorMembers][]byte
	chain digest.Hash
	post  antelope.Post
	id    digest.Hash // of the transaction
}

// split takes an anchor apart. No member that is what it is to be has in it
// what ends it in the form.
func (a *anchor) split(value []byte) bool {
	member := 0
	for i := range len(anchorForm) {
		if anchorForm[i] == '$' {
			n := 0
			for n < len(value) && value[n] != anchorForm[i+1] {
				n++
			}
			a.at[member], value = value[:n], value[n:]
			member++
		} else if len(value) == 0 || value[0] != anchorForm[i] {
			return false
		} else {
			value = value[1:]
		}
	}
	return true // the form's last brace is the value's
}

// read checks the form of an anchor, and that its transaction carries its row.
// Of two members it leaves the bytes that they stand for: of consistency, and of
// the transaction.
//
//go:noinline
func (a *anchor) read(value []byte) bool {
	var block digest.Hash
	if !a.split(value) || !block.Parse(a.at[anchorBlockID]) || !a.chain.Parse(a.at[anchorChain]) || !a.post.Root.Parse(a.at[anchorRoot]) {
		return false
	}
	num, ok := canon.Uint(a.at[anchorBlockNum])
	if !ok || num != uint64(block[0])<<24|uint64(block[1])<<16|uint64(block[2])<<8|uint64(block[3]) {
		return false
	}
	if a.post.Seq, ok = canon.Uint(a.at[anchorSeq]); !ok {
		return false
	}
	if a.post.Size, ok = canon.Uint(a.at[anchorSize]); !ok {
		return false
	}
	if a.post.Contract, ok = antelope.ParseName(a.at[anchorContract]); !ok {
		return false
	}
	list := a.at[anchorConsistency]
	path := list
	n := 0
	for ; len(list) > 0; n += digest.Size {
		h := next(&list)
		if len(h) != 2*digest.Size || !digest.Unhex(path[n:], h) {
			return false
		}
	}
	a.at[anchorConsistency] = path[:n]
	packed := a.at[anchorTransaction]
	if !digest.Unhex(packed, packed) {
		return false
	}
	packed = packed[:len(packed)/2]
	a.at[anchorTransaction] = packed
	expires, posts, ok := a.post.Unpack(packed)
	included, timed := antelope.ParseTime(a.at[anchorTime])
	return ok && posts && timed && included <= 2*uint64(expires)
}

// next takes the first string off the elements of an array; nil if there is
// none. What is wrong behind it is wrong of the next.
//
//go:noinline
func next(list *[]byte) (text []byte) {
	rest := *list
	*list = nil
	if len(rest) == 0 || rest[0] != '"' {
		return nil
	}
	end := 1
	for end < len(rest) && rest[end] != '"' {
		end++
	}
	if end+1 < len(rest) {
		*list = rest[end+2:]
	}
	return rest[1:min(end, len(rest))]
}

// signed checks that each signature of the transaction is by its key.
//
//go:noinline
func (a *anchor) signed(text *[key.MaxText]byte) code.Code {
	var s digest.State
	var d, zero digest.Hash
	packed := a.at[anchorTransaction]
	s.Reset()
	s.Write(packed)
	s.Sum(&a.id)
	s.Reset()
	s.Write(a.chain[:])
	s.Write(packed)
	s.Write(zero[:])
	s.Sum(&d)
	for _, judge := range [...]bool{false, true} { // all have the form of one before any is looked at
		keys, signatures := a.at[anchorKeys], a.at[anchorSignatures]
		for n := 0; n == 0 || len(keys) > 0 || len(signatures) > 0; n++ {
			signature, c := sig.Parse(next(&signatures))
			by := next(&keys)
			if c != code.OK || by == nil || n == maxSignatures {
				return code.InvalidAnchor
			}
			var k key.Public
			if judge && (sig.Recover(&k, &d, &signature) != code.OK || !digest.Equal(k.AppendText(text[:0]), by)) {
				return code.SignatureMismatch
			}
		}
	}
	return code.OK
}

// anchored checks what a file says of a chain.
//
//go:noinline
func (v *Verifier) anchored(value []byte) {
	a := &v.anchor
	part := &v.parts[partAnchor]
	switch {
	case value[0] != '{':
		v.known[partAnchor] = absent
	case !v.is(partCheckpoint) || !v.is(partPath) || v.known[partCheckpoint] != valid: // an unchecked path has an unchecked or wrong checkpoint
		v.known[partAnchor] = unchecked
	case !a.read(value):
		*part = code.InvalidAnchor
	default:
		if *part = a.signed(&v.text); *part == code.OK {
			*part = v.bound()
		}
		v.known[partAnchor] = needsChain
	}
}

// bound checks that the head on the chain is the checkpoint's or one before it,
// that the event is under it, and that the chain is one that is trusted.
func (v *Verifier) bound() code.Code {
	a, c := &v.anchor, &v.checkpoint
	path := a.at[anchorConsistency]
	switch {
	case v.inclusion.index >= a.post.Size:
		return code.ProofMismatch
	case a.post.Size == c.Size && digest.Equal(a.post.Root[:], c.Root[:]) && len(path) == 0:
	case merkle.Consistent(a.post.Size, c.Size, path, &a.post.Root, &c.Root) != code.OK:
		return code.InvalidProof
	}
	if v.trust.nchains > 0 && !v.trust.hasChain(a.at[anchorChain], a.at[anchorContract]) {
		return code.UntrustedKey
	}
	return code.OK
}
