package chain

import (
	"fmt"
	"strings"
)

// A name is an account's, action's, permission's or table's: 13 characters of
// five bits, the last of four (libraries/chain/include/eosio/chain/name.hpp).
type name uint64

const nameAlphabet = ".12345abcdefghijklmnopqrstuvwxyz"

// parseName reads a name in its one spelling.
func parseName(s string) (name, error) {
	var n uint64
	if len(s) == 0 || len(s) > 13 {
		return 0, fmt.Errorf("chain: %q is no name", s)
	}
	for i := range 13 {
		var v int
		if i < len(s) {
			if v = strings.IndexByte(nameAlphabet, s[i]); v < 0 {
				return 0, fmt.Errorf("chain: %q is no name", s)
			}
		}
		if i < 12 {
			n = n<<5 | uint64(v)
		} else if v < 16 {
			n = n<<4 | uint64(v)
		} else {
			return 0, fmt.Errorf("chain: %q is no name", s)
		}
	}
	if name(n).String() != s {
		return 0, fmt.Errorf("chain: %q is no name", s)
	}
	return name(n), nil
}

// mustName is for the names that are written here.
func mustName(s string) name {
	n, err := parseName(s)
	if err != nil {
		panic(err)
	}
	return n
}

var (
	ownerName  = mustName("owner")
	activeName = mustName("active")
	systemName = mustName("eosio")
)

func (n name) String() string {
	var b [13]byte
	v := uint64(n)
	for i := 12; i >= 0; i-- {
		if i == 12 {
			b[i], v = nameAlphabet[v&15], v>>4
		} else {
			b[i], v = nameAlphabet[v&31], v>>5
		}
	}
	return strings.TrimRight(string(b[:]), ".")
}

// MarshalText makes a name its text in JSON.
func (n name) MarshalText() ([]byte, error) { return []byte(n.String()), nil }
