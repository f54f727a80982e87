// Package key reads and writes EOSIO's text forms of public and private keys.
package key

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/modular"
	"github.com/eventseal/eventseal/wasm/p256"
	"github.com/eventseal/eventseal/wasm/secp256k1"
)

// A Curve names the curve that a key belongs to. The numbers are EOSIO's.
type Curve uint8

const (
	K1 Curve = 0 // secp256k1
	R1 Curve = 1 // NIST P-256
)

// Name returns "K1" or "R1": the middle of the text forms and the suffix of
// their checksums.
func (c Curve) Name() string {
	if c == R1 {
		return "R1"
	}
	return "K1"
}

// checksumSize is how many bytes of a hash end each text form.
const checksumSize = 4

// MaxText is enough room for any text form of a key or a signature.
const MaxText = 128

// AppendBase58Check appends the Base58 form of payload and its checksum, the
// first four bytes of RIPEMD-160(payload ‖ suffix). payload has at most 65
// bytes and is no secret.
func AppendBase58Check(dst, payload []byte, suffix string) []byte {
	var buf [72]byte
	n := copy(buf[:], payload)
	sum := checksum(payload, suffix)
	copy(buf[n:], sum[:])
	return digest.AppendBase58(dst, buf[:n+checksumSize])
}

// DecodeBase58Check is the inverse of AppendBase58Check: it fills dst (at
// most 65 bytes) with what is no secret, and reports whether text has exactly
// that length and its checksum is right.
func DecodeBase58Check(dst, text []byte, suffix string) bool {
	var buf [72]byte
	n, ok := digest.DecodeBase58(buf[:], text)
	if ok = ok && n == len(dst)+checksumSize; ok {
		copy(dst, buf[:])
		sum := checksum(dst, suffix)
		ok = digest.Equal(sum[:], buf[n-checksumSize:n])
	}
	return ok
}

func checksum(payload []byte, suffix string) (sum [checksumSize]byte) {
	var buf [72]byte
	n := copy(buf[:], payload)
	n += copy(buf[n:], suffix)
	h := digest.RIPEMD160(buf[:n])
	copy(sum[:], h[:])
	buf = [72]byte{}
	return sum
}

// after returns text without its prefix, or false.
func after(text []byte, prefix string) ([]byte, bool) {
	if len(text) < len(prefix) || len(text) > MaxText || !digest.Is(text[:len(prefix)], prefix) {
		return nil, false
	}
	return text[len(prefix):], true
}

// A Public is a public key: a point of Curve in SEC 1 compressed form.
type Public struct {
	Curve Curve
	Point [33]byte
}

// ParsePublic reads PUB_K1_…, PUB_R1_… or the legacy EOS… (K1). Whatever is
// wrong, a point that is not on the curve included, is InvalidPublicKey.
//
//go:noinline
func ParsePublic(text []byte) (p Public, c code.Code) {
	if p, c = DecodePublic(text); c == code.OK && !p.OnCurve() {
		return Public{}, code.InvalidPublicKey
	}
	return p, c
}

// DecodePublic is ParsePublic but for the curve, for a key whose point is
// about to be computed anyway.
func DecodePublic(text []byte) (p Public, c code.Code) {
	if rest, ok := after(text, "PUB_K1_"); ok {
		if DecodeBase58Check(p.Point[:], rest, "K1") {
			return p, code.OK
		}
	} else if rest, ok := after(text, "PUB_R1_"); ok {
		p.Curve = R1
		if DecodeBase58Check(p.Point[:], rest, "R1") {
			return p, code.OK
		}
	} else if rest, ok := after(text, "EOS"); ok {
		if DecodeBase58Check(p.Point[:], rest, "") {
			return p, code.OK
		}
	}
	return Public{}, code.InvalidPublicKey
}

// OnCurve reports whether p is a point of its curve in compressed form.
func (p *Public) OnCurve() bool {
	if p.Curve == R1 {
		var q p256.Affine
		return q.Decompress(&p.Point)
	}
	var q secp256k1.Affine
	return q.Decompress(&p.Point)
}

// AppendText appends PUB_K1_… or PUB_R1_….
func (p *Public) AppendText(dst []byte) []byte {
	dst = append(append(append(dst, "PUB_"...), p.Curve.Name()...), '_')
	return AppendBase58Check(dst, p.Point[:], p.Curve.Name())
}

// AppendLegacy appends EOS…; false for curves that have no legacy form.
func (p *Public) AppendLegacy(dst []byte) ([]byte, bool) {
	if p.Curve != K1 {
		return dst, false
	}
	return AppendBase58Check(append(dst, "EOS"...), p.Point[:], ""), true
}

func order(c Curve) *modular.Modulus {
	if c == R1 {
		return &p256.Order
	}
	return &secp256k1.Order
}
