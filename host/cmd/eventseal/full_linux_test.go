package main

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
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/wasm/code"
)

// inOwnMounts runs the test again in a user and mount namespace of its own,
// where anyone may mount a small disk and nothing of it is left behind. It
// returns true in there.
func inOwnMounts(t *testing.T) bool {
	t.Helper()
	if os.Getenv("EVENTSEAL_OWN_MOUNTS") == t.Name() {
		return true
	}
	servers.Eventseal(t) // in there it only has to be found up to date
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
		if servers.Required("namespaces") {
			t.Fatalf("namespaces are required: %v", err)
		}
		t.Skipf("no namespaces: %v", err)
	}
	if err := cmd.Wait(); err != nil || !bytes.Contains(out.Bytes(), []byte("--- PASS: "+t.Name())) {
		t.Fatalf("%v\n%s", err, out.Bytes())
	}
	for line := range strings.Lines(out.String()) {
		if strings.Contains(line, "_test.go:") {
			t.Log(strings.TrimSpace(line))
		}
	}
	return false
}

// smallDisk mounts one of so many MiB and fills part of it with ballast, whose
// path it returns.
func smallDisk(t *testing.T, dir, size string, ballast int) string {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	path := filepath.Join(dir, "ballast")
	if err := os.WriteFile(path, make([]byte, ballast), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The whole data folder is on a disk that fills up: journal and replicas
// refuse with a code, go on serving, and go on storing once there is room,
// without a restart. What was acknowledged before, meanwhile and after is there.
func TestFullDisk(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	disk := filepath.Join(t.TempDir(), "disk")
	fills(t, filepath.Join(disk, "data"), smallDisk(t, disk, "48m", 16<<20), code.StorageFull, code.InsufficientRedundancy)
}

// Only the disk of one replica fills up: the event is journaled and owed, and
// the replica gets it when there is room.
func TestFullReplica(t *testing.T) {
	if !inOwnMounts(t) {
		return
	}
	data := filepath.Join(t.TempDir(), "data")
	disk := filepath.Join(data, "replica-b")
	fills(t, data, smallDisk(t, disk, "16m", 8<<20), code.InsufficientRedundancy)
}

// fills stores until the disk with the ballast is full and then some, removes
// the ballast, and stores again. Refusals have one of the codes.
func fills(t *testing.T, data, ballast string, codes ...code.Code) {
	p := newProcess(t, data, "EVENTSEAL_STORE_TIMEOUT=500ms")
	l := newLedger(t)
	l.body = 16 << 10
	p.start()
	p.ready()
	ctx, cl := context.Background(), p.client()
	refusals := map[code.Code]int{}
	store := func(batch bool) error {
		err := error(nil)
		if batch {
			err = l.many(ctx, cl, 20)
		} else {
			err = l.one(ctx, cl, client.WaitQuorum)
		}
		if err == nil {
			return nil
		}
		var answer *client.Error
		for _, c := range codes {
			if errors.Is(err, &code.Error{Code: c}) && errors.As(err, &answer) && answer.Status == c.Status() {
				refusals[c]++
				return err
			}
		}
		t.Fatalf("refused with %v, want one of %v", err, codes)
		return err
	}
	for n := 0; store(true) == nil; n++ {
		if n > 1000 {
			t.Fatal("the disk does not fill")
		}
	}
	before := len(l.acked)
	for i := range 12 { // full, and still every request has its answer
		_ = store(i%2 == 0)
	}
	if len(refusals) == 0 {
		t.Fatal("nothing was refused")
	}
	l.served(p)
	if doc, _, err := cl.Health(ctx); err != nil || !strings.Contains(string(doc), `"replicas"`) {
		t.Fatalf("health on a full disk: %s, %v", doc, err)
	}

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(patience); store(false) != nil; {
		if time.Now().After(end) {
			t.Fatalf("there is room again, and nothing is stored: %v\n%s", refusals, p.log.tail(2000))
		}
	}
	for range 10 {
		if err := store(true); err != nil {
			t.Fatalf("there is room again: %v", err)
		}
	}
	p.settled()
	l.served(p)
	p.stop()
	l.stored(data)
	t.Logf("%d events acknowledged before the disk was full, %d in all; refused: %v", before, len(l.acked), refusals)
}
