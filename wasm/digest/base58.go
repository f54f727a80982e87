package digest

// base58Alphabet is Bitcoin's: no 0, O, I or l.
const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58Value maps a byte from '1' on to its digit, 0xff when it is none.
const base58Value = "" +
	"\x00\x01\x02\x03\x04\x05\x06\x07\x08\xff\xff\xff\xff\xff\xff\xff" +
	"\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\xff\x11\x12\x13\x14\x15\xff\x16" +
	"\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x20\xff\xff\xff\xff\xff\xff" +
	"\x21\x22\x23\x24\x25\x26\x27\x28\x29\x2a\x2b\xff\x2c\x2d\x2e\x2f" +
	"\x30\x31\x32\x33\x34\x35\x36\x37\x38\x39"

const (
	// MaxBase58 is the longest byte string, in bytes, that the Base58 functions take.
	MaxBase58 = 128

	base58Limbs = MaxBase58 / 4
	// Five Base58 digits are the most that fit 32 bits.
	base58Group     = 5
	base58GroupSize = 58 * 58 * 58 * 58 * 58
)

// AppendBase58 appends the Base58 form of src, read as a big-endian number
// with each leading zero byte written as '1'. src is at most MaxBase58 bytes;
// of a longer one nothing is appended.
func AppendBase58(dst, src []byte) []byte {
	if len(src) > MaxBase58 {
		return dst
	}
	for len(src) > 0 && src[0] == 0 {
		dst = append(dst, '1')
		src = src[1:]
	}
	// limb[0] is the most significant; the first may be short.
	var limb [base58Limbs]uint32
	n := (len(src) + 3) / 4
	at := 4*n - len(src)
	for _, b := range src {
		limb[at/4] = limb[at/4]<<8 | uint32(b)
		at++
	}
	// Digits come out last first: collected from the end of a buffer.
	var text [MaxBase58*3/2 + base58Group]byte
	end := len(text)
	for first := 0; first < n; {
		var rest uint64
		for i := first; i < n; i++ {
			v := rest<<32 | uint64(limb[i])
			limb[i] = uint32(v / base58GroupSize)
			rest = v % base58GroupSize
		}
		for first < n && limb[first] == 0 {
			first++
		}
		group := uint32(rest)
		for i := 0; i < base58Group && (first < n || group > 0); i++ {
			end--
			text[end] = base58Alphabet[group%58]
			group /= 58
		}
	}
	return append(dst, text[end:]...)
}

// DecodeBase58 writes the bytes that the Base58 text src stands for to the
// front of dst and returns how many they are. ok is false, and dst's content
// undefined, when src has a byte outside the alphabet or stands for more bytes
// than dst or MaxBase58 hold. Each byte string has exactly one text, so text
// that decodes is the text that AppendBase58 writes.
func DecodeBase58(dst, src []byte) (n int, ok bool) {
	zeros := 0
	for zeros < len(src) && src[zeros] == '1' {
		zeros++
	}
	src = src[zeros:]
	var limb [base58Limbs]uint32 // limb[0] is the least significant
	used := 0
	for len(src) > 0 {
		size := (len(src)-1)%base58Group + 1 // the odd digits first, full groups after
		group, scale := uint32(0), uint64(1)
		for _, c := range src[:size] {
			i := int(c) - '1'
			if i < 0 || i >= len(base58Value) || base58Value[i] == 0xff {
				return 0, false
			}
			group = group*58 + uint32(base58Value[i])
			scale *= 58
		}
		src = src[size:]
		carry := uint64(group)
		for i := 0; i < used; i++ {
			carry += uint64(limb[i]) * scale
			limb[i] = uint32(carry)
			carry >>= 32
		}
		if carry > 0 {
			if used == len(limb) {
				return 0, false
			}
			limb[used] = uint32(carry)
			used++
		}
	}
	size := 4 * used
	for size > 0 && byte(limb[(size-1)/4]>>(8*((size-1)%4))) == 0 {
		size--
	}
	if zeros+size > len(dst) || zeros+size > MaxBase58 {
		return 0, false
	}
	clear(dst[:zeros])
	for i := 0; i < size; i++ {
		at := size - 1 - i
		dst[zeros+i] = byte(limb[at/4] >> (8 * (at % 4)))
	}
	return zeros + size, true
}
