package ipfs

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"

	"github.com/eventseal/eventseal/wasm/digest"
)

func entries(n int) []entry {
	es := make([]entry, n)
	for i := range es {
		es[i] = entry{sha256.Sum256(fmt.Append(nil, "event", i)), sha256.Sum256(fmt.Append(nil, "record", i))}
	}
	return es
}

func TestRootIsReadAsWritten(t *testing.T) {
	for _, n := range []int{0, 1, 23, 24, 255, 256, maxEvents} {
		es := entries(n)
		b := encodeRoot(es) // sorts es
		got, ok := decodeRoot(b)
		if !ok || !slices.Equal(got, es) {
			t.Fatalf("%d entries do not come back", n)
		}
		if len(b) > maxRoot {
			t.Errorf("a root of %d entries has %d bytes and would not be read", n, len(b))
		}
		slices.Reverse(es)
		if !bytes.Equal(encodeRoot(es), b) {
			t.Errorf("%d entries have another root in another order", n)
		}
	}
}

func TestCIDs(t *testing.T) {
	h := digest.Hash(sha256.Sum256([]byte("hello")))
	// ipfs block put --cid-codec raw of the same bytes
	const want = "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4yeq"
	if got := rawCID(h); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, ok := parseCID(want); !ok || got != h {
		t.Errorf("%s is not read", want)
	}
	for _, s := range []string{"", "b", want[1:], want + "a", "B" + want[1:], rootCID(h), "bafkreibm6jg3ux5qumhcn2b3flc3tyu6dmlb4xa7u5bf44yegnrjhc4y!q", "QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"} {
		if _, ok := parseCID(s); ok {
			t.Errorf("%q is read as a raw block's CID", s)
		}
	}
}

func FuzzDecodeRoot(f *testing.F) {
	f.Add(encodeRoot(entries(2)))
	f.Add(encodeRoot(entries(300)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if es, ok := decodeRoot(b); ok && slices.IsSortedFunc(es, func(a, b entry) int { return bytes.Compare(a.hash[:], b.hash[:]) }) {
			again, _ := decodeRoot(encodeRoot(slices.Clone(es)))
			if len(again) != len(es) {
				t.Errorf("%d entries become %d", len(es), len(again))
			}
		}
	})
}
