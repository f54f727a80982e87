package note

// decode reads the standard Base64 form of RFC 4648 section 4, with padding
// and no bits to spare, and returns how many bytes it stands for, −1 if it is
// malformed. As many of them as there is room for go to dst.
func decode(dst, src []byte) int {
	if len(src)%4 != 0 {
		return -1
	}
	n := 0
	for ; len(src) > 0; src = src[4:] {
		var acc uint32
		digits := 4
		for i, c := range src[:4] {
			d := digitOf(c)
			if c == '=' && len(src) == 4 && (i == 3 || i == 2 && src[3] == '=') {
				digits = min(digits, i)
				d = 0
			}
			if d > 63 {
				return -1
			}
			acc = acc<<6 | d
		}
		if digits == 3 && acc&0xff != 0 || digits == 2 && acc&0xffff != 0 {
			return -1
		}
		for i := range digits - 1 {
			if n < len(dst) {
				dst[n] = byte(acc >> (16 - 8*i))
			}
			n++
		}
	}
	return n
}

// digitOf returns the value of a digit, more than 63 for anything else.
func digitOf(c byte) uint32 {
	switch {
	case 'A' <= c && c <= 'Z':
		return uint32(c - 'A')
	case 'a' <= c && c <= 'z':
		return uint32(c-'a') + 26
	case '0' <= c && c <= '9':
		return uint32(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return 64
}
