package checkpoint_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/wasm/digest"
)

// proofOf makes the proof of a leaf in a tree of the leaves {0}, {1}, …, with a
// note that nobody has signed.
func proofOf(t testing.TB, size, index int64) ([]byte, checkpoint.Checkpoint) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(at))
		for i, a := range at {
			out[i] = stored[a]
		}
		return out, nil
	})
	for i := range size {
		more, err := tlog.StoredHashes(i, leaf(i).bytes(), read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(size, read)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(size, index, read)
	if err != nil {
		t.Fatal(err)
	}
	c := checkpoint.Checkpoint{Origin: "example.org/log", Size: uint64(size), Root: digest.Hash(root)}
	p := proof.TLogProof{Index: uint64(index), Checkpoint: []byte(c.Text() + "\n— nobody AAAA\n")}
	for _, h := range path {
		p.Hashes = append(p.Hashes, h)
	}
	return p.Marshal(), c
}

type event digest.Hash

func leaf(i int64) event          { return event{byte(i), byte(i >> 8), 31: 1} }
func (e event) bytes() []byte     { return e[:] }
func (e event) hash() digest.Hash { return digest.Hash(e) }

func TestProof(t *testing.T) {
	for size := int64(1); size <= 70; size++ {
		for _, index := range []int64{0, size / 2, size - 1} {
			text, c := proofOf(t, size, index)
			p, err := checkpoint.ParseProof(text)
			if err != nil || p.Index != uint64(index) || !strings.HasPrefix(string(p.Note), c.Text()) {
				t.Fatalf("%q: %+v, %v", text, p, err)
			}
			if !bytes.Equal(p.Text(), text) {
				t.Errorf("%q is written as %q", text, p.Text())
			}
			if !p.Leads(leaf(index).hash(), c) {
				t.Errorf("%d of %d does not lead to the root", index, size)
			}
			other := c
			other.Root[7] ^= 1
			if p.Leads(leaf(index+1).hash(), c) || p.Leads(leaf(index).hash(), other) || p.Leads(leaf(index).hash(), checkpoint.Checkpoint{Size: 1<<63 + 1}) {
				t.Errorf("%d of %d leads anywhere", index, size)
			}
		}
	}
	good, _ := proofOf(t, 5, 3)
	h := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, bad := range []string{
		"", string(good[:40]), " " + string(good), strings.Replace(string(good), "index 3", "index 03", 1), strings.Replace(string(good), "index 3", "index +3", 1),
		strings.Replace(string(good), "index 3", "index 9223372036854775808", 1), strings.Replace(string(good), "\nindex", "\nextra AAAA\nindex", 1),
		strings.Replace(string(good), "\n", "\r\n", 1), strings.Replace(string(good), "\nindex 3\n", "\nindex 3\nAAAA\n", 1), strings.Replace(string(good), "=\n", "\n", 1),
		strings.Replace(string(good), "\nindex 3\n", "\nindex 3\n"+strings.Repeat(h+"\n", 64), 1), "c2sp.org/tlog-proof@v1\nindex 3\n\n",
		string(good) + strings.Repeat("x", checkpoint.MaxProof),
	} {
		if p, err := checkpoint.ParseProof([]byte(bad)); err == nil {
			t.Errorf("%.100q is read as %+v", bad, p)
		}
	}
}

// Whatever is read, transparency-dev's reader understands in the same way.
func FuzzParseProof(f *testing.F) {
	for _, n := range []int64{1, 2, 7, 64} {
		text, _ := proofOf(f, n, n/2)
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := checkpoint.ParseProof(text)
		if err != nil || bytes.ContainsRune(p.Note, '\r') || !bytes.HasSuffix(p.Note, []byte("\n")) {
			return // what notes are is not decided here
		}
		var theirs proof.TLogProof
		if err := theirs.Unmarshal(text); err != nil || !bytes.Equal(theirs.Marshal(), text) || theirs.Index != p.Index || fmt.Sprint(theirs.Hashes) != fmt.Sprint(array(p.Path)) {
			t.Errorf("%q: %+v, %v", text, theirs, err)
		}
	})
}

func array(hs []digest.Hash) (out [][32]byte) {
	for _, h := range hs {
		out = append(out, h)
	}
	return out
}
