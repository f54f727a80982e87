package digest

// Base58 of secrets: what these functions do, and where in memory, depends on
// lengths alone. Those of the text and of its leading run of '1' are what
// anyone sees who sees the text's place.

// MaxSecret is the longest secret, in bytes, that the functions take.
const MaxSecret = 40

const (
	secretLimbs  = MaxSecret / 4
	secretDigits = 55 // of MaxSecret bytes
)

// DecodeSecret is DecodeBase58 in constant time: it fills dst, of at most
// MaxSecret bytes, and reports whether src stands for exactly as many. If not,
// what dst holds is undefined.
func DecodeSecret(dst, src []byte) bool {
	if len(dst) > MaxSecret || len(src) > 2*MaxSecret {
		return false
	}
	var limb [secretLimbs]uint32 // the least significant first
	var bad, ones uint32
	leading := uint32(1)
	for _, c := range src {
		d := digitOf(c)
		bad |= (d - 1) >> 31 // 0: no digit
		d--
		leading &= isZero(d)
		ones += leading
		carry := uint64(d)
		for i := range limb {
			carry += uint64(limb[i]) * 58
			limb[i] = uint32(carry)
			carry >>= 32
		}
		bad |= uint32(carry)
	}
	for i := range MaxSecret {
		b := byte(limb[i/4] >> (8 * (i % 4)))
		if i < len(dst) {
			dst[len(dst)-1-i] = b
		} else {
			bad |= uint32(b) // more bytes than dst has
		}
	}
	limb = [secretLimbs]uint32{}
	return bad|(leadingZeros(dst)^ones) == 0
}

// AppendSecret is AppendBase58 in constant time, for src of at most MaxSecret
// bytes; of a longer one nothing is appended.
func AppendSecret(dst, src []byte) []byte {
	if len(src) > MaxSecret {
		return dst
	}
	var digits [secretDigits]byte // the most significant first
	for _, b := range src {
		carry := uint32(b)
		for i := secretDigits - 1; i >= 0; i-- {
			carry += uint32(digits[i]) << 8
			q := carry * 36158 >> 21 // carry / 58: no division, whose time may vary
			digits[i] = byte(carry - 58*q)
			carry = q
		}
	}
	text := digits[leadingZeros(digits[:])-leadingZeros(src):]
	for i, d := range text {
		text[i] = letterOf(uint32(d))
	}
	dst = append(dst, text...)
	digits = [secretDigits]byte{}
	return dst
}

// digitOf returns the digit that a letter is plus one, 0 if it is none.
func digitOf(c byte) uint32 {
	x := uint32(c)
	return within(x, '1', '9')&(x-'1'+1) | within(x, 'A', 'H')&(x-'A'+10) | within(x, 'J', 'N')&(x-'J'+18) |
		within(x, 'P', 'Z')&(x-'P'+23) | within(x, 'a', 'k')&(x-'a'+34) | within(x, 'm', 'z')&(x-'m'+45)
}

// letterOf returns the letter of a digit.
func letterOf(d uint32) byte {
	return byte('1' + d + above(d, 8)&7 + above(d, 16)&1 + above(d, 21)&1 + above(d, 32)&6 + above(d, 43)&1)
}

// within returns ones in the low bits where low ≤ x ≤ high, all of them bytes.
func within(x, low, high uint32) uint32 { return (low - 1 - x) & (x - high - 1) >> 8 }

// above returns ones in the low bits where x > y, both of them bytes.
func above(x, y uint32) uint32 { return (y - x) >> 8 }

// isZero returns 1 if x is 0, else 0, for numbers below 2³¹ and for 2³² − 1.
func isZero(x uint32) uint32 { return (x - 1) &^ x >> 31 }

// leadingZeros counts the zeros that b begins with.
func leadingZeros(b []byte) (n uint32) {
	leading := uint32(1)
	for _, x := range b {
		leading &= isZero(uint32(x))
		n += leading
	}
	return n
}
