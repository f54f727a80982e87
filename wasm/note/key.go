package note

import "github.com/eventseal/eventseal/wasm/digest"

// A Kind says what a key is and what it signs.
type Kind uint8

const (
	// Ed25519 is a log's key: it signs the text (C2SP signed-note, type 0x01).
	Ed25519 Kind = iota
	// Cosignature is a witness's Ed25519 key: it signs a time and the text
	// (C2SP tlog-cosignature, type 0x04).
	Cosignature
	// K1 is the secp256k1 key that a host signs receipts with: it signs the
	// SHA-256 of the text. A signature has 65 bytes, as in SIG_K1_ texts.
	K1
)

// types stand before a key where it is named: its signature type. That of K1
// has no number, so that 0xff and a name stand for it.
var types = [...]string{"\x01", "\x04", "\xffeventseal-k1"}

const (
	maxMaterial = len("\xffeventseal-k1") + maxRaw
	maxRaw      = 33
)

// A Key is a public key under its name. Two of them sign a note as different
// keys if their names differ.
type Key struct {
	Name []byte
	Kind Kind
	Raw  [maxRaw]byte // 32 bytes, or the 33 of a compressed point
	ID   uint32       // the first 4 bytes of SHA-256(name ‖ "\n" ‖ type ‖ key), big-endian
}

// size is how long the raw key is.
func (k *Key) size() int {
	if k.Kind == K1 {
		return maxRaw
	}
	return 32
}

// SetID makes the ID that of the other fields.
func (k *Key) SetID() {
	var s digest.State
	var sum digest.Hash
	s.Reset()
	s.Write(k.Name)
	var newline = [1]byte{'\n'}
	s.Write(newline[:])
	var t [maxMaterial]byte
	s.Write(t[:copy(t[:], types[k.Kind])])
	s.Write(k.Raw[:k.size()])
	s.Sum(&sum)
	k.ID = uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
}

// Parse reads a verifier key, name+ID+base64(type ‖ key), in its one spelling.
// The name is a view of text. Whether the key is a point of its curve is seen
// when it is used.
func (k *Key) Parse(text []byte) bool {
	*k = Key{}
	at := index(text, '+')
	if at < 0 || !ValidName(text[:at]) {
		return false
	}
	k.Name = text[:at]
	text = text[at+1:]
	if len(text) < 10 || text[8] != '+' {
		return false
	}
	var id uint32
	for _, c := range text[:8] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return false
		}
		id = id<<4 | uint32(c)
	}
	var material [maxMaterial]byte
	n := decode(material[:], text[9:])
	for kind, t := range types {
		k.Kind = Kind(kind)
		if n == len(t)+k.size() && digest.HasPrefix(material[:], t) {
			copy(k.Raw[:], material[len(t):n])
			k.SetID()
			return k.ID == id
		}
	}
	return false
}

// index returns the place of the first c in b, −1 if there is none.
func index(b []byte, c byte) int {
	for i, x := range b {
		if x == c {
			return i
		}
	}
	return -1
}
