package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/wasm/digest"
)

// The form is what a folder keeps for ever, and what a later program must keep
// to so that this one refuses its files.
func TestPlaceFile(t *testing.T) {
	b, err := appendPlace(nil, placeFile{Format: 1, ID: "00112233445566778899aabbccddeeff"})
	const want = `{"format":1,"id":"00112233445566778899aabbccddeeff","crc32c":"1777f98a"}` + "\n"
	if err != nil || string(b) != want {
		t.Fatalf("%s, %v", b, err)
	}
	if p, err := parsePlace([]byte(want)); err != nil || p.ID != "00112233445566778899aabbccddeeff" {
		t.Fatalf("%+v, %v", p, err)
	}
	for at := range want {
		for bit := range 8 {
			bad := []byte(want)
			bad[at] ^= 1 << bit
			if p, err := parsePlace(bad); !errors.Is(err, errPlace) {
				t.Errorf("byte %d: %+v, %v", at, p, err)
			}
		}
		if p, err := parsePlace([]byte(want[:at])); !errors.Is(err, errPlace) {
			t.Errorf("cut at %d: %+v, %v", at, p, err)
		}
	}
}

// A folder of a newer program is refused and left as it is; one of before there
// was a place file is read, and gets it.
func TestFormats(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	name := filepath.Join(path, placeName)
	vs := events(0, 3, 200)
	segment, _ := sealedFile(t, vs)
	write(t, path, map[string][]byte{fileName(1, logSuffix): segment})
	r := open(t, path, Options{})
	for i, v := range vs {
		if err := outcome(t, r, v); err != nil {
			t.Errorf("event %d: %v", i, err)
		}
	}
	if id, err := r.Identity(ctx, nil); err != nil || id != "" {
		t.Errorf("%q, %v", id, err)
	}
	if b, err := os.ReadFile(name); err != nil || !strings.HasPrefix(string(b), `{"format":1,"crc32c":`) {
		t.Errorf("%s, %v", b, err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := appendPlace(nil, placeFile{Format: format + 1, ID: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{Log: quiet})
	if !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "format 3") || !strings.Contains(err.Error(), path) {
		t.Fatalf("a newer folder: %v", err)
	}
	if got, err := os.ReadFile(name); err != nil || string(got) != string(b) {
		t.Errorf("%s, %v", got, err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	open(t, path, Options{})
}

// Newest is what was put last and is still held, through segments and restarts.
func TestNewest(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	o := Options{SegmentBytes: 1500}
	r := open(t, path, o)
	newest := func(n int, want ...module.Verified) {
		t.Helper()
		got, err := r.Newest(ctx, n)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%d of %d, %v", len(got), len(want), err)
		}
		for i, v := range want {
			if got[i] != v.Hash() {
				t.Fatalf("the %dth is another one", i)
			}
		}
	}
	newest(3)
	vs := events(0, 12, 300)
	for _, v := range vs {
		put(t, r, v)
	}
	put(t, r, vs[2]) // equal: no news
	if err := r.Delete(ctx, replica.Ref{Hash: vs[10].Hash()}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		newest(0)
		newest(1, vs[11])
		newest(4, vs[11], vs[9], vs[8], vs[7])
		newest(100, vs[11], vs[9], vs[8], vs[7], vs[6], vs[5], vs[4], vs[3], vs[2], vs[1], vs[0])
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if hs, err := r.Newest(ctx, 1); !errors.Is(err, replica.ErrClosed) {
			t.Fatalf("%v, %v", hs, err)
		}
		r = open(t, path, o)
	}
	put(t, r, vs[10])
	newest(2, vs[10], vs[11])
	var none []digest.Hash
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if got, err := r.Newest(ended, 5); len(got) != len(none) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%v, %v", got, err)
	}
}

// What whoever reads is told of is not counted: it is for them to do something
// about it.
func TestSuffered(t *testing.T) {
	ctx := context.Background()
	r := open(t, filepath.Join(t.TempDir(), "r"), Options{})
	v := replicatest.Event(1, 300, 0)
	put(t, r, v, replicatest.Event(2, 300, 0))
	corrupt(t, r, kindPut, v.Hash(), 100)
	if _, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); !errors.Is(err, replica.ErrCorrupt) || r.Suffered() != 0 {
		t.Fatalf("%v, %d", err, r.Suffered())
	}
	put(t, r, v)
	if err := outcome(t, r, v); err != nil || r.Suffered() != 0 {
		t.Fatalf("%v, %d", err, r.Suffered())
	}
}
