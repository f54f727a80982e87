package checkpoint

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Signature types of C2SP signed-note.
const (
	Ed25519     = 0x01 // by the log: over the text
	Cosignature = 0x04 // by a witness: C2SP tlog-cosignature, version 1
	other       = 0xff
)

// k1 follows the byte of a type that has no number: an ECDSA signature on
// secp256k1 over the SHA-256 of the text, 65 bytes, as SIG_K1_ texts have them
// (header 31 … 34, r, s, EOS-canonical); the public key is the compressed point.
const k1 = "\xffeventseal-k1"

// A Key is a public key of a note's signature lines, under its name: a vkey.
type Key struct {
	Name string
	Kind byte   // Ed25519, Cosignature, or 0: K1
	Raw  []byte // 32 bytes of Ed25519, or the 33 bytes of the point
}

// K1 is the Kind of the keys that sign receipts.
const K1 = 0

// material is what a vkey and the key's ID are made of.
func (k Key) material() []byte {
	if k.Kind == K1 {
		return append([]byte(k1), k.Raw...)
	}
	return append([]byte{k.Kind}, k.Raw...)
}

// ID returns the key's ID: the first 4 bytes of SHA-256(name ‖ "\n" ‖ type ‖
// key), big-endian.
func (k Key) ID() uint32 {
	sum := sha256.Sum256(append([]byte(k.Name+"\n"), k.material()...))
	return binary.BigEndian.Uint32(sum[:])
}

// String returns the vkey: name+ID+base64(type ‖ key).
func (k Key) String() string {
	return fmt.Sprintf("%s+%08x+%s", k.Name, k.ID(), base64.StdEncoding.EncodeToString(k.material()))
}

// ParseKey reads a vkey of one of the three kinds, in its one spelling. Whether
// the key is a point of its curve is seen when it is used.
func ParseKey(text string) (Key, error) {
	bad := fmt.Errorf("checkpoint: %.80q is no verifier key (name+id+base64)", text)
	name, rest, ok := strings.Cut(text, "+")
	id, encoded, ok2 := strings.Cut(rest, "+")
	if !ok || !ok2 || !ValidName(name) {
		return Key{}, bad
	}
	material, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(material) == 0 {
		return Key{}, bad
	}
	k := Key{Name: name}
	switch kind, raw := material[0], material[1:]; {
	case (kind == Ed25519 || kind == Cosignature) && len(raw) == 32:
		k.Kind, k.Raw = kind, raw
	case strings.HasPrefix(string(material), k1) && len(material) == len(k1)+33:
		k.Raw = material[len(k1):]
	default:
		return Key{}, bad
	}
	if n, err := strconv.ParseUint(id, 16, 32); err != nil || uint32(n) != k.ID() || k.String() != text {
		return Key{}, bad
	}
	return k, nil
}
