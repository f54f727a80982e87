package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// faults makes one kind of step fail while it is on.
type faults struct {
	mu      sync.Mutex
	step    string // "op suffix"; "": none
	applied bool   // it fails although it was done
	err     error
	hits    int
}

func (f *faults) hook(op, name string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	suffix := filepath.Ext(name)
	if f.step != "" && f.step == strings.TrimSpace(op+" "+suffix) {
		f.hits++
		return f.applied, f.err
	}
	return true, nil
}

func (f *faults) set(step string, applied bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.step, f.applied, f.err = step, applied, err
}

func (f *faults) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// Whichever step fails, done or not done, nothing that was answered is lost or
// made up, then and after a restart. A failed write or sync ends the storing.
func TestFailingSteps(t *testing.T) {
	for _, c := range []struct {
		step  string
		err   error
		fatal bool // nothing is stored afterwards
		full  bool
	}{
		{"write .log", syscall.EIO, true, false},
		{"write .log", syscall.ENOSPC, false, true},
		{"write .log", syscall.EDQUOT, false, true},
		{"sync .log", syscall.EIO, true, false},
		{"sync .log", syscall.ENOSPC, true, false}, // what is on the disk is not known then
		{"create .log", syscall.EMFILE, false, false},
		{"create .log", syscall.ENOSPC, false, false},
		{"sync .", syscall.EIO, true, false}, // of a new segment
		{"create .tmp", syscall.EIO, false, false},
		{"write .tmp", syscall.ENOSPC, false, false},
		{"sync .tmp", syscall.EIO, false, false},
		{"rename .idx", syscall.EIO, false, false},
		{"remove .log", syscall.EIO, false, false},
		{"remove .idx", syscall.EIO, false, false},
	} {
		for _, applied := range []bool{false, true} {
			name := c.step + " " + c.err.Error()
			if applied {
				name += " but done"
			}
			t.Run(name, func(t *testing.T) {
				f := &faults{}
				path := filepath.Join(t.TempDir(), "r")
				o := Options{SegmentBytes: 3000, CompactRate: 1 << 30, fault: f.hook}
				r := open(t, path, o)
				ctx := context.Background()
				want := map[uint64]int{}
				store := func(from, to uint64) (last error) {
					for seed := from; seed < to; seed++ {
						v := replicatest.Event(seed, 300, 0)
						_, err := r.Put(ctx, v)
						switch {
						case err == nil:
							want[seed] = present
						default:
							want[seed], last = absent, err
							if got := outcome(t, r, v); !errors.Is(got, replica.ErrNotFound) {
								t.Fatalf("unanswered event %d: %v", seed, got)
							}
						}
						if err == nil && seed%3 > 0 {
							if err := r.Delete(ctx, replica.Ref{Hash: v.Hash()}); err == nil {
								want[seed] = absent
							} else {
								last = err
							}
						}
					}
					return last
				}
				if err := store(0, 40); err != nil {
					t.Fatal(err)
				}
				f.set(c.step, applied, c.err)
				during := store(40, 80)
				if c.fatal || c.full {
					if during == nil || c.fatal != errors.Is(during, replica.ErrReadOnly) || c.full != errors.Is(during, replica.ErrFull) {
						t.Errorf("during the fault: %v", during)
					}
				} else if during != nil {
					t.Errorf("it need not have failed: %v", during)
				}
				eventually(t, "the step comes", func() bool { return f.count() > 0 })
				f.set("", false, nil)
				checkAll(t, r, want, 300)
				check := r.Check(ctx)
				after := store(80, 120)
				if c.fatal {
					if !errors.Is(after, ErrFailed) || !errors.Is(check, ErrFailed) {
						t.Errorf("after the fault: %v, %v", after, check)
					}
				} else if after != nil || check != nil {
					t.Errorf("after the fault: %v, %v", after, check)
				}
				checkAll(t, r, want, 300)
				if err := r.Close(); c.fatal != errors.Is(err, ErrFailed) {
					t.Errorf("Close: %v", err)
				}
				r = open(t, path, o)
				checkAll(t, r, want, 300)
				if err := store(120, 160); err != nil {
					t.Errorf("opened again: %v", err)
				}
				checkAll(t, r, want, 300)
			})
		}
	}
}

// When even cutting off what does not fit fails, the storing ends.
func TestFullAndStuck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	on := false
	r := open(t, path, Options{fault: func(op, _ string) (bool, error) {
		switch {
		case on && op == "write":
			return true, syscall.ENOSPC
		case on && op == "truncate":
			return false, syscall.EIO
		}
		return true, nil
	}})
	v := replicatest.Event(1, 300, 0)
	put(t, r, v)
	on = true
	if _, err := r.Put(context.Background(), replicatest.Event(2, 300, 0)); !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	on = false
	if _, err := r.Put(context.Background(), replicatest.Event(3, 300, 0)); !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	if err := outcome(t, r, v); err != nil {
		t.Fatal(err)
	}
}

// removeFolder removes a folder in which the replica may be making a file just then.
func removeFolder(path string) error {
	for {
		if err := os.RemoveAll(path); !errors.Is(err, syscall.ENOTEMPTY) {
			return err
		}
	}
}

// The files of a running replica are removed: what was in them is missing, not
// served from files that a restart would not find, and new events go to new
// files, in the same process.
func TestVanishedFiles(t *testing.T) {
	for name, c := range map[string]struct {
		remove func(path string) error
		check  bool // Check, not Put, finds out
	}{
		"the folder":        {removeFolder, false},
		"the folder, check": {removeFolder, true},
		"a sealed segment":  {func(path string) error { return os.Remove(filepath.Join(path, fileName(1, logSuffix))) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "r")
			r := open(t, path, Options{SegmentBytes: 3000})
			ctx := context.Background()
			vs := events(0, 40, 300)
			for _, v := range vs {
				put(t, r, v)
			}
			if err := c.remove(path); err != nil {
				t.Fatal(err)
			}
			if c.check {
				if err := r.Check(ctx); !errors.Is(err, ErrVanished) {
					t.Fatalf("Check: %v", err)
				}
			} else if _, err := r.Put(ctx, replicatest.Event(99, 300, 0)); !errors.Is(err, ErrVanished) {
				t.Fatalf("Put: %v", err)
			}
			if err := r.Check(ctx); err != nil {
				t.Fatalf("Check afterwards: %v", err)
			}
			if err := outcome(t, r, vs[0]); !errors.Is(err, replica.ErrNotFound) {
				t.Fatalf("an event of a removed file: %v", err)
			}
			put(t, r, vs...) // the repair
			for i, v := range vs {
				if err := outcome(t, r, v); err != nil {
					t.Fatalf("event %d: %v", i, err)
				}
			}
			if _, err := Open(path, Options{Log: quiet}); !errors.Is(err, ErrInUse) {
				t.Fatalf("the folder is not held any more: %v", err)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			r = open(t, path, Options{})
			for i, v := range vs {
				if err := outcome(t, r, v); err != nil {
					t.Fatalf("event %d after a restart: %v", i, err)
				}
			}
		})
	}
}

// A caller whose context ends while the disk hangs does not wait for it.
func TestHangingDisk(t *testing.T) {
	gate := make(chan struct{})
	hang := make(chan struct{}, 1)
	path := filepath.Join(t.TempDir(), "r")
	r := open(t, path, Options{fault: func(op, name string) (bool, error) {
		select {
		case <-hang:
			<-gate
		default:
		}
		return true, nil
	}})
	held := replicatest.Event(1, 300, 0)
	put(t, r, held)
	hang <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	errs := make(chan error, 2)
	for seed := range uint64(2) {
		go func() {
			_, err := r.Put(ctx, replicatest.Event(10+seed, 300, 0))
			errs <- err
		}()
	}
	cancel()
	for range 2 {
		if err := <-errs; err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if err := outcome(t, r, held); err != nil {
		t.Fatal(err)
	}
	close(gate)
	put(t, r, replicatest.Event(20, 300, 0))
}
