package sqlite

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

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

// needs skips where the machine cannot run a test, unless the environment says that it must.
func needs(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if r := os.Getenv("EVENTSEAL_REQUIRE"); r == "all" || strings.Contains(r, what) {
		t.Fatalf("%s is required: %v", what, err)
	}
	t.Skipf("no %s: %v", what, err)
}

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
	needs(t, "namespaces", cmd.Start())
	if err := cmd.Wait(); err != nil || !bytes.Contains(out.Bytes(), []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	return false
}

// A full disk is answered with ErrFull, loses nothing that was acknowledged,
// and is over when there is room again.
func TestFullDisk(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=6m"); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 3<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "j.db")
	// The log is moved early: on this disk the usual 32 MiB would be all of it.
	j, err := Open(path, Options{checkpoint: 64})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }() // before the disk is taken away
	ctx := context.Background()
	acknowledged, stored := uint64(0), uint64(0)
	for full := 0; full < 20; { // still full, still an answer
		_, err := j.Admit(ctx, journaltest.Events(acknowledged, acknowledged+8, 1000), both)
		if errors.Is(err, journal.ErrFull) {
			full++
			continue
		}
		if err != nil {
			t.Fatalf("after %d events: %v", acknowledged, err)
		}
		full = 0 // the log may have begun anew
		acknowledged += 8
		if acknowledged > 100_000 {
			t.Fatal("the disk does not fill")
		}
	}
	verify := func() {
		t.Helper()
		es, err := j.Scan(ctx, 0, 1_000_000)
		if err != nil || uint64(len(es)) != acknowledged {
			t.Fatalf("%d entries (%v), %d were acknowledged", len(es), err, acknowledged)
		}
		for i, e := range es {
			b, err := j.Record(ctx, e.Hash)
			if uint64(i) < stored && i%2 == 0 {
				if !errors.Is(err, journal.ErrNotFound) {
					t.Fatalf("stored event %d: %v", i, err)
				}
				continue
			}
			if err != nil || e.Sequence != uint64(i+1) || !bytes.Equal(b, journaltest.Event(uint64(i), 1000, 0).Record()) {
				t.Fatalf("event %d: %v", i, err)
			}
		}
	}
	verify()
	// News may find no room either; they are kept until there is some.
	for seq := uint64(1); seq <= acknowledged; seq += 2 {
		j.Update(journal.Update{Sequence: seq, Replica: "a", Location: "x", State: custody.Held}, journal.Update{Sequence: seq, Replica: "b", Location: "y", State: custody.Held})
	}
	if err := j.Flush(ctx); err != nil && !errors.Is(err, journal.ErrFull) {
		t.Fatalf("Flush on a full disk: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(ctx); err != nil {
		t.Fatalf("Flush, there is room again: %v", err)
	}
	stored = acknowledged
	verify()
	for range 50 {
		if _, err := j.Admit(ctx, journaltest.Events(acknowledged, acknowledged+8, 1000), both); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
		acknowledged += 8
	}
	verify()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if j, err = Open(path, Options{checkpoint: 64}); err != nil {
		t.Fatal(err)
	}
	verify()
}
