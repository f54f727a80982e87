package testvectors

import (
	"bytes"
	"crypto/elliptic"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"testing"

	decred "github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/event"
)

// seeds calls add for every case of the operations.
func seeds(f *testing.F, add func(in *In), ops ...string) {
	for _, file := range load(f) {
		for i := range file.Cases {
			for _, op := range ops {
				if c := &file.Cases[i]; c.Op == op && len(c.In.Text) < 64<<10 {
					add(&c.In)
				}
			}
		}
	}
}

// agree holds two implementations to one verdict and, where both accept, to
// one result.
func agree(t *testing.T, op string, in *In, a, b implementation) {
	outA, errA := a(op, in)
	outB, errB := b(op, in)
	for _, err := range []error{errA, errB} {
		var e *code.Error
		if err != nil && (!errors.As(err, &e) || e.Code == code.Internal || e.Code == code.OK) {
			t.Fatalf("no refusal: %v", err)
		}
	}
	if (errA == nil) != (errB == nil) {
		t.Fatalf("%s %s:\n%v\n%v", op, show(in), errA, errB)
	}
	if errA == nil && show(outA) != show(outB) {
		t.Fatalf("%s %s:\n%s\n%s", op, show(in), show(outA), show(outB))
	}
	if errA != nil && errA.Error() != errB.Error() {
		// Another code or place is no disagreement, but worth a look.
		t.Logf("%v, the other says %v", errA, errB)
	}
}

// The native signatures against eos-go and the standard library.
func FuzzSignature(f *testing.F) {
	seeds(f, func(in *In) { f.Add(in.Public, in.Signature, []byte(in.Digest)) }, "verify_digest")
	f.Fuzz(func(t *testing.T, public, signature string, digest []byte) {
		if len(digest) != 32 {
			return
		}
		agree(t, "verify_digest", &In{Public: public, Signature: signature, Digest: digest}, native, referenceRun)
	})
}

// The same with a right checksum around whatever the fuzzer makes of the bytes.
func FuzzCompactSignature(f *testing.F) {
	f.Add(false, make([]byte, 33), make([]byte, 65), make([]byte, 32))
	f.Fuzz(func(t *testing.T, r1 bool, point, compact, digest []byte) {
		if len(digest) != 32 || len(point) > 40 || len(compact) > 72 {
			return
		}
		curve := "K1"
		if r1 {
			curve = "R1"
		}
		in := &In{Public: "PUB_" + curve + "_" + encodeChecked(point, curve), Signature: "SIG_" + curve + "_" + encodeChecked(compact, curve), Digest: digest}
		agree(t, "verify_digest", in, native, referenceRun)
	})
}

// Signatures with any nonce, so that most are the key's: keys, nonces and
// digests of few bytes, or of few bytes below the order, make points meet that
// otherwise never do. Then one thing is changed.
func FuzzCraftedSignature(f *testing.F) {
	for change := range byte(12) {
		for _, r1 := range []bool{false, true} {
			f.Add(r1, []byte{byte(change) + 1}, []byte{2}, []byte{3}, change, byte(7))
			f.Add(r1, []byte{0x80, 1}, []byte{0x80, byte(change)}, bytes.Repeat([]byte{0x5a}, 32), change, byte(255))
		}
	}
	f.Fuzz(func(t *testing.T, r1 bool, secret, nonce, digest []byte, change, at byte) {
		c := k1Craft
		if r1 {
			c = r1Craft
		}
		x, k, z := c.number(secret), c.number(nonce), c.number(digest)
		if x.Sign() == 0 || k.Sign() == 0 {
			return
		}
		point, compact := c.sign(x, k, z)
		if compact == nil {
			return
		}
		hash := z.FillBytes(make([]byte, 32))
		s := new(big.Int).SetBytes(compact[33:])
		switch change % 12 {
		case 0, 1, 2: // as it is
		case 3:
			compact[0] = 31 + (compact[0] - 31) ^ 1
		case 4:
			compact[0] = 31 + (compact[0] - 31) ^ 2
		case 5: // mirrored, and the same signature
			compact[0] = 31 + (compact[0] - 31) ^ 1
			s.Sub(c.n, s).FillBytes(compact[33:])
		case 6: // mirrored alone
			s.Sub(c.n, s).FillBytes(compact[33:])
		case 7:
			compact[at%65] ^= 1 << (at % 7)
		case 8:
			hash[at%32] ^= 1 << (at % 7)
		case 9:
			point[0] ^= 1
		case 10:
			point[1+at%32] ^= 1 << (at % 7)
		case 11: // s beyond the order, where it fits
			if s.Add(s, c.n).BitLen() <= 256 {
				s.FillBytes(compact[33:])
			}
		}
		signature := "SIG_" + c.name + "_" + encodeChecked(compact, c.name)
		in := &In{Public: "PUB_" + c.name + "_" + encodeChecked(point, c.name), Signature: signature, Digest: hash}
		agree(t, "verify_digest", in, native, referenceRun)
		// Recovery finds the key that verifies, and no other.
		_, err := native("verify_digest", in)
		r, lost := native("recover", in)
		if err == nil && (lost != nil || r.Public != in.Public) {
			t.Fatalf("%s verifies but recovers to %s, %v", show(in), show(r), lost)
		}
		if lost == nil {
			if _, err := native("verify_digest", &In{Public: r.Public, Signature: signature, Digest: hash}); err != nil {
				t.Fatalf("%s recovers to %s, which did not make it: %v", show(in), r.Public, err)
			}
		}
	})
}

// A craft makes signatures on a curve.
type craft struct {
	name string
	n    *big.Int
	mul  func(k *big.Int) (x, y *big.Int) // k·G
}

var (
	k1Craft = craft{"K1", decred.Params().N, func(k *big.Int) (*big.Int, *big.Int) {
		p := decred.PrivKeyFromBytes(k.FillBytes(make([]byte, 32))).PubKey()
		return p.X(), p.Y()
	}}
	r1Craft = craft{"R1", elliptic.P256().Params().N, func(k *big.Int) (*big.Int, *big.Int) {
		//lint:ignore SA1019 crypto/ecdh does not give the ordinate
		return elliptic.P256().ScalarBaseMult(k.Bytes())
	}}
)

// number reads up to 32 bytes; a first byte of 0x80 counts down from n.
func (c *craft) number(b []byte) *big.Int {
	if len(b) > 0 && len(b) < 32 && b[0] == 0x80 {
		x := new(big.Int).SetBytes(b[1:])
		return x.Sub(c.n, x).Mod(x, c.n)
	}
	x := new(big.Int).SetBytes(b[:min(len(b), 32)])
	return x.Mod(x, c.n)
}

// sign returns the point of the key x, and its signature of z with the nonce
// k; nil where that is none.
func (c *craft) sign(x, k, z *big.Int) (point, compact []byte) {
	compressed := func(x, y *big.Int) []byte {
		return append([]byte{2 | byte(y.Bit(0))}, x.FillBytes(make([]byte, 32))...)
	}
	px, py := c.mul(x)
	rx, ry := c.mul(k)
	r := new(big.Int).Mod(rx, c.n)
	s := new(big.Int).Mul(r, x)
	s.Add(s, z).Mul(s, new(big.Int).ModInverse(k, c.n)).Mod(s, c.n)
	if r.Sign() == 0 || s.Sign() == 0 {
		return nil, nil
	}
	id := byte(ry.Bit(0))
	if rx.Cmp(c.n) >= 0 {
		id |= 2
	}
	compact = append([]byte{31 + id}, r.FillBytes(make([]byte, 32))...)
	return compressed(px, py), append(compact, s.FillBytes(make([]byte, 32))...)
}

// Events that are made and signed of what the fuzzer gives, so that they get
// as far as their signature; then a byte is changed.
func FuzzSignedEvent(f *testing.F) {
	for i, file := range load(f) {
		for _, c := range file.Cases {
			if c.Op == "create" && len(c.In.Body) < 4096 {
				f.Add([]byte(c.In.Body), []byte("{}"), byte(i), c.In.CreatedAt, uint16(9*i), byte(0))
			}
		}
	}
	secret := [2]string{"PVT_K1_", "PVT_R1_"}
	var public [2]string
	for i, curve := range []string{"K1", "R1"} {
		secret[i] += encodeChecked(bytes.Repeat([]byte{0x2a}, 32), curve)
		k, err := native("private_text", &In{Text: Text(secret[i])})
		if err != nil {
			f.Fatal(err)
		}
		public[i] = k.Public
	}
	f.Fuzz(func(t *testing.T, body, proofs []byte, kind byte, at uint64, where uint16, flip byte) {
		which := kind >> 7
		in := &In{Type: event.Builtin[int(kind)%len(event.Builtin)].Name, Author: public[which], CreatedAt: at, Body: body}
		if kind&64 != 0 {
			p := Text(proofs)
			in.Proofs = &p
		}
		if len(body) > 0 {
			in.Parents = []string{hex.EncodeToString(bytes.Repeat(body[:1], 32))}
		}
		made, err := native("create", in)
		if err != nil {
			return
		}
		signed, err := native("sign", &In{Text: made.Preimage, Private: secret[which]})
		if err != nil {
			t.Fatalf("%s is not signed: %v", made.Preimage, err)
		}
		if v, err := native("verify", &In{Text: signed.Record}); err != nil || v.Hash != made.Hash || !bytes.Equal(v.Record, signed.Record) {
			t.Fatalf("%s is not valid: %v", signed.Record, err)
		}
		agree(t, "verify", &In{Text: signed.Record}, native, referenceRun)
		if flip != 0 {
			changed := bytes.Clone(signed.Record)
			changed[int(where)%len(changed)] ^= flip
			agree(t, "verify", &In{Text: changed}, native, referenceRun)
		}
	})
}

// The native canonicalizer against jcs.
func FuzzCanonicalize(f *testing.F) {
	seeds(f, func(in *In) { f.Add([]byte(in.Text)) }, "canonicalize")
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, "canonicalize", &In{Text: text}, native, referenceRun)
	})
}

// Whole events, judged twice.
func FuzzVerify(f *testing.F) {
	seeds(f, func(in *In) { f.Add([]byte(in.Text)) }, "verify")
	f.Fuzz(func(t *testing.T, text []byte) {
		agree(t, "verify", &In{Text: text}, native, referenceRun)
		agree(t, "hash", &In{Text: text}, native, referenceRun)
	})
}

// The compiled module against the same packages compiled for this machine:
// every verdict is the same to the letter, alone and between others in a
// batch.
func FuzzModule(f *testing.F) {
	var valid Text
	seeds(f, func(in *In) { f.Add([]byte(in.Text)) }, "canonicalize", "hash")
	seeds(f, func(in *In) {
		f.Add([]byte(in.Text))
		if _, err := native("verify", &In{Text: in.Text}); err == nil && len(in.Text) < 4096 {
			valid = in.Text
		}
	}, "verify")
	compiled := onPool(f, false)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, op := range []string{"canonicalize", "hash", "verify", "verify_batch"} {
			in := &In{Text: text}
			if op == "verify_batch" {
				in = &In{Texts: []Text{text, valid, text, text}}
			}
			a, errA := native(op, in)
			b, errB := compiled(op, in)
			if errA != nil || errB != nil {
				if fmt.Sprint(errA) != fmt.Sprint(errB) {
					t.Fatalf("%s %s: %v, the module says %v", op, show(in), errA, errB)
				}
			} else if show(a) != show(b) {
				t.Fatalf("%s %s: %s, the module says %s", op, show(in), show(a), show(b))
			}
		}
	})
}
