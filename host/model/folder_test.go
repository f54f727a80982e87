package model

import (
	"bytes"
	"context"
	"errors"

	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/wasm/digest"
)

// segmentBytes is small, so that there are many segments and something to compact.
const segmentBytes = 12 << 10

// A folder is where a local site is.
type folder struct {
	path string
	live *local.Replica // that has it open; nil: none
	// estranged: what is at the path is not what the live one opened, or not
	// what it wrote. It is looked at past it until there is another one.
	estranged bool
	seen      map[digest.Hash][]byte // what was found past any; nil: it is to be looked at

	mu     sync.Mutex
	synced map[string]int64 // of files made since the test last touched it: what a power cut leaves
	steps  int
}

// touch forgets what was known of the files, which somebody changed.
func (f *folder) touch() {
	f.seen = nil
	f.estranged = f.live != nil
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced = map[string]int64{}
}

// get returns what the files hold of an event, nil for nothing.
func (f *folder) get(h digest.Hash) ([]byte, error) {
	if f.live != nil && !f.estranged {
		b, err := f.live.Get(context.Background(), replica.Ref{Hash: h})
		if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
			return nil, nil
		}
		return b, err
	}
	if f.seen == nil || f.live != nil {
		if err := f.look(); err != nil {
			return nil, err
		}
	}
	return f.seen[h], nil
}

// look reads a copy of the folder as the next host would.
func (f *folder) look() error {
	at := f.path + ".look"
	if err := copyTree(at, f.path); err != nil {
		return err
	}
	defer os.RemoveAll(at)
	r, err := local.Open(at, local.Options{SegmentBytes: segmentBytes, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer r.Close()
	f.seen = map[digest.Hash][]byte{}
	for ref, err := range r.List(context.Background()) {
		if err != nil {
			return err
		}
		if b, err := r.Get(context.Background(), ref); err == nil {
			f.seen[ref.Hash] = b
		}
	}
	return nil
}

// copyTree makes dst what src is, without locks and what SQLite shares between
// processes; nothing, where src is nothing.
func copyTree(dst, src string) error {
	if err := os.RemoveAll(dst); err != nil {
		return err
	}
	return filepath.WalkDir(src, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		to := filepath.Join(dst, strings.TrimPrefix(path, src))
		if e.IsDir() {
			return os.MkdirAll(to, 0o700)
		}
		if strings.HasSuffix(path, "-shm") || strings.Contains(e.Name(), "lock") {
			return nil
		}
		in, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		defer in.Close()
		out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		return errors.Join(err, out.Close())
	})
}

// harm changes a bit of every copy of a record in the files, and reports whether there was any.
func (f *folder) harm(record []byte, at int) (found bool, err error) {
	files, err := filepath.Glob(filepath.Join(f.path, "*.log"))
	if err != nil {
		return false, err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return found, err
		}
		for from := 0; ; {
			i := bytes.Index(b[from:], record)
			if i < 0 {
				break
			}
			from += i
			w, err := os.OpenFile(file, os.O_WRONLY, 0)
			if err != nil {
				return found, err
			}
			_, err = w.WriteAt([]byte{record[at] ^ 4}, int64(from+at))
			if err = errors.Join(err, w.Close()); err != nil {
				return found, err
			}
			found = true
			from += len(record)
		}
	}
	f.seen = nil
	return found, nil
}

// cut leaves of the files what was synced, as when the power fails.
func (f *folder) cut() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = nil
	for name, size := range f.synced {
		file := filepath.Join(f.path, name)
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil && info.Size() > size {
			err = os.Truncate(file, size)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A disk is one host's way to a site that is a folder.
type disk struct {
	*local.Replica
	*site
	gate *gate
}

// mount opens the folder for a host.
func (s *site) mount(g *gate, log *slog.Logger) (replica.Replica, error) {
	f := s.folder
	o := local.Options{SegmentBytes: segmentBytes, CompactRate: 1 << 30, Log: log}.WithFault(func(op, name string) (bool, error) {
		if err := g.pass(); err != nil {
			return false, err
		}
		return s.step(op, name)
	})
	r, err := local.Open(f.path, o)
	if err != nil {
		return nil, err
	}
	f.live, f.estranged, f.seen, s.broken = r, false, nil, s.now() == unsynced
	return &disk{r, s, g}, nil
}

// step decides whether a change of the files is made.
func (s *site) step(op, name string) (bool, error) {
	m, f := s.now(), s.folder
	f.mu.Lock()
	defer f.mu.Unlock()
	f.steps++
	switch {
	case m == full && (op == "write" || op == "create"):
		return false, &os.PathError{Op: op, Path: name, Err: syscall.ENOSPC}
	case m == unsynced && op == "sync":
		return f.steps%2 == 0, &os.PathError{Op: op, Path: name, Err: syscall.EIO}
	}
	if !strings.HasSuffix(name, ".log") {
		return true, nil
	}
	switch op {
	case "create":
		f.synced[name] = 0
	case "sync":
		if _, ours := f.synced[name]; ours {
			info, err := os.Stat(filepath.Join(f.path, name))
			if err == nil {
				f.synced[name] = info.Size()
			}
		}
	}
	return true, nil
}

// Put implements replica.Replica.
func (d *disk) Put(ctx context.Context, v module.Verified) (string, error) {
	o := d.PutBatch(ctx, []module.Verified{v})[0]
	return o.Location, o.Err
}

// PutBatch implements replica.BatchPutter.
func (d *disk) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	before, after := d.enter(ctx, d.gate)
	if before == nil && d.now() == lying {
		for i, v := range vs {
			d.site.mu.Lock()
			d.lied[v.Hash()] = time.Now()
			d.site.mu.Unlock()
			out[i].Location = "local:" + v.Hash().String()
		}
		return out
	}
	if before == nil {
		out = d.Replica.PutBatch(ctx, vs)
		before = cmpErr(after, d.gate.pass())
	}
	if before != nil {
		for i := range out {
			out[i] = replica.Outcome{Err: before}
		}
	}
	return out
}

// Get implements replica.Replica.
func (d *disk) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	before, after := d.enter(ctx, d.gate)
	if err := cmpErr(before, after); err != nil {
		return nil, err
	}
	return d.Replica.Get(ctx, ref)
}

// GetBatch implements replica.BatchGetter.
func (d *disk) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	before, after := d.enter(ctx, d.gate)
	if err := cmpErr(before, after); err != nil {
		out := make([]replica.Fetched, len(refs))
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	return d.Replica.GetBatch(ctx, refs)
}

// Delete implements replica.Replica.
func (d *disk) Delete(ctx context.Context, ref replica.Ref) error {
	before, after := d.enter(ctx, d.gate)
	if before != nil {
		return before
	}
	return cmpErr(d.Replica.Delete(ctx, ref), after, d.gate.pass())
}

// Check implements replica.Replica.
func (d *disk) Check(ctx context.Context) error {
	before, after := d.enter(ctx, d.gate)
	if err := cmpErr(before, after); err != nil {
		return err
	}
	return d.Replica.Check(ctx)
}

// snapshot keeps a copy of the files.
func (f *folder) snapshot(to string) error {
	if err := copyTree(to, f.path); err != nil {
		return err
	}
	return os.MkdirAll(to, 0o700)
}

// become makes the folder what another one is, or nothing. Where a host has it
// open, it is put in the place of that one's, whose files go.
func (f *folder) become(other string) error {
	defer f.touch()
	aside := f.path + ".aside"
	if err := os.Rename(f.path, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.RemoveAll(aside); err != nil {
		return err
	}
	if other == "" {
		return nil
	}
	return copyTree(f.path, other)
}

// empty removes the files and leaves the folder.
func (f *folder) empty() error {
	defer f.touch()
	es, err := os.ReadDir(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range es {
		if err := os.RemoveAll(filepath.Join(f.path, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// swap exchanges what two folders are.
func (f *folder) swap(g *folder) error {
	defer f.touch()
	defer g.touch()
	aside := f.path + ".aside"
	return cmpErr(os.MkdirAll(f.path, 0o700), os.MkdirAll(g.path, 0o700), os.Rename(f.path, aside), os.Rename(g.path, f.path), os.Rename(aside, g.path))
}
