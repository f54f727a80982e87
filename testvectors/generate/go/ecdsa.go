package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"math/big"
	"slices"

	"github.com/eoscanada/eos-go/btcsuite/btcd/btcec"
	"github.com/eoscanada/eos-go/btcsuite/btcutil"
	"github.com/eoscanada/eos-go/ecc"
)

var curve = btcec.S256()

// signedWith is the K1 signature of a hash with a nonce; false if it is not
// canonical.
func signedWith(wif string, hash []byte, nonce *big.Int) (string, bool) {
	n := curve.N
	x := new(big.Int).SetBytes(must(btcutil.DecodeWIF(wif)).PrivKey.Serialize())
	rx, ry := curve.ScalarBaseMult(nonce.Bytes())
	s := new(big.Int).Mul(rx, x)
	s.Add(s, new(big.Int).SetBytes(hash)).Mul(s, new(big.Int).ModInverse(nonce, n)).Mod(s, n)
	id := byte(ry.Bit(0))
	if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
		s.Sub(n, s)
		id ^= 1
	}
	if !plain(rx) || !plain(s) {
		return "", false
	}
	compact := slices.Concat([]byte{31 + id}, rx.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32)))
	return must(ecc.NewSignatureFromData(append([]byte{0}, compact...))).String(), true
}

// plain is whether a number takes exactly 32 bytes as a positive DER integer.
func plain(x *big.Int) bool {
	top := new(big.Int).Rsh(x, 240).Int64()
	return 0x80 <= top && top <= 0x7fff
}

// walked is how sign_receipt signs: the nonce is HMAC-DRBG's of key ‖ hash mod
// n ‖ draw ‖ 1, or the first after it whose point has an abscissa that is
// plain; where s is not, the next draw.
func walked(wif string, hash []byte) string {
	key := must(btcutil.DecodeWIF(wif)).PrivKey.Serialize()
	z := new(big.Int).Mod(new(big.Int).SetBytes(hash), curve.N).FillBytes(make([]byte, 32))
	mac := func(key []byte, parts ...[]byte) []byte {
		h := hmac.New(sha256.New, key)
		for _, p := range parts {
			h.Write(p)
		}
		return h.Sum(nil)
	}
	for draw := byte(1); ; draw++ {
		k, v := make([]byte, 32), slices.Repeat([]byte{1}, 32)
		for tag := range byte(2) {
			k = mac(k, v, []byte{tag}, key, z, []byte{draw, 1})
			v = mac(k, v)
		}
		nonce := new(big.Int).SetBytes(mac(k, v))
		for {
			if rx, _ := curve.ScalarBaseMult(nonce.Bytes()); plain(rx) {
				break
			}
			nonce.Add(nonce, big.NewInt(1))
		}
		if sig, ok := signedWith(wif, hash, nonce); ok {
			return sig
		}
	}
}

// recovered is the key that signed a receipt, if one could have.
func recovered(r object) (string, bool) {
	o := clone(r)
	delete(o, "sig")
	sum := sha256.Sum256(canonical(o))
	sig := must(ecc.NewSignature(r["sig"].(string)))
	key, err := sig.PublicKey(sum[:])
	if err != nil {
		return "", false
	}
	return pointText(key.Content), true
}

// otherSText is a signature's text with n − s and the other recovery id.
func otherSText(text string) string {
	sig := must(ecc.NewSignature(text))
	compact := otherS(append(make([]byte, 4), sig.Content...))[4:]
	return must(ecc.NewSignatureFromData(append([]byte{0}, compact...))).String()
}
