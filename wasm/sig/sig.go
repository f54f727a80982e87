// Package sig reads, writes, makes and checks EOSIO's ECDSA signatures over
// SHA-256 digests.
package sig

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/key"
	"github.com/eventseal/eventseal/wasm/modular"
	"github.com/eventseal/eventseal/wasm/p256"
	"github.com/eventseal/eventseal/wasm/secp256k1"
)

// A Signature is EOSIO's compact form: a header byte of 31 + recovery id
// (0 … 3), then r and s, 32 big-endian bytes each.
type Signature struct {
	Curve   key.Curve
	Compact [65]byte
}

// header is what is added to the recovery id: 27 for a compact signature, 4
// for a compressed key.
const header = 31

// Parse reads SIG_K1_… or SIG_R1_…. A wrong form, length, checksum or header,
// and r or s outside [1, n−1], are InvalidSignature; a K1 signature that is
// not EOS-canonical is NoncanonicalSignature.
func Parse(text []byte) (s Signature, c code.Code) {
	const prefix = len("SIG_K1_")
	if len(text) <= prefix || len(text) > key.MaxText {
		return s, code.InvalidSignature
	}
	if digest.Is(text[:prefix], "SIG_R1_") {
		s.Curve = key.R1
	} else if !digest.Is(text[:prefix], "SIG_K1_") {
		return s, code.InvalidSignature
	}
	// Base58 has one text for each byte string, so a text that decodes to the
	// right length is its own re-encoding.
	if !key.DecodeBase58Check(s.Compact[:], text[prefix:], s.Curve.Name()) {
		return Signature{}, code.InvalidSignature
	}
	if c = s.check(); c != code.OK {
		return Signature{}, c
	}
	return s, code.OK
}

// AppendText appends SIG_K1_… or SIG_R1_….
func (s *Signature) AppendText(dst []byte) []byte {
	dst = append(append(append(dst, "SIG_"...), s.Curve.Name()...), '_')
	return key.AppendBase58Check(dst, s.Compact[:], s.Curve.Name())
}

func (s *Signature) r() *[32]byte { return (*[32]byte)(s.Compact[1:33]) }
func (s *Signature) s() *[32]byte { return (*[32]byte)(s.Compact[33:]) }

// check holds s to what Parse promises.
func (s *Signature) check() code.Code {
	var r, t modular.Element
	return s.split(&r, &t)
}

// split is check, and returns the two numbers.
func (s *Signature) split(r, t *modular.Element) code.Code {
	n := order(s.Curve)
	var rb, sb [32]byte
	copy(rb[:], s.Compact[1:])
	copy(sb[:], s.Compact[33:])
	if id := s.Compact[0] - header; id > 3 || s.Curve > key.R1 {
		return code.InvalidSignature
	}
	if !n.SetBytes(r, &rb) || !n.SetBytes(t, &sb) || r.IsZero() == 1 || t.IsZero() == 1 {
		return code.InvalidSignature
	}
	if s.Curve == key.K1 && !s.canonical() {
		return code.NoncanonicalSignature
	}
	return code.OK
}

// canonical is the rule of EOSIO's is_canonical (libraries/fc, public_key):
// r and s are positive and minimal as DER integers of exactly 32 bytes. It
// does not show which of them is not: signing asks about attempts that stay
// secret.
func (s *Signature) canonical() bool {
	return outside(s.Compact[1], s.Compact[2])|outside(s.Compact[33], s.Compact[34]) == 0
}

// outside returns 1 unless the first two bytes of a number are from 0x0080 to
// 0x7fff.
func outside(first, second byte) uint32 {
	x := uint32(first)<<8 | uint32(second)
	return ((x - 0x80) | (0x7fff - x)) >> 31
}

func order(c key.Curve) *modular.Modulus {
	if c == key.R1 {
		return &p256.Order
	}
	return &secp256k1.Order
}
