package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// A disk that is mounted over the folder of a running replica, or taken away
// from under it, is noticed; where a disk was, its mount point is no place.
func TestMounts(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	mount := func() {
		t.Helper()
		if err := syscall.Mount("tmpfs", path, "tmpfs", 0, "size=8m"); err != nil {
			t.Fatal(err)
		}
	}
	unmount := func() { // as a disk does that goes away while it is in use
		t.Helper()
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Fatal(err)
		}
	}
	own := func(want bool) {
		t.Helper()
		if got, err := OnOwnDevice(path); err != nil || got != want {
			t.Fatalf("OnOwnDevice: %v, %v", got, err)
		}
	}
	own(false) // it is missing
	v, w := replicatest.Event(1, 300, 0), replicatest.Event(2, 300, 0)
	if _, err := Open(path, Options{Log: quiet, Mounted: true}); !errors.Is(err, ErrUnmounted) {
		t.Fatalf("a disk that is missing: %v", err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Fatalf("it was made: %v", err)
	}

	// Below it a plain folder, then a disk over it, then the folder again.
	r := open(t, path, Options{})
	put(t, r, v)
	own(false)
	mount()
	own(true)
	if _, err := r.Put(ctx, v); !errors.Is(err, ErrVanished) {
		t.Fatalf("an equal put: %v", err)
	}
	if err := outcome(t, r, v); !errors.Is(err, replica.ErrNotFound) {
		t.Fatal(err)
	}
	put(t, r, w)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}

	// From now on it is a disk of its own.
	r = open(t, path, Options{Mounted: true})
	if err := outcome(t, r, w); err != nil {
		t.Fatal(err)
	}
	unmount()
	own(false)
	for what, call := range calls {
		if err := call(r, w); !errors.Is(err, ErrVanished) || !errors.Is(err, ErrUnmounted) {
			t.Fatalf("%s: %v", what, err)
		}
	}
	mount() // another disk
	put(t, r, w)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	unmount()

	// The mount point has what it had, untouched, and is not taken for the disk.
	before, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, Options{Log: quiet, Mounted: true}); !errors.Is(err, ErrUnmounted) {
		t.Fatal(err)
	}
	after, err := os.ReadDir(path)
	if err != nil || len(after) != len(before) {
		t.Fatalf("%v, %v, and before %v", after, err, before)
	}
	r = open(t, path, Options{})
	if outcome(t, r, v) != nil || outcome(t, r, w) == nil {
		t.Fatalf("the plain folder: %v, %v", outcome(t, r, v), outcome(t, r, w))
	}

	// One that was found to be a disk when it was opened has to be one.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	mount()
	r = open(t, path, Options{})
	unmount()
	if _, err := r.Put(ctx, v); !errors.Is(err, ErrUnmounted) {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}
