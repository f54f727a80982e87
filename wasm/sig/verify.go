package sig

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/modular"
	"github.com/eventseal/eventseal/wasm/p256"
	"github.com/eventseal/eventseal/wasm/secp256k1"
)

// Verify returns OK if the key recovered from s for the digest d is exactly
// pub, so that the recovery id counts, and SignatureMismatch if not. A
// signature that Parse would refuse gets Parse's code, and a key whose point
// is not on its curve InvalidPublicKey.
func Verify(pub *key.Public, d *digest.Hash, s *Signature) code.Code {
	var r, t, z modular.Element
	if c := s.split(&r, &t); c != code.OK {
		return c
	}
	if pub.Curve != s.Curve {
		if !pub.OnCurve() {
			return code.InvalidPublicKey
		}
		return code.SignatureMismatch
	}
	order(s.Curve).SetBytes(&z, (*[32]byte)(d))
	id := s.Compact[0] - header
	ok := false
	if s.Curve == key.R1 {
		var q p256.Affine
		if !q.Decompress(&pub.Point) {
			return code.InvalidPublicKey
		}
		ok = p256.Verify(&q, &z, &r, &t, id)
	} else {
		var q secp256k1.Affine
		if !q.Decompress(&pub.Point) {
			return code.InvalidPublicKey
		}
		ok = secp256k1.Verify(&q, &z, &r, &t, id)
	}
	if !ok {
		return code.SignatureMismatch
	}
	return code.OK
}

// Recover sets dst to the one key that made s for the digest d. A signature
// that Parse would refuse gets Parse's code; where no key could have made it,
// SignatureMismatch. dst is zero unless the answer is OK.
func Recover(dst *key.Public, d *digest.Hash, s *Signature) code.Code {
	*dst = key.Public{}
	var r, t, z modular.Element
	if c := s.split(&r, &t); c != code.OK {
		return c
	}
	order(s.Curve).SetBytes(&z, (*[32]byte)(d))
	id := s.Compact[0] - header
	if s.Curve == key.R1 {
		var q p256.Affine
		if !p256.Recover(&q, &z, &r, &t, id) {
			return code.SignatureMismatch
		}
		q.Compress(&dst.Point)
	} else {
		var q secp256k1.Affine
		if !secp256k1.Recover(&q, &z, &r, &t, id) {
			return code.SignatureMismatch
		}
		q.Compress(&dst.Point)
	}
	dst.Curve = s.Curve
	return code.OK
}

// An Item is one signature to be checked in a batch.
type Item struct {
	Public    key.Public
	Digest    digest.Hash
	Signature Signature
}

// A Batch checks many signatures for less than one after another. The zero
// Batch is ready; it serves one goroutine.
type Batch struct {
	group secp256k1.Group
	where [secp256k1.GroupSize]int // index of each of the group
	known bool                     // that point is the K1 key last
	last  [33]byte
	point secp256k1.Affine
}

// Verify sets verdicts[i] to what the function Verify says of items[i];
// verdicts must be as long as items.
func (b *Batch) Verify(items []Item, verdicts []code.Code) {
	for i := range items {
		it := &items[i]
		if it.Public.Curve != key.K1 || it.Signature.Curve != key.K1 {
			verdicts[i] = Verify(&it.Public, &it.Digest, &it.Signature)
			continue
		}
		if verdicts[i] = b.add(it, i); b.group.Len() == secp256k1.GroupSize {
			b.finish(verdicts)
		}
	}
	b.finish(verdicts)
}

// add puts an item into the group, or says what is wrong with it.
func (b *Batch) add(it *Item, i int) code.Code {
	var r, t, z modular.Element
	if c := it.Signature.split(&r, &t); c != code.OK {
		return c
	}
	if !b.known || b.last != it.Public.Point { // neighbours are often by one author
		if b.known = b.point.Decompress(&it.Public.Point); !b.known {
			return code.InvalidPublicKey
		}
		b.last = it.Public.Point
	}
	secp256k1.Order.SetBytes(&z, (*[32]byte)(&it.Digest))
	b.where[b.group.Len()] = i
	b.group.Add(&b.point, &z, &r, &t, it.Signature.Compact[0]-header)
	return code.OK
}

// finish decides about the group and empties it.
func (b *Batch) finish(verdicts []code.Code) {
	b.group.Verify()
	for n := range b.group.Len() {
		if !b.group.OK(n) {
			verdicts[b.where[n]] = code.SignatureMismatch
		}
	}
	b.group.Reset()
}
