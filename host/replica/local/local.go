// Package local is a Replica in a folder of this machine: an append-only log in
// segment files, with an index in memory.
//
// One goroutine writes. It takes every call that waits, appends all of their
// frames with one write and makes them durable with one fdatasync, and only
// then shows them to readers and answers. So nothing that was answered can be
// missing after a crash, and nothing unanswered is read before it is safe.
//
// Segments are never changed once they are full. What was deleted or replaced
// in them is reclaimed by compaction: the rest of a mostly dead segment is
// appended to the log again, by the same writer, and then the file is removed.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

var (
	// ErrFailed: a write or a sync failed, and nothing is stored any more until
	// the replica is opened again; reads go on. What a disk holds after a failed
	// sync nobody knows, so going on could acknowledge what is not there.
	// It is a replica.ErrReadOnly.
	ErrFailed = fmt.Errorf("local: %w: a write failed, and a restart is needed", replica.ErrReadOnly)
	// ErrInUse: another process holds the folder, or this one twice.
	ErrInUse = errors.New("local: the folder is in use by another process")
	// ErrVanished: files were removed under the running replica. What they held
	// is missing from then on, and later calls use new files.
	ErrVanished = errors.New("local: files of the replica were removed")
)

// Options may be left zero.
type Options struct {
	SegmentBytes int64        // a segment that has reached it is sealed; 0: 64 MiB, at most 96 MiB
	CompactRate  int64        // bytes per second that compaction reads at most; 0: 16 MiB
	Log          *slog.Logger // nil: the default one

	fault func(op, name string) (apply bool, err error)
}

// A Replica is safe for concurrent use by one process. Make it with Open.
type Replica struct {
	o    Options
	disk disk

	// mu guards what readers see. It is never held during disk access.
	mu      sync.RWMutex
	index   *index
	slots   []*segment // by slot; nil: free
	active  *segment   // the one that is appended to
	lock    *os.File
	failure error
	closed  bool

	full   atomic.Bool // the last write found no room
	nextID uint64      // of segments; the writer's, as is buf
	w      writer

	queueMu sync.Mutex
	queue   []*task
	stopped bool          // no task is taken any more
	wake    chan struct{} // for the writer
	tidy    chan struct{} // for the housekeeper
	stop    context.CancelFunc
	done    sync.WaitGroup
}

var (
	_ replica.Replica     = (*Replica)(nil)
	_ replica.BatchPutter = (*Replica)(nil)
	_ replica.BatchGetter = (*Replica)(nil)
	_ replica.Lister      = (*Replica)(nil)
	_ io.Closer           = (*Replica)(nil)
)

// A segment is one file of the log, open while it is in use. size, live and
// tombstones are guarded by the replica's mu.
type segment struct {
	id         uint64
	slot       int
	f          *os.File
	size       int64    // where the frames end
	live       int64    // of it, frames that the index names, rounded up
	tombstones int64    // of it, tombstones
	entries    []listed // what is in it, until its index file says so
	refs       atomic.Int32
}

func (s *segment) acquire() { s.refs.Add(1) }

func (s *segment) release() {
	if s.refs.Add(-1) == 0 {
		_ = s.f.Close() // read-only by now, or synced
	}
}

// location is the same for as long as the event is held, wherever compaction
// moves it, and tells whoever reads it which event to look for.
func location(h digest.Hash) string { return "local:" + h.String() }

// Open opens the replica in the folder path, which it makes where it is
// missing, private to the user. It returns when everything that was ever
// acknowledged can be read, and is durable. The caller closes the replica.
func Open(path string, o Options) (*Replica, error) {
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	o.SegmentBytes = min(o.SegmentBytes, 96<<20)
	if o.CompactRate <= 0 {
		o.CompactRate = 16 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	r := &Replica{
		o: o, disk: disk{dir: path, hook: o.fault}, index: newIndex(), slots: make([]*segment, 1),
		wake: make(chan struct{}, 1), tidy: make(chan struct{}, 1), nextID: 1,
	}
	if err := r.open(); err != nil {
		r.closeFiles()
		return nil, fmt.Errorf("local: %s: %w", path, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.done.Go(r.write)
	r.done.Go(func() { r.keep(ctx) })
	return r, nil
}

// Close ends the replica: calls that wait are finished, later ones fail with
// replica.ErrClosed. It returns ErrFailed when a write had failed before.
func (r *Replica) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	r.mu.Unlock()
	r.stop()
	nudge(r.wake)
	r.done.Wait()
	r.closeFiles()
	return r.failure
}

func (r *Replica) closeFiles() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.slots {
		if s != nil {
			s.release()
			r.slots[i] = nil
		}
	}
	if r.lock != nil {
		_ = r.lock.Close()
	}
}

// Check implements replica.Replica. After a full disk it finds out by writing
// whether there is room again; where files were removed under the replica, it
// makes new ones, and says so once.
func (r *Replica) Check(ctx context.Context) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	vanished, err := r.anyVanished()
	if err != nil {
		return err
	}
	if !vanished && !r.full.Load() {
		return nil
	}
	t := &task{probe: true}
	if err := r.submit(ctx, t); err != nil {
		return err
	}
	return t.err
}

// usable returns why nothing can be stored, nil when it can.
func (r *Replica) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return replica.ErrClosed
	}
	return r.failure
}

// fail closes the replica to writes.
func (r *Replica) fail(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failure == nil {
		r.failure = fmt.Errorf("%w: %w", ErrFailed, err)
		r.o.Log.Error("a local replica stores nothing more until a restart", "folder", r.disk.dir, "error", err)
	}
	return r.failure
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// makeFolder makes path and what is missing above it, durably.
func makeFolder(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return syncFolder(parent)
}

// slow is for what failed and is tried again later.
const slow = 10 * time.Second
