package reference

import (
	"bytes"
	"math/big"

	"github.com/eoscanada/eos-go/ecc"

	"github.com/eventseal/eventseal/wasm/digest"
)

// The field and the order of secp256k1 (SEC 2, section 2.4.1).
var (
	k1Field = hexInt("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f")
	k1Order = hexInt("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
)

func hexInt(s string) *big.Int {
	n, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic("reference: malformed constant")
	}
	return n
}

// legacyKey is k as eos-go reads it: the only spelling whose checksum it
// computes rightly.
func (k publicKey) legacyKey() (ecc.PublicKey, error) {
	return ecc.NewPublicKey("EOS" + encodeChecked(k.point, ""))
}

// onK1 asks eos-go whether k is a point. Its reader of texts does not.
func (k publicKey) onK1() bool {
	p, err := k.legacyKey()
	if err != nil {
		return false
	}
	_, err = p.Key()
	return err == nil
}

// verifyK1 reports whether the key that s recovers to for the digest is k.
// parseSignature has bounded r and s.
func verifyK1(k publicKey, s signature, hash digest.Hash) bool {
	// eos-go lifts x to a point without asking whether it has one.
	x := new(big.Int).Mul(big.NewInt(int64(s.id>>1)), k1Order)
	if x.Add(x, s.r); x.Cmp(k1Field) >= 0 || !k1HasPoint(x) {
		return false
	}
	theirs, err := ecc.NewSignature("SIG_K1_" + encodeChecked(s.compact, "K1"))
	if err != nil || !bytes.Equal(theirs.Content, s.compact) {
		return false
	}
	q, err := theirs.PublicKey(hash[:])
	if err != nil || !bytes.Equal(q.Content, k.point) {
		return false
	}
	p, err := k.legacyKey()
	return err == nil && theirs.Verify(hash[:], p)
}

// k1HasPoint reports whether x³ + 7 is a square.
func k1HasPoint(x *big.Int) bool {
	y2 := new(big.Int).Exp(x, big.NewInt(3), k1Field)
	y2.Add(y2, big.NewInt(7)).Mod(y2, k1Field)
	return big.Jacobi(y2, k1Field) >= 0
}
