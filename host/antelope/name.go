package antelope

import (
	"fmt"
	"strings"
)

// A Name is what accounts, permissions, actions and tables are called by: up to
// twelve characters of five bits, the first one highest, and a thirteenth of
// four. The zero Name has the text "".
type Name uint64

const letters = ".12345abcdefghijklmnopqrstuvwxyz"

// Bits of a Name: where its character i begins, and how many there are.
func place(i int) (shift, mask int) {
	if i == 12 {
		return 0, 15
	}
	return 64 - 5*(i+1), 31
}

// ParseName reads the one spelling of a name other than the zero Name: 1 to 13 of
// a–z, 1–5 and dots, of which the last is none, and the thirteenth is not
// beyond j.
func ParseName(s string) (n Name, err error) {
	if s == "" || len(s) > 13 || s[len(s)-1] == '.' {
		return 0, badName(s)
	}
	for i := range len(s) {
		shift, mask := place(i)
		v := strings.IndexByte(letters, s[i])
		if v < 0 || v > mask {
			return 0, badName(s)
		}
		n |= Name(v) << shift
	}
	return n, nil
}

func badName(s string) error {
	return fmt.Errorf("%.40q is no name of a chain: up to 12 of a-z, 1-5 and dots, and a 13th up to j; no dot at the end", s)
}

// String returns the text of the name, without dots at its end.
func (n Name) String() string {
	var b [13]byte
	for i := range b {
		shift, mask := place(i)
		b[i] = letters[int(n>>shift)&mask]
	}
	return strings.TrimRight(string(b[:]), ".")
}
