// Package digest holds the hash functions and encodings that events are named
// and signed with, lean enough for TinyGo: no fmt, no reflection, no allocation.
package digest

// Size is the length of a Hash in bytes.
const Size = 32

// A Hash is a SHA-256 digest in the byte order of FIPS 180-4. An event's Hash
// is the SHA-256 of its preimage; it is the event's identity everywhere.
type Hash [Size]byte

const hexDigits = "0123456789abcdef"

// String returns h as 64 lower-case hex digits.
func (h Hash) String() string { return string(h.AppendHex(make([]byte, 0, 2*Size))) }

// AppendHex appends h to dst as 64 lower-case hex digits.
//
//go:noinline
func (h Hash) AppendHex(dst []byte) []byte {
	for _, b := range h {
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

// ParseHash reads exactly 64 lower-case hex digits. ok is false for anything
// else, upper case included: a hash has one spelling.
//
//go:noinline
func ParseHash[T string | []byte](s T) (h Hash, ok bool) {
	if len(s) != 2*Size {
		return Hash{}, false
	}
	for i := range h {
		hi, lo := nibble(s[2*i]), nibble(s[2*i+1])
		if hi > 15 || lo > 15 {
			return Hash{}, false
		}
		h[i] = hi<<4 | lo
	}
	return h, true
}

// Parse is ParseHash without a copy. h is undefined where it returns false.
func (h *Hash) Parse(text []byte) bool { return len(text) == 2*Size && Unhex(h[:], text) }

// Unhex reads len(text)/2 bytes in lower-case hex digits, and reports whether
// text is nothing else. dst has room for them, and may begin where text does.
//
//go:noinline
func Unhex(dst, text []byte) bool {
	for i := range text {
		n := nibble(text[i])
		if n > 15 {
			return false
		}
		if i%2 == 0 {
			dst[i/2] = n << 4
		} else {
			dst[i/2] |= n
		}
	}
	return len(text)%2 == 0
}

func nibble(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	}
	return 0xff
}
