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

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica/replicatest"
)

// A platter is what a disk has of a folder: the content of a file as of its last
// sync that did not fail, and the names as of the folder's. As in Linux, what a
// failed sync did not write counts as written, and no later sync of that file
// writes it: only the copy of it in another file does.
type platter struct {
	mu     sync.Mutex
	dir    string
	fail   map[string]bool // steps, as "sync .log"
	hits   int
	synced map[uint64][]byte // by inode
	doubt  map[uint64]bool
	fresh  map[string]bool // created since the last sync of a folder or file
	names  map[string]uint64
}

func newPlatter(dir string) *platter {
	return &platter{dir: dir, fail: map[string]bool{}, synced: map[uint64][]byte{}, doubt: map[uint64]bool{}, fresh: map[string]bool{}, names: map[string]uint64{}}
}

func (p *platter) files() map[string]uint64 {
	names := map[string]uint64{}
	entries, _ := os.ReadDir(p.dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			names[e.Name()] = info.Sys().(*syscall.Stat_t).Ino
		}
	}
	return names
}

func (p *platter) hook(op, name string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail[strings.TrimSpace(op+" "+filepath.Ext(name))] {
		p.hits++
		if op == "sync" && name != "." {
			p.doubt[p.files()[name]] = true
		}
		return false, syscall.EIO
	}
	for file, inode := range p.files() {
		if p.fresh[file] { // its number may be an old file's
			delete(p.fresh, file)
			delete(p.doubt, inode)
			delete(p.synced, inode)
		}
	}
	switch {
	case op == "create":
		p.fresh[name] = true
	case op == "sync" && name == ".":
		p.names = p.files()
	case op == "sync":
		for file, inode := range p.files() {
			stem, temporary := strings.CutSuffix(name, temporarySuffix)
			if file != name && !(temporary && strings.HasPrefix(file, stem+".") && strings.HasSuffix(file, temporarySuffix)) {
				continue
			}
			if temporary {
				delete(p.doubt, inode) // it is new
			}
			if b, err := os.ReadFile(filepath.Join(p.dir, file)); err == nil && !p.doubt[inode] {
				p.synced[inode] = b
			}
		}
	}
	return op != "sync", nil
}

// powerCut makes a folder of what the disk has.
func (p *platter) powerCut(t *testing.T, path string) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	files := map[string][]byte{}
	for name, inode := range p.names {
		files[name] = p.synced[inode]
	}
	write(t, path, files)
}

// After a sync that failed, and whatever failed with it, a process that was
// killed, and Opens that failed in turn, what is answered as stored is on the
// disk when the power goes, and not only in memory that counts as written.
func TestFailedSyncThenKilled(t *testing.T) {
	for name, also := range map[string][]string{
		"alone":                  nil,
		"and the truncating":     {"truncate .log"},
		"and the next open":      {"truncate .log", "open: sync .tmp"},
		"and its renaming":       {"truncate .log", "open: rename .log"},
		"and its folder's":       {"truncate .log", "open: sync ."},
		"and opens, one by one":  {"truncate .log", "open: sync .tmp", "open: sync .", "open: write .tmp", "open: create .tmp", "open: rename .log"},
		"and the copy's writing": {"truncate .log", "open: write .tmp"},
	} {
		for _, end := range []string{"killed", "closed", "killed, segments before"} {
			t.Run(name+", "+end, func(t *testing.T) {
				root := t.TempDir()
				path := filepath.Join(root, "r")
				p := newPlatter(path)
				o := Options{Log: quiet, CompactRate: 1 << 30, fault: p.hook}
				if strings.Contains(end, "segments") {
					o.SegmentBytes = 1000
				}
				r := open(t, path, o)
				answered := map[uint64]int{}
				for seed := range uint64(8) {
					put(t, r, replicatest.Event(seed, 300, 0))
					answered[seed] = present
				}
				p.set("sync .log")
				for _, step := range also {
					if !strings.HasPrefix(step, "open: ") {
						p.set(step)
					}
				}
				v := []module.Verified{replicatest.Event(100, 300, 0), replicatest.Event(101, 300, 0)}
				for _, out := range r.PutBatch(context.Background(), v) {
					if !errors.Is(out.Err, ErrFailed) {
						t.Fatalf("a failed sync: %v", out.Err)
					}
				}
				if end != "closed" {
					r.kill()
				} else if err := r.Close(); !errors.Is(err, ErrFailed) {
					t.Fatal(err)
				}
				for _, step := range also {
					if step, ok := strings.CutPrefix(step, "open: "); ok {
						p.clear()
						p.set(step)
						if _, err := Open(path, o); err == nil {
							t.Fatalf("opened although this failed: %s", step)
						}
					}
				}
				p.clear()
				r = open(t, path, o)
				for _, seed := range []uint64{100, 101, 3, 102} { // one after the other: each its own sync, or none
					put(t, r, replicatest.Event(seed, 300, 0))
					answered[seed] = present
				}
				r.kill()
				p.powerCut(t, filepath.Join(root, "after"))
				after := open(t, filepath.Join(root, "after"), Options{})
				checkAll(t, after, answered, 300)
			})
		}
	}
}

func (p *platter) set(step string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail[step] = true
}

func (p *platter) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.fail)
}

// A segment is copied where it has to be, and not after a clean end.
func TestCleanEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r")
	name := filepath.Join(path, fileName(1, logSuffix))
	r := open(t, path, Options{})
	put(t, r, replicatest.Event(0, 300, 0))
	for i, clean := range []bool{true, false, true} {
		before, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if !clean {
			r.kill()
		} else if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = open(t, path, Options{})
		if now, err := os.Stat(name); err != nil || os.SameFile(before, now) != clean {
			t.Errorf("end %d: the same file: %v, %v", i, !clean, err)
		}
		if _, err := os.Stat(filepath.Join(path, fileName(1, indexSuffix))); !os.IsNotExist(err) {
			t.Errorf("end %d: the mark of the clean end stays: %v", i, err)
		}
		put(t, r, replicatest.Event(uint64(i)+1, 300, 0))
		for seed := range uint64(i) + 2 {
			if err := outcome(t, r, replicatest.Event(seed, 300, 0)); err != nil {
				t.Errorf("end %d: event %d: %v", i, seed, err)
			}
		}
	}
}

// A new segment whose name the disk may not have is not written into, neither by
// this process nor by the next one.
func TestFailedFolderSyncThenKilled(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "r")
	p := newPlatter(path)
	o := Options{SegmentBytes: 1000, CompactRate: 1 << 30, fault: p.hook}
	r := open(t, path, o)
	answered := map[uint64]int{}
	p.set("sync .")
	for seed := range uint64(20) {
		if _, err := r.Put(context.Background(), replicatest.Event(seed, 300, 0)); err == nil {
			answered[seed] = present
		} else if !errors.Is(err, ErrFailed) {
			t.Fatal(err)
		}
	}
	if len(answered) == 0 || len(answered) == 20 {
		t.Fatalf("%d answered", len(answered))
	}
	r.kill()
	p.powerCut(t, filepath.Join(root, "then"))
	checkAll(t, open(t, filepath.Join(root, "then"), Options{}), answered, 300)
	p.clear()
	r = open(t, path, o)
	for seed := range uint64(20) {
		put(t, r, replicatest.Event(seed, 300, 0))
		answered[seed] = present
	}
	r.kill()
	p.powerCut(t, filepath.Join(root, "after"))
	checkAll(t, open(t, filepath.Join(root, "after"), Options{}), answered, 300)
}

// An id that was given is on the disk, also when a sync had failed before.
func TestFailedSyncOfTheIdentity(t *testing.T) {
	ctx := context.Background()
	root := t.TempDir()
	path := filepath.Join(root, "r")
	p := newPlatter(path)
	o := Options{fault: p.hook}
	r := open(t, path, o)
	for i, step := range []string{"", "sync .tmp", "sync .", "rename"} {
		p.set(step)
		id := strings.Repeat("0123"[i:i+1], 32)
		if err := r.Identify(ctx, id); (err == nil) != (step == "") {
			t.Fatalf("%s: %v", step, err)
		}
		p.clear()
		if i%2 == 1 {
			r.kill()
			r = open(t, path, o)
		}
		got, err := r.Identity(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.powerCut(t, filepath.Join(root, "after"))
		after := open(t, filepath.Join(root, "after"), Options{})
		kept, err := after.Identity(ctx, nil)
		if err != nil || kept != got && step != "sync ." {
			t.Fatalf("%s: the disk has %q, %v, and what is read is %q", step, kept, err, got)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
		if err := r.Identify(ctx, id); err != nil {
			t.Fatal(err)
		}
		p.powerCut(t, filepath.Join(root, "after"))
		after = open(t, filepath.Join(root, "after"), Options{})
		if kept, err := after.Identity(ctx, nil); err != nil || kept != id {
			t.Fatalf("%s, again: the disk has %q, %v", step, kept, err)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
