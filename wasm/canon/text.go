package canon

// MaxSafeInteger is the largest integer that every reader of JSON gets exactly:
// 2⁵³ − 1 (RFC 7493 section 2.2).
const MaxSafeInteger = 1<<53 - 1

// Uint reads a number in canonical form that is an integer from 0 to
// MaxSafeInteger.
func Uint(value []byte) (n uint64, ok bool) {
	if len(value) > 16 {
		return 0, false
	}
	for _, b := range value {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = n*10 + uint64(b-'0')
	}
	return n, n <= MaxSafeInteger
}

// AppendUint appends n in decimal digits.
func AppendUint(dst []byte, n uint64) []byte {
	if n >= 10 {
		dst = AppendUint(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}

// Unquote returns what is between the quotes of a string in canonical form,
// with its escapes; false if it is no string.
func Unquote(value []byte) ([]byte, bool) {
	if value[0] != '"' {
		return nil, false
	}
	return value[1 : len(value)-1], true
}

// AppendText appends the bytes that a string in canonical form stands for;
// escaped is what Unquote returns.
func AppendText(dst, escaped []byte) []byte {
	n := name{rest: escaped}
	for b := n.next(); b >= 0; b = n.next() {
		dst = append(dst, byte(b))
	}
	return dst
}

// AppendString appends s as a JSON string. Bytes that are not UTF-8 stay, and
// Write refuses them.
func AppendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, b := range s {
		switch {
		case b == '"' || b == '\\':
			dst = append(dst, '\\', b)
		case b < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		default:
			dst = append(dst, b)
		}
	}
	return append(dst, '"')
}
