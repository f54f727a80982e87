package canon

import "github.com/eventseal/eventseal/wasm/code"

// maxDigits is how many significant digits of a literal count: no double and
// no midpoint of two has more than 767, so any further ones that are not zero
// only say that the number is a little more.
const maxDigits = 770

// A number is the scratch of one number: its significant digits without
// leading or trailing zeros, and its value 0.ddd… × 10^point.
type number struct {
	digits [maxDigits + 1]byte // values 0 … 9
	n      int
	point  int
	neg    bool
	big    [3]bignum
	powers [highestPower - lowestPower + 1]wide
}

// number reads a number by the grammar of RFC 8259 section 6 and writes it as
// ECMAScript's Number::toString does (RFC 8785 section 3.2.2.3).
func (w *Writer) number() code.Code {
	src, at := w.src, w.at
	from := at
	if src[at] == '-' {
		at++
	}
	if at == len(src) {
		return code.InvalidJSON
	}
	first := at
	switch {
	case src[at] == '0':
		at++
	case '1' <= src[at] && src[at] <= '9':
		for at < len(src) && '0' <= src[at] && src[at] <= '9' {
			at++
		}
	default:
		return code.InvalidJSON
	}
	whole, fraction, exponent := at, at, 0
	integer := true
	if at < len(src) && src[at] == '.' {
		integer = false
		at++
		for at < len(src) && '0' <= src[at] && src[at] <= '9' {
			at++
		}
		if fraction = at; fraction == whole+1 {
			return code.InvalidJSON
		}
	}
	if at < len(src) && src[at]|0x20 == 'e' {
		integer = false
		at++
		sign := 1
		if at < len(src) && (src[at] == '+' || src[at] == '-') {
			if src[at] == '-' {
				sign = -1
			}
			at++
		}
		digits := at
		for ; at < len(src) && '0' <= src[at] && src[at] <= '9'; at++ {
			if exponent < 1<<27 { // beyond what any text's digits could make up for
				exponent = 10*exponent + int(src[at]-'0')
			}
		}
		if at == digits {
			return code.InvalidJSON
		}
		exponent *= sign
	}
	w.at = at
	if integer && whole-first <= 15 && (src[from] != '-' || src[first] != '0') {
		w.out = append(w.out, src[from:at]...) // exact, and its own canonical form
		return code.OK
	}
	d := &w.num
	d.neg = src[from] == '-'
	d.read(src[first:whole], src[min(whole+1, fraction):fraction])
	if d.n == 0 {
		w.out = append(w.out, '0')
		return code.OK
	}
	d.point += exponent
	// Fifteen digits survive a double (C's DBL_DIG), and no shorter ones name
	// it: what was written, without idle zeros, is its shortest form.
	if d.n > 15 || d.point < -300 || d.point > 300 {
		n, point := d.n, d.point
		bits := d.double()
		if bits == infinity {
			return code.NumberOutOfRange
		}
		if bits == 0 {
			w.out = append(w.out, '0')
			return code.OK
		}
		d.shortest(bits)
		if w.Event && integer && !d.is(n, point, src[first:whole]) {
			return code.NumberNotInteroperable
		}
	}
	w.out = d.append(w.out)
	return code.OK
}

// is reports whether the digits are those of an integer literal that has n
// significant ones.
func (d *number) is(n, point int, literal []byte) bool {
	if n != d.n || point != d.point {
		return false
	}
	for i := 0; i < n; i++ {
		if literal[i] != '0'+d.digits[i] {
			return false
		}
	}
	return true
}

// read takes the significant digits of whole.fraction.
func (d *number) read(whole, fraction []byte) {
	d.n, d.point = 0, 0
	more := false
	for _, b := range whole {
		if d.n > 0 || b != '0' {
			d.point++
			more = d.add(b-'0') || more
		}
	}
	for _, b := range fraction {
		if d.n > 0 || b != '0' {
			more = d.add(b-'0') || more
		} else {
			d.point--
		}
	}
	if more {
		d.digits[maxDigits] = 1
		d.n = maxDigits + 1
	}
	for d.n > 0 && d.digits[d.n-1] == 0 {
		d.n--
	}
}

// add appends a digit; true if it does not count and is not zero.
func (d *number) add(digit byte) bool {
	if d.n == maxDigits {
		return digit != 0
	}
	d.digits[d.n] = digit
	d.n++
	return false
}

// append writes the digits as ECMA-262's Number::toString lays them out.
func (d *number) append(dst []byte) []byte {
	if d.neg {
		dst = append(dst, '-')
	}
	n, point := d.n, d.point
	switch {
	case n <= point && point <= 21:
		dst = d.some(dst, 0, n)
		for ; n < point; n++ {
			dst = append(dst, '0')
		}
	case 0 < point && point <= 21:
		dst = d.some(dst, 0, point)
		dst = d.some(append(dst, '.'), point, n)
	case -6 < point && point <= 0:
		dst = append(dst, '0', '.')
		for ; point < 0; point++ {
			dst = append(dst, '0')
		}
		dst = d.some(dst, 0, n)
	default:
		dst = d.some(dst, 0, 1)
		if n > 1 {
			dst = d.some(append(dst, '.'), 1, n)
		}
		dst = append(dst, 'e')
		e := point - 1
		if e < 0 {
			dst = append(dst, '-')
			e = -e
		} else {
			dst = append(dst, '+')
		}
		dst = AppendIndex(dst, uint32(e))
	}
	return dst
}

func (d *number) some(dst []byte, from, to int) []byte {
	for _, b := range d.digits[from:to] {
		dst = append(dst, '0'+b)
	}
	return dst
}
