package local

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// outcome of reading each event: nil, ErrNotFound or ErrCorrupt; never other bytes.
func outcome(t *testing.T, r *Replica, v module.Verified) error {
	t.Helper()
	got, err := r.Get(context.Background(), replica.Ref{Hash: v.Hash()})
	switch {
	case err == nil && !bytes.Equal(got, v.Record()):
		t.Fatalf("other bytes came back")
	case err != nil && !errors.Is(err, replica.ErrNotFound) && !errors.Is(err, replica.ErrCorrupt):
		t.Fatal(err)
	}
	return err
}

// sealedFile returns the bytes of one segment of the events, and its index.
func sealedFile(t *testing.T, vs []module.Verified) (segment, index []byte) {
	t.Helper()
	var entries []listed
	for _, v := range vs {
		p := placeOf(0, int64(len(segment)), headerSize+int64(len(v.Record())))
		entries = append(entries, listed{prefixOf(v.Hash()), p, kindPut})
		segment = appendFrame(segment, kindPut, v.Hash(), v.Record())
	}
	return segment, appendTable(nil, int64(len(segment)), entries)
}

// rewrite makes a folder hold these files and no others.
func rewrite(path string, files map[string][]byte) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		return err
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(path, name), b, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func write(t *testing.T, path string, files map[string][]byte) {
	t.Helper()
	if err := rewrite(path, files); err != nil {
		t.Fatal(err)
	}
}

// A log that ends anywhere holds every frame that is whole, and goes on.
func TestTornTail(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	vs := events(0, 3, 200)
	segment, _ := sealedFile(t, vs)
	frame := len(segment) / 3
	garbage := bytes.Repeat([]byte("\xffES1\x00{\"a\""), 20)
	for n := range len(segment) + 1 {
		for _, tail := range [][]byte{nil, make([]byte, 300), garbage} {
			write(t, path, map[string][]byte{fileName(1, logSuffix): append(bytes.Clone(segment[:n]), tail...)})
			r := open(t, path, Options{fault: unsynced})
			for i, v := range vs {
				if err := outcome(t, r, v); (err == nil) != ((i+1)*frame <= n) {
					t.Fatalf("cut at %d: event %d: %v", n, i, err)
				}
			}
			if n%37 != 0 && n%frame > 1 {
				_ = r.Close()
				continue
			}
			put(t, r, vs...)
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r = open(t, path, Options{fault: unsynced})
			for i, v := range vs {
				if err := outcome(t, r, v); err != nil {
					t.Fatalf("cut at %d, put again: event %d: %v", n, i, err)
				}
			}
			_ = r.Close()
		}
	}
}

// A flipped bit anywhere in a segment harms the event that it is in and no
// other, and putting that one again heals it.
func TestFlippedBits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	vs := events(0, 4, 160)
	segment, index := sealedFile(t, vs)
	frame := len(segment) / len(vs)
	for at := range segment {
		bad := bytes.Clone(segment)
		bad[at] ^= 1 << (at % 8)
		for name, files := range map[string]map[string][]byte{
			"active":         {fileName(1, logSuffix): bad},
			"with an index":  {fileName(1, logSuffix): bad, fileName(1, indexSuffix): index, fileName(2, logSuffix): nil},
			"without":        {fileName(1, logSuffix): bad, fileName(2, logSuffix): nil},
			"with a bad one": {fileName(1, logSuffix): bad, fileName(1, indexSuffix): index[:len(index)-1], fileName(2, logSuffix): nil},
		} {
			write(t, path, files)
			r := open(t, path, Options{fault: unsynced})
			for i, v := range vs {
				err := outcome(t, r, v)
				if (err == nil) != (i != at/frame) {
					t.Fatalf("%s, byte %d: event %d: %v", name, at, i, err)
				}
				if name == "with an index" && err != nil && !errors.Is(err, replica.ErrCorrupt) {
					t.Fatalf("byte %d: %v, want ErrCorrupt", at, err)
				}
			}
			if at%13 == 0 {
				put(t, r, vs...)
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				r = open(t, path, Options{fault: unsynced})
				for i, v := range vs {
					if err := outcome(t, r, v); err != nil {
						t.Fatalf("%s, byte %d, put again: event %d: %v", name, at, i, err)
					}
				}
			}
			_ = r.Close()
		}
	}
}

// An index file that is damaged anywhere is made again from the segment.
func TestDamagedIndex(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	vs := events(0, 4, 160)
	segment, index := sealedFile(t, vs)
	var bads [][]byte
	for at := range index {
		flipped := bytes.Clone(index)
		flipped[at] ^= 1 << (at % 8)
		bads = append(bads, flipped, index[:at])
	}
	bads = append(bads, append(bytes.Clone(index), 0), make([]byte, 1<<20), appendTable(nil, int64(len(segment))-1, nil))
	for i, bad := range bads {
		write(t, path, map[string][]byte{fileName(1, logSuffix): segment, fileName(1, indexSuffix): bad, fileName(2, logSuffix): nil})
		r := open(t, path, Options{fault: unsynced})
		for _, v := range vs {
			if err := outcome(t, r, v); err != nil {
				t.Fatalf("%d: %v", i, err)
			}
		}
		eventually(t, "the index is written again", func() bool {
			b, err := os.ReadFile(filepath.Join(path, fileName(1, indexSuffix)))
			return err == nil && bytes.Equal(b, index)
		})
		_ = r.Close()
	}
}

// Events whose hashes begin alike are told apart, at every open, too.
func TestEqualPrefixes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	o := Options{SegmentBytes: 500}
	var vs []module.Verified
	for i := range byte(12) {
		record := bytes.Repeat([]byte{'a' + i}, 100)
		hash := digest.Hash{1, 2, 3, 4, 5, 6, 7, 8, i}
		v, err := module.Match(&module.Meta{Hash: hash, RecordDigest: sha256.Sum256(record)}, record)
		if err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v)
	}
	ctx := context.Background()
	r := open(t, path, o)
	put(t, r, vs[:6]...)
	put(t, r, vs...)
	for round := range 3 {
		for i, v := range vs {
			err := outcome(t, r, v)
			if (err == nil) != (i != 4 || round == 0) {
				t.Fatalf("round %d: event %d: %v", round, i, err)
			}
		}
		if err := r.Delete(ctx, replica.Ref{Hash: vs[4].Hash()}); err != nil {
			t.Fatal(err)
		}
		if round == 1 {
			corrupt(t, r, kindPut, vs[7].Hash(), 3)
			if err := outcome(t, r, vs[7]); !errors.Is(err, replica.ErrCorrupt) {
				t.Fatal(err)
			}
			put(t, r, vs[7])
		}
		n := 0
		for _, err := range r.List(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 11 {
			t.Fatalf("List yields %d", n)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = open(t, path, o)
	}
}

// One flipped bit in any file of the folder, after a clean end or a kill, makes
// no event read wrong and does not keep the replica from opening; whoever puts
// the events again has them.
func TestFlippedBitInAnyFile(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "r")
	vs := events(0, 9, 200)
	ctx := context.Background()
	r := open(t, path, Options{SegmentBytes: 1200, fault: unsynced})
	for _, v := range vs {
		put(t, r, v)
	}
	const id = "00112233445566778899aabbccddeeff"
	if err := r.Identify(ctx, id); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the indexes are written", func() bool {
		_, err := os.Stat(filepath.Join(path, fileName(1, indexSuffix)))
		return err == nil
	})
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if files[e.Name()], err = os.ReadFile(filepath.Join(path, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	last := ""
	for name := range files {
		if strings.HasSuffix(name, logSuffix) {
			last = max(last, strings.TrimSuffix(name, logSuffix)+indexSuffix)
		}
	}
	if files[last] == nil || len(files) < 6 {
		t.Fatalf("the folder has no clean end: %v", slices.Sorted(maps.Keys(files)))
	}
	tried := 0
	for _, killed := range []bool{false, true} {
		for name, b := range files {
			if killed && name == last {
				continue
			}
			for at := 0; at < len(b); at += 7 {
				bad := maps.Clone(files)
				if killed {
					delete(bad, last)
				}
				bad[name] = bytes.Clone(b)
				bad[name][at] ^= 1 << (at % 8)
				write(t, path, bad)
				tried++
				r, err := Open(path, Options{SegmentBytes: 1200, Log: quiet, fault: unsynced})
				if err != nil {
					t.Fatalf("%s, byte %d: %v", name, at, err)
				}
				lost, silently := 0, false
				for _, v := range vs {
					if err := outcome(t, r, v); err != nil {
						lost++
						silently = silently || !errors.Is(err, replica.ErrCorrupt) && r.Suffered() == 0
					}
				}
				got, err := r.Identity(ctx, nil)
				if err != nil || got != id && (got != "" || name != placeName) {
					t.Fatalf("%s, byte %d: Identity: %q, %v", name, at, got, err)
				}
				if lost > 1 || silently || lost > 0 && !strings.HasSuffix(name, logSuffix) {
					t.Fatalf("%s, byte %d: %d events are missing, %d suffered", name, at, lost, r.Suffered())
				}
				put(t, r, vs...)
				if err := r.Identify(ctx, id); err != nil {
					t.Fatal(err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
				r = open(t, path, Options{fault: unsynced})
				for i, v := range vs {
					if err := outcome(t, r, v); err != nil {
						t.Fatalf("%s, byte %d, put again: event %d: %v", name, at, i, err)
					}
				}
				if got, err := r.Identity(ctx, nil); err != nil || got != id {
					t.Fatalf("%s, byte %d, put again: Identity: %q, %v", name, at, got, err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if tried < 500 {
		t.Fatalf("only %d bits were tried", tried)
	}
}
