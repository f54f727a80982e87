package local

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// inOwnProcess runs the test again in a process of its own, which may use up
// what a process has. It returns true in there.
func inOwnProcess(t *testing.T) bool {
	t.Helper()
	if os.Getenv("EVENTSEAL_OWN_PROCESS") == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "EVENTSEAL_OWN_PROCESS="+t.Name())
	if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out)
	}
	return false
}

// hog takes file descriptors until left are free.
func hog(t *testing.T, left int) (free func()) {
	t.Helper()
	var taken []*os.File
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, syscall.EMFILE) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, f)
	}
	if left > len(taken) {
		t.Fatalf("only %d descriptors are free", len(taken))
	}
	for _, f := range taken[:left] {
		_ = f.Close()
	}
	return func() {
		for _, f := range taken[left:] {
			_ = f.Close()
		}
	}
}

// However few descriptors a process has left, nothing that the replica lacks one
// for ends the storing: it works by itself as soon as there are some.
func TestTooManyOpenFiles(t *testing.T) {
	if !inOwnProcess(t) {
		return
	}
	limit := syscall.Rlimit{Cur: 64, Max: 64}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "r")
	o := Options{SegmentBytes: 3000, CompactRate: 1 << 30}
	r := open(t, path, o)
	want := map[uint64]int{}
	next := uint64(0)
	store := func(n uint64) {
		t.Helper()
		for end := next + n; next < end; next++ {
			put(t, r, replicatest.Event(next, 300, 0))
			want[next] = present
		}
	}
	store(30)
	for left := range 6 {
		free := hog(t, left)
		store(30) // more than a segment
		if err := r.Check(ctx); err != nil {
			t.Errorf("%d left: Check: %v", left, err)
		}
		checkAll(t, r, want, 300)
		free()
		store(20)
		if err := r.Check(ctx); err != nil {
			t.Errorf("Check, there are some again: %v", err)
		}
		for seed := range next { // so that the segments go, and do not use up the limit
			if err := r.Delete(ctx, replica.Ref{Hash: replicatest.Event(seed, 300, 0).Hash()}); err != nil {
				t.Fatal(err)
			}
			want[seed] = absent
		}
		eventually(t, "the segments go", func() bool { _, n := folderSize(t, path); return n < 8 })
	}
	store(10)
	// The folder goes away while there are none to open the next one with.
	free := hog(t, 0)
	if err := os.Rename(path, path+" moved"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Put(ctx, replicatest.Event(next-1, 300, 0)); !errors.Is(err, ErrVanished) {
		t.Fatalf("an equal put: %v", err)
	}
	if _, err := r.Identity(ctx, nil); err != nil && !errors.Is(err, syscall.EMFILE) {
		t.Fatalf("Identity: %v", err)
	}
	free()
	clear(want)
	store(10)
	checkAll(t, r, want, 300)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, o)
	checkAll(t, r, want, 300)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	// Nor does an Open that lacks some harm anything.
	for left := range 12 {
		free := hog(t, left)
		r, err := Open(path, o)
		free()
		if err != nil {
			if !errors.Is(err, syscall.EMFILE) || strings.Contains(err.Error(), "restart") {
				t.Errorf("%d left: %v", left, err)
			}
			continue
		}
		checkAll(t, r, want, 300)
		if err := r.Close(); err != nil {
			t.Errorf("%d left: %v", left, err)
		}
	}
	r = open(t, path, o)
	checkAll(t, r, want, 300)
	store(20)
}
