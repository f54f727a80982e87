package key

import (
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
	"github.com/eventseal/eventseal/wasm/modular"
	"github.com/eventseal/eventseal/wasm/p256"
	"github.com/eventseal/eventseal/wasm/secp256k1"
)

// A Private is a private key: a big-endian number in [1, n−1]. Whoever holds
// one calls Wipe when done.
type Private struct {
	Curve  Curve
	Scalar [32]byte
}

// wifSize is version 0x80, the number, and a checksum by double SHA-256.
const wifSize = 1 + 32 + checksumSize

// ParsePrivate reads PVT_K1_…, PVT_R1_… or WIF (5…, K1) into dst. Whatever is
// wrong is InvalidPrivateKey, and then dst is wiped. The time is the same for
// all keys of one form and length of text.
func ParsePrivate(dst *Private, text []byte) code.Code {
	dst.Wipe()
	ok := false
	if rest, is := after(text, "PVT_K1_"); is {
		ok = decodeSecret(&dst.Scalar, rest, "K1")
	} else if rest, is := after(text, "PVT_R1_"); is {
		dst.Curve = R1
		ok = decodeSecret(&dst.Scalar, rest, "R1")
	} else if rest, is := after(text, "5"); is && len(rest) > 0 {
		ok = decodeWIF(&dst.Scalar, text)
	}
	if ok = ok && inRange(dst.Curve, &dst.Scalar); !ok {
		dst.Wipe()
		return code.InvalidPrivateKey
	}
	return code.OK
}

// decodeSecret is DecodeBase58Check in constant time.
func decodeSecret(dst *[32]byte, text []byte, suffix string) bool {
	var buf [32 + checksumSize]byte
	ok := digest.DecodeSecret(buf[:], text)
	if ok {
		copy(dst[:], buf[:])
		sum := checksum(dst[:], suffix)
		ok = digest.Equal(sum[:], buf[32:])
	}
	buf = [32 + checksumSize]byte{}
	return ok
}

func decodeWIF(dst *[32]byte, text []byte) bool {
	var buf [wifSize]byte
	ok := digest.DecodeSecret(buf[:], text) && buf[0] == 0x80
	if ok {
		first := digest.SHA256(buf[:33])
		sum := digest.SHA256(first[:])
		copy(dst[:], buf[1:33])
		ok = digest.Equal(sum[:checksumSize], buf[33:])
		first, sum = digest.Hash{}, digest.Hash{}
	}
	buf = [wifSize]byte{}
	return ok
}

// FromRandom makes a key of 32 bytes that the caller drew at random. Bytes
// that are zero or not below the curve's order are InvalidPrivateKey, and dst
// is wiped: draw again.
func FromRandom(dst *Private, curve Curve, random *[32]byte) code.Code {
	dst.Wipe()
	if curve > R1 {
		return code.InvalidArgument
	}
	if !inRange(curve, random) {
		return code.InvalidPrivateKey
	}
	dst.Curve, dst.Scalar = curve, *random
	return code.OK
}

// inRange reports whether 1 ≤ b < n.
func inRange(c Curve, b *[32]byte) bool {
	var k modular.Element
	ok := order(c).SetBytes(&k, b) && k.IsZero() == 0
	k = modular.Element{}
	return ok
}

// AppendText appends PVT_K1_… or PVT_R1_…, in time that depends on how many
// letters that takes alone.
func (p *Private) AppendText(dst []byte) []byte {
	dst = append(append(append(dst, "PVT_"...), p.Curve.Name()...), '_')
	var buf [32 + checksumSize]byte
	copy(buf[:], p.Scalar[:])
	sum := checksum(p.Scalar[:], p.Curve.Name())
	copy(buf[32:], sum[:])
	dst = digest.AppendSecret(dst, buf[:])
	buf = [32 + checksumSize]byte{}
	return dst
}

// Wipe overwrites the key with zeros.
func (p *Private) Wipe() { *p = Private{} }

// Public returns the public key of p, in time that does not depend on p.
func (p *Private) Public() (q Public) {
	var k modular.Element
	q.Curve = p.Curve
	order(p.Curve).SetBytes(&k, &p.Scalar)
	if p.Curve == R1 {
		var a p256.Affine
		p256.BaseMult(&a, &k)
		a.Compress(&q.Point)
	} else {
		var a secp256k1.Affine
		secp256k1.BaseMult(&a, &k)
		a.Compress(&q.Point)
	}
	k = modular.Element{}
	return q
}
