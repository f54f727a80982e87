package merkle

import (
	"fmt"
	"slices"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"

	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

func tree(size int) *testonly.Tree {
	t := testonly.New(rfc6962.DefaultHasher)
	for i := range size {
		h := digest.SHA256(fmt.Append(nil, i))
		t.AppendData(h[:])
	}
	return t
}

// theirs is what transparency-dev says of a consistency proof. It takes any
// from 0 and, without hashes, one from a tree to itself; here there are none.
func theirs(first, second uint64, path []byte, a, b digest.Hash) bool {
	var hashes [][]byte
	for p := range slices.Chunk(path, digest.Size) {
		hashes = append(hashes, p)
	}
	return 0 < first && first < second && proof.VerifyConsistency(rfc6962.DefaultHasher, first, second, hashes, a[:], b[:]) == nil
}

func hold(t *testing.T, first, second uint64, path []byte, a, b digest.Hash) (consistent bool) {
	t.Helper()
	ours := Consistent(first, second, path, &a, &b)
	if ours != code.OK && ours != code.InvalidProof {
		t.Fatal(ours)
	}
	if want := theirs(first, second, path, a, b); want != (ours == code.OK) {
		t.Fatalf("from %d to %d with %x: %v, transparency-dev says %v", first, second, path, ours, want)
	}
	return ours == code.OK
}

// Every pair of sizes with every proof of a pair near it, whole and spoilt.
func TestConsistent(t *testing.T) {
	const most = 34
	whole := tree(most)
	root := func(size uint64) digest.Hash { return digest.Hash(whole.HashAt(size)) }
	for second := uint64(1); second <= most; second++ {
		for first := uint64(1); first < second; first++ {
			hashes, err := whole.ConsistencyProof(first, second)
			if err != nil {
				t.Fatal(err)
			}
			path := slices.Concat(hashes...)
			if !hold(t, first, second, path, root(first), root(second)) {
				t.Errorf("from %d to %d: refused", first, second)
			}
			for _, a := range []uint64{first - 1, first + 1, first * 2, second, 0} {
				for _, b := range []uint64{second - 1, second, second + 1, second * 2, 0} {
					hold(t, a, b, path, root(first), root(second))
					hold(t, a, b, path, root(min(max(a, 1), most)), root(min(max(b, 1), most)))
				}
			}
			other := digest.SHA256([]byte("other"))
			spoilt := [][]byte{path[digest.Size:], path[:len(path)-digest.Size], append(slices.Clone(path), other[:]...), append(other[:], path...), path[:len(path)-1], append(slices.Clone(path), 0), nil}
			for at := 0; at < len(path); at += digest.Size {
				p := slices.Clone(path)
				p[at+at/digest.Size] ^= 1
				spoilt = append(spoilt, p)
				p = slices.Clone(path)
				copy(p[at:], path[:digest.Size])
				copy(p, path[at:at+digest.Size])
				if at > 0 {
					spoilt = append(spoilt, p)
				}
			}
			for _, p := range spoilt {
				if len(p)%digest.Size == 0 {
					hold(t, first, second, p, root(first), root(second))
				}
				if a, b := root(first), root(second); Consistent(first, second, p, &a, &b) == code.OK {
					t.Errorf("from %d to %d with %x: taken", first, second, p)
				}
			}
			hold(t, first, second, path, root(second), root(first))
			hold(t, first, second, path, other, root(second))
			hold(t, first, second, path, root(first), other)
		}
	}
}

func FuzzConsistent(f *testing.F) {
	whole := tree(300)
	for _, s := range [][2]uint64{{1, 2}, {3, 7}, {4, 7}, {6, 8}, {128, 300}, {299, 300}, {255, 257}} {
		hashes, err := whole.ConsistencyProof(s[0], s[1])
		if err != nil {
			f.Fatal(err)
		}
		f.Add(s[0], s[1], slices.Concat(hashes...))
	}
	f.Fuzz(func(t *testing.T, first, second uint64, path []byte) {
		a, b := digest.Hash(whole.HashAt(first%301)), digest.Hash(whole.HashAt(second%301))
		if path = path[:len(path)/digest.Size*digest.Size]; hold(t, first, second, path, a, b) && (first > 300 || second > 300) {
			t.Fatalf("%d to %d", first, second)
		}
	})
}

func TestProvingAllocatesNothing(t *testing.T) {
	whole := tree(300)
	hashes, err := whole.ConsistencyProof(99, 300)
	if err != nil {
		t.Fatal(err)
	}
	path, a, b := slices.Concat(hashes...), digest.Hash(whole.HashAt(99)), digest.Hash(whole.HashAt(300))
	if n := testing.AllocsPerRun(20, func() { Consistent(99, 300, path, &a, &b) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
