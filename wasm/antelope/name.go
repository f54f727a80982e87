// Package antelope reads what an Antelope chain is sent: names, and packed
// transactions. It is strict, so that what it takes has one spelling, and
// allocates nothing.
package antelope

// maxName is how many characters a name may have. The last of so many has four
// bits, the others five.
const maxName = 13

// ParseName reads the name of an account, an action or a permission: 1 to 13 of
// '.', 1 to 5 and a to z, in the 13th place at most j, without a '.' at the end.
//
//go:noinline
func ParseName(text []byte) (name uint64, ok bool) {
	if len(text) == 0 || len(text) > maxName || text[len(text)-1] == '.' {
		return 0, false
	}
	for i, c := range text {
		switch {
		case c == '.':
			c = 0
		case '1' <= c && c <= '5':
			c -= '0'
		case 'a' <= c && c <= 'z':
			c -= 'a' - 6
		default:
			return 0, false
		}
		if i < maxName-1 {
			name |= uint64(c) << (59 - 5*i)
		} else if name |= uint64(c); c > 15 {
			return 0, false
		}
	}
	return name, true
}
