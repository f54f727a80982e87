package chain

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

func TestNames(t *testing.T) {
	for s, want := range map[string]name{"eosio": 0x5530ea0000000000, "post": 0xad31900000000000, "event": 0x56d53c8000000000, "zzzzzzzzzzzzj": 0xffffffffffffffff} {
		if n, err := parseName(s); err != nil || n != want || n.String() != s {
			t.Errorf("%s: %x %v", s, uint64(n), err)
		}
	}
	for _, s := range []string{"", "UPPER", "a6", "trailing.", "zzzzzzzzzzzzk", "abcdefabcdefab", "."} {
		if n, err := parseName(s); err == nil {
			t.Errorf("%q is %x", s, uint64(n))
		}
	}
}

// The pair that every EOSIO tutorial has.
func TestKeyTexts(t *testing.T) {
	secret, err := parseText("PVT_K1_", "PVT_K1_2bfGi9rYsXQSXXTvJbDAPhHLQUojjaNLomdm3cEJ1XTzMqUt3V", 32)
	if err != nil {
		t.Fatal(err)
	}
	public := text("PUB_K1_", secp256k1.PrivKeyFromBytes(secret).PubKey().SerializeCompressed())
	if want := "PUB_K1_6MRyAjQq8ud7hVNYcfnVPJqcVpscN5So8BhtHuGYqET5BoDq63"; public != want {
		t.Errorf("%s, want %s", public, want)
	}
	if _, err := parsePublic(public[:len(public)-1] + "4"); err == nil {
		t.Error("a wrong checksum passes")
	}
	if noSignature != "SIG_K1_111111111111111111111111111111111111111111111111111111111111111116uk5ne" {
		t.Error(noSignature)
	}
}

// A tree is a sorted map, and one that was kept stays as it was.
func TestTree(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var at tree[int]
	want := map[string]int{}
	var kept tree[int]
	var keptKeys []string
	for i := range 3000 {
		key := string([]byte{byte(r.IntN(3)), byte(r.IntN(256))})
		if r.IntN(3) == 0 {
			at = at.without(key)
			delete(want, key)
		} else {
			at = at.with(key, i)
			want[key] = i
		}
		if i == 1500 {
			kept, keptKeys = at, keys(at)
		}
	}
	sorted := keys(at)
	if len(sorted) != len(want) || !slices.IsSorted(sorted) {
		t.Fatalf("%d keys, want %d", len(sorted), len(want))
	}
	for i, key := range sorted {
		if v, ok := at.get(key); !ok || v != want[key] {
			t.Errorf("%q is %d, want %d", key, v, want[key])
		}
		if k, _, ok := at.before(key); ok != (i > 0) || ok && k != sorted[i-1] {
			t.Errorf("before %q is %q", key, k)
		}
	}
	if !slices.Equal(keys(kept), keptKeys) {
		t.Error("what was kept has changed")
	}
	if d := depth(at.root); d > 40 {
		t.Errorf("%d keys are %d deep", len(want), d)
	}
}

func keys(t tree[int]) []string {
	var list []string
	for k, _, ok := t.from(""); ok; k, _, ok = t.from(k + "\x00") {
		list = append(list, k)
	}
	return list
}

func depth[V any](n *branching[V]) int {
	if n == nil {
		return 0
	}
	return 1 + max(depth(n.left), depth(n.right))
}
