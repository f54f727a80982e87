package chain

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"github.com/mr-tron/base58"
	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 the texts of keys ask for it
)

// Key returns the K1 key pair that follows from a seed, as texts: PVT_K1_…, PUB_K1_….
func Key(seed string) (private, public string) {
	digest := sha256.Sum256([]byte("chain key " + seed))
	k := secp256k1.PrivKeyFromBytes(digest[:])
	return text("PVT_K1_", k.Serialize()), text("PUB_K1_", k.PubKey().SerializeCompressed())
}

// text is Base58(data ‖ RIPEMD-160(data ‖ "K1")[:4]) after its prefix
// (libraries/libfc/include/fc/crypto/common.hpp).
func text(prefix string, data []byte) string {
	return prefix + base58.Encode(append(bytes.Clone(data), checksum(data)...))
}

func checksum(data []byte) []byte {
	h := ripemd160.New()
	_, _ = h.Write(data)
	_, _ = h.Write([]byte("K1"))
	return h.Sum(nil)[:4]
}

// parseText reads a text of size bytes of data.
func parseText(prefix, s string, size int) ([]byte, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return nil, fmt.Errorf("chain: %q does not begin with %s", s, prefix)
	}
	b, err := base58.Decode(rest)
	if err != nil || len(b) != size+4 || !bytes.Equal(checksum(b[:size]), b[size:]) {
		return nil, fmt.Errorf("chain: %q is no key or signature", s)
	}
	return b[:size], nil
}

// parsePublic reads a key and returns its text again.
func parsePublic(s string) (string, error) {
	b, err := parseText("PUB_K1_", s, 33)
	if err != nil {
		return "", err
	}
	if _, err := secp256k1.ParsePubKey(b); err != nil {
		return "", fmt.Errorf("chain: %q is no point: %w", s, err)
	}
	return s, nil
}

// recover returns the key that made a signature, 65 bytes: 31 + recovery, r, s.
// It refuses what nodeos refuses (libraries/libfc/src/crypto/elliptic_secp256k1.cpp).
func recoverKey(sig []byte, digest [32]byte) (string, error) {
	if sig[0] < 27 || sig[0] >= 35 {
		return "", errors.New("unable to reconstruct public key from signature")
	}
	if !canonical(sig) {
		return "", errors.New("signature is not canonical")
	}
	key, _, err := ecdsa.RecoverCompact(sig, digest[:])
	if err != nil {
		return "", errors.New("unable to reconstruct public key from signature")
	}
	return text("PUB_K1_", key.SerializeCompressed()), nil
}

// sign makes a signature that recoverKey takes, by the first of the RFC 6979 nonces
// that makes one.
func sign(secret []byte, digest [32]byte) []byte {
	var d, z secp256k1.ModNScalar
	d.SetByteSlice(secret)
	z.SetBytes(&digest)
	for i := uint32(0); ; i++ {
		k := secp256k1.NonceRFC6979(secret, digest[:], nil, nil, i)
		var point secp256k1.JacobianPoint
		secp256k1.ScalarBaseMultNonConst(k, &point)
		point.ToAffine()
		x := point.X.Bytes()
		var r, s secp256k1.ModNScalar
		if r.SetBytes(x) != 0 {
			continue
		}
		s.Mul2(&r, &d).Add(&z).Mul(k.InverseNonConst())
		recovery := byte(31)
		if point.Y.IsOdd() {
			recovery++
		}
		if s.IsOverHalfOrder() {
			s.Negate()
			recovery = 63 - recovery
		}
		rb, sb := r.Bytes(), s.Bytes()
		if sig := slices.Concat([]byte{recovery}, rb[:], sb[:]); canonical(sig) {
			return sig
		}
	}
}

func canonical(c []byte) bool {
	return c[1]&0x80 == 0 && !(c[1] == 0 && c[2]&0x80 == 0) &&
		c[33]&0x80 == 0 && !(c[33] == 0 && c[34]&0x80 == 0)
}
