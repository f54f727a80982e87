package reference

import (
	"math/big"
	"strings"

	"golang.org/x/crypto/ripemd160" //lint:ignore SA1019 the format asks for it; the same as eos-go uses

	"github.com/eventseal/eventseal/wasm/code"
)

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// maxTextLength is beyond any key or signature: Base58 takes quadratic time.
const maxTextLength = 128

// decodeChecked reads Base58(payload ‖ RIPEMD-160(payload ‖ suffix)[:4]) with
// a payload of exactly size bytes.
func decodeChecked(text, suffix string, size int) ([]byte, bool) {
	if len(text) > maxTextLength {
		return nil, false
	}
	zeros := 0
	for zeros < len(text) && text[zeros] == '1' {
		zeros++
	}
	n := new(big.Int)
	for i := 0; i < len(text); i++ {
		d := strings.IndexByte(base58Alphabet, text[i])
		if d < 0 {
			return nil, false
		}
		n.Mul(n, big.NewInt(58)).Add(n, big.NewInt(int64(d)))
	}
	raw := append(make([]byte, zeros), n.Bytes()...)
	if len(raw) != size+4 {
		return nil, false
	}
	payload := raw[:size]
	return payload, string(checksum(payload, suffix)) == string(raw[size:])
}

func encodeChecked(payload []byte, suffix string) string {
	raw := append(append([]byte(nil), payload...), checksum(payload, suffix)...)
	n, d := new(big.Int).SetBytes(raw), new(big.Int)
	var digits []byte
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), d)
		digits = append(digits, base58Alphabet[d.Int64()])
	}
	for _, b := range raw {
		if b != 0 {
			break
		}
		digits = append(digits, '1')
	}
	for i, j := 0, len(digits)-1; i < j; i, j = i+1, j-1 {
		digits[i], digits[j] = digits[j], digits[i]
	}
	return string(digits)
}

func checksum(payload []byte, suffix string) []byte {
	h := ripemd160.New()
	h.Write(payload)
	h.Write([]byte(suffix))
	return h.Sum(nil)[:4]
}

// A publicKey is a compressed point with its curve, "K1" or "R1".
type publicKey struct {
	curve string
	point []byte // 33 bytes
}

// parsePublicKey reads PUB_K1_, PUB_R1_ and the legacy EOS. The checksum of
// PUB_K1_ ends in "K1", the legacy one has no suffix: eos-go knows only the
// latter and would take it under either prefix.
func parsePublicKey(text string) (publicKey, error) {
	bad := refuse(code.InvalidPublicKey, "/author_pubkey", "")
	curve, suffix := "K1", "K1"
	rest, ok := strings.CutPrefix(text, "PUB_K1_")
	if !ok {
		if rest, ok = strings.CutPrefix(text, "PUB_R1_"); ok {
			curve, suffix = "R1", "R1"
		} else if rest, ok = strings.CutPrefix(text, "EOS"); ok {
			suffix = ""
		} else {
			return publicKey{}, bad
		}
	}
	point, ok := decodeChecked(rest, suffix, 33)
	if !ok {
		return publicKey{}, bad
	}
	k := publicKey{curve, point}
	if curve == "K1" && !k.onK1() || curve == "R1" && !k.onR1() {
		return publicKey{}, bad
	}
	return k, nil
}

// A signature is a compact signature with its curve, "K1" or "R1": a header
// of 31 + recovery id, then r and s.
type signature struct {
	curve   string
	compact []byte // 65 bytes
	r, s    *big.Int
	id      uint // recovery id, 0 … 3
}

// parseSignature reads SIG_K1_ and SIG_R1_ and holds the numbers to their
// ranges, without which eos-go crashes.
func parseSignature(text string) (signature, error) {
	bad := refuse(code.InvalidSignature, "/sig", "")
	curve := "K1"
	rest, ok := strings.CutPrefix(text, "SIG_K1_")
	if !ok {
		curve = "R1"
		if rest, ok = strings.CutPrefix(text, "SIG_R1_"); !ok {
			return signature{}, bad
		}
	}
	raw, ok := decodeChecked(rest, curve, 65)
	if !ok || raw[0] < 31 || raw[0] > 34 {
		return signature{}, bad
	}
	s := signature{curve, raw, new(big.Int).SetBytes(raw[1:33]), new(big.Int).SetBytes(raw[33:]), uint(raw[0] - 31)}
	n := k1Order
	if curve == "R1" {
		n = r1Order
	}
	if s.r.Sign() == 0 || s.s.Sign() == 0 || s.r.Cmp(n) >= 0 || s.s.Cmp(n) >= 0 {
		return signature{}, bad
	}
	if curve == "K1" && !(dense(raw[1:33]) && dense(raw[33:])) {
		return signature{}, refuse(code.NoncanonicalSignature, "/sig", "")
	}
	return s, nil
}

// dense is half of EOSIO's is_canonical: as a DER integer b takes exactly 32
// bytes, neither a sign byte more nor a zero byte less.
func dense(b []byte) bool {
	return b[0] < 0x80 && (b[0] != 0 || b[1] >= 0x80)
}
