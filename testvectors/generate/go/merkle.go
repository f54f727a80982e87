package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
)

func leaf(i int) []byte {
	h := sha256.Sum256(fmt.Appendf(nil, "eventseal test vectors/leaf %d", i))
	return h[:]
}

func hexes(path [][]byte) []string {
	out := make([]string, len(path))
	for i, p := range path {
		out[i] = hex.EncodeToString(p)
	}
	return out
}

// inclusion holds every proof of every tree of up to 17 leaves and some of
// larger ones, and what can be wrong with a proof.
func inclusion() (out []vector) {
	tree := testonly.New(rfc6962.DefaultHasher)
	for i := range 5000 {
		tree.AppendData(leaf(i))
	}
	in := func(index, size uint64) object {
		path, err := tree.InclusionProof(index, size)
		if err != nil {
			log.Fatal(err)
		}
		root := tree.HashAt(size)
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, rfc6962.DefaultHasher.HashLeaf(leaf(int(index))), path, root); err != nil {
			log.Fatal(err)
		}
		return object{"hash": hex.EncodeToString(leaf(int(index))), "index": index, "size": size, "path": hexes(path), "root": hex.EncodeToString(root)}
	}
	for size := uint64(1); size <= 17; size++ {
		for index := range size {
			out = append(out, vector{Name: fmt.Sprintf("%d of %d", index, size), Op: "inclusion", In: in(index, size), Out: object{}})
		}
	}
	for _, size := range []uint64{31, 32, 33, 63, 64, 65, 100, 255, 256, 257, 1000, 4095, 4096, 4097, 5000} {
		for _, index := range []uint64{0, 1, size / 2, size - 2, size - 1} {
			out = append(out, vector{Name: fmt.Sprintf("%d of %d", index, size), Op: "inclusion", In: in(index, size), Out: object{}})
		}
	}

	bad := func(name string, index, size uint64, spoil func(o object, path []string) []string) {
		o := in(index, size)
		o["path"] = spoil(o, append([]string{}, o["path"].([]string)...))
		out = append(out, vector{Name: name, Op: "inclusion", In: o, Refuse: &refuse{Code: "invalid_proof"}})
		// The other library must refuse it too, where its arguments can say it.
		var path [][]byte
		for _, p := range o["path"].([]string) {
			b, err := hex.DecodeString(p)
			if err != nil {
				return
			}
			path = append(path, b)
		}
		h, _ := hex.DecodeString(o["hash"].(string))
		root, _ := hex.DecodeString(o["root"].(string))
		if proof.VerifyInclusion(rfc6962.DefaultHasher, o["index"].(uint64), o["size"].(uint64), rfc6962.DefaultHasher.HashLeaf(h), path, root) == nil {
			log.Fatalf("%s is a valid proof", name)
		}
	}
	other := hex.EncodeToString(leaf(4999))
	for _, at := range [][2]uint64{{0, 1}, {0, 2}, {1, 2}, {2, 3}, {5, 11}, {10, 11}, {63, 64}, {99, 100}, {2500, 5000}} {
		i, n := at[0], at[1]
		name := func(s string) string { return fmt.Sprintf("%d of %d, %s", i, n, s) }
		bad(name("another event"), i, n, func(o object, p []string) []string { o["hash"] = other; return p })
		bad(name("another root"), i, n, func(o object, p []string) []string { o["root"] = other; return p })
		bad(name("a hash more"), i, n, func(o object, p []string) []string { return append(p, other) })
		bad(name("a hash more in front"), i, n, func(o object, p []string) []string { return append([]string{other}, p...) })
		bad(name("index is the size"), i, n, func(o object, p []string) []string { o["index"] = n; return p })
		bad(name("index is beyond the size"), i, n, func(o object, p []string) []string { o["index"] = n + 1; return p })
		bad(name("size is zero"), i, n, func(o object, p []string) []string { o["size"] = uint64(0); return p })
		bad(name("size and index are zero"), i, n, func(o object, p []string) []string { o["size"], o["index"] = uint64(0), uint64(0); return p })
		if n > 1 {
			bad(name("a hash less"), i, n, func(o object, p []string) []string { return p[:len(p)-1] })
			bad(name("no first hash"), i, n, func(o object, p []string) []string { return p[1:] })
			bad(name("no path"), i, n, func(o object, p []string) []string { return []string{} })
			bad(name("neighbour's index"), i, n, func(o object, p []string) []string { o["index"] = i ^ 1; return p })
			bad(name("last hash changed"), i, n, func(o object, p []string) []string { p[len(p)-1] = other; return p })
			bad(name("first hash changed"), i, n, func(o object, p []string) []string { p[0] = other; return p })
		}
		if n > 3 {
			bad(name("path reversed"), i, n, func(o object, p []string) []string {
				for a, b := 0, len(p)-1; a < b; a, b = a+1, b-1 {
					p[a], p[b] = p[b], p[a]
				}
				return p
			})
		}
		bad(name("size doubled"), i, n, func(o object, p []string) []string { o["size"] = 2 * n; return p })
	}
	// A root that the surplus hash leads to, on either side.
	for _, at := range [][2]uint64{{0, 1}, {0, 2}, {1, 2}, {2, 3}, {5, 11}, {63, 64}} {
		for _, side := range []string{"right", "left"} {
			bad(fmt.Sprintf("%d of %d, a hash more, the root made to fit with it on the %s", at[0], at[1], side), at[0], at[1], func(o object, p []string) []string {
				root, _ := hex.DecodeString(o["root"].(string))
				if side == "left" {
					root = rfc6962.DefaultHasher.HashChildren(leaf(4999), root)
				} else {
					root = rfc6962.DefaultHasher.HashChildren(root, leaf(4999))
				}
				o["root"] = hex.EncodeToString(root)
				return append(p, other)
			})
		}
	}
	bad("an inner node as an event", 0, 4, func(o object, p []string) []string {
		o["hash"] = hex.EncodeToString(rfc6962.DefaultHasher.HashChildren(rfc6962.DefaultHasher.HashLeaf(leaf(0)), rfc6962.DefaultHasher.HashLeaf(leaf(1))))
		o["size"] = uint64(2)
		return p[1:]
	})
	bad("the leaf's hash for the event's", 0, 2, func(o object, p []string) []string {
		o["hash"] = hex.EncodeToString(rfc6962.DefaultHasher.HashLeaf(leaf(0)))
		return p
	})
	bad("the event's hash as the root of one", 0, 1, func(o object, p []string) []string { o["root"] = o["hash"]; return p })
	bad("a path longer than any tree", 0, 2, func(o object, p []string) []string {
		for range 100 {
			p = append(p, other)
		}
		return p
	})
	return out
}
