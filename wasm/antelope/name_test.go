package antelope

import (
	"strings"
	"testing"
)

// spell is the text of a name by the chain's own rule: the thirteen digits of
// its number, without those at the end that are 0.
func spell(n uint64) string {
	const digits = ".12345abcdefghijklmnopqrstuvwxyz"
	text := []byte{digits[n&15]}
	for n >>= 4; len(text) < maxName; n >>= 5 {
		text = append([]byte{digits[n&31]}, text...)
	}
	return strings.TrimRight(string(text), ".")
}

func TestNames(t *testing.T) {
	for name, want := range map[string]uint64{
		"eosio": 0x5530ea0000000000, "post": postAction, "a": 6 << 59, "zzzzzzzzzzzzj": ^uint64(0), "............1": 1, ".1": 1 << 54,
	} {
		if got, ok := ParseName([]byte(name)); !ok || got != want || spell(want) != name {
			t.Errorf("%s is %x, %v; %x is spelt %s", name, got, ok, want, spell(want))
		}
	}
	for _, name := range []string{"", ".", "a.", "zzzzzzzzzzzzk", "aaaaaaaaaaaa.", "aaaaaaaaaaaaaa", "A", "UPPER", "a6", "a0", "a b", "a\x00", "ä", "a-b", "a_b"} {
		if n, ok := ParseName([]byte(name)); ok {
			t.Errorf("%q is %x", name, n)
		}
	}
}

// A name is what spells its number, and nothing else.
func FuzzName(f *testing.F) {
	f.Add("eosio.token", uint64(0x5530ea033482a600))
	f.Add("zzzzzzzzzzzzj", ^uint64(0))
	f.Fuzz(func(t *testing.T, text string, n uint64) {
		if got, ok := ParseName([]byte(text)); ok && spell(got) != text {
			t.Fatalf("%q is %x, which is spelt %q", text, got, spell(got))
		}
		if got, ok := ParseName([]byte(spell(n))); n != 0 && (!ok || got != n) {
			t.Fatalf("%x is spelt %q, which is %x, %v", n, spell(n), got, ok)
		}
	})
}
