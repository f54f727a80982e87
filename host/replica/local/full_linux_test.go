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
)

// inOwnMounts runs the test again in a user and mount namespace of its own,
// where anyone may mount a small disk and nothing of it is left behind. It
// returns true in there.
func inOwnMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv("EVENTSEAL_OWN_MOUNTS") == t.Name() {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), "EVENTSEAL_OWN_MOUNTS="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		if r := os.Getenv("EVENTSEAL_REQUIRE"); r == "all" || strings.Contains(r, "namespaces") {
			t.Fatalf("namespaces are required: %v", err)
		}
		t.Skipf("no namespaces: %v", err)
	}
	if err := cmd.Wait(); err != nil || !bytes.Contains(out.Bytes(), []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	return false
}

// A full disk is answered with ErrFull, loses nothing that was stored, still
// reads, lets what is needless be deleted, and is over when there is room.
func TestFullDisk(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	for name, segment := range map[string]int64{"one segment": 0, "many": 100_000} {
		t.Run(name, func(t *testing.T) { fullDisk(t, Options{SegmentBytes: segment, CompactRate: 1 << 30}) })
	}
}

func fullDisk(t *testing.T, o Options) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=3m"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "r")
	r := open(t, path, o)
	defer func() { _ = r.Close() }() // before the disk is taken away
	ctx := context.Background()
	want := map[uint64]int{}
	next := uint64(0)
	store := func() error {
		vs := events(next, next+8, 1000)
		var last error
		for i, out := range r.PutBatch(ctx, vs) {
			if out.Err == nil {
				want[next+uint64(i)] = present
			} else {
				want[next+uint64(i)], last = absent, out.Err
			}
		}
		next += 8
		return last
	}
	for {
		if err := store(); errors.Is(err, replica.ErrFull) {
			break
		} else if err != nil {
			t.Fatalf("after %d events: %v", next, err)
		}
		if next > 100_000 {
			t.Fatal("the disk does not fill")
		}
	}
	// Some room may be left for less than a group; fill that, too.
	for seed := next + 1000; ; seed++ {
		if _, err := r.Put(ctx, events(seed, seed+1, 1000)[0]); err != nil {
			break
		}
		want[seed] = present
	}
	for range 20 { // still full, still an answer
		if err := store(); !errors.Is(err, replica.ErrFull) {
			t.Fatalf("Put on a full disk: %v", err)
		}
	}
	if err := r.Check(ctx); !errors.Is(err, replica.ErrFull) {
		t.Fatalf("Check on a full disk: %v", err)
	}
	checkAll(t, r, want, 1000)
	// As after a crash on a full disk.
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, o)
	checkAll(t, r, want, 1000)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(ctx); err != nil {
		t.Fatalf("Check, there is room again: %v", err)
	}
	for range 20 {
		if err := store(); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
	}
	checkAll(t, r, want, 1000)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, o)
	checkAll(t, r, want, 1000)
}
