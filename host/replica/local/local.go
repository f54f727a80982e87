// Package local is a Replica in a folder of this machine: an append-only log in
// segment files, with an index in memory.
//
// One goroutine writes. It takes every call that waits, appends all of their
// frames with one write and makes them durable with one fdatasync, and only
// then shows them to readers and answers. So nothing that was answered can be
// missing after a crash, and nothing unanswered is read before it is safe.
//
// What is answered is also at the path: a folder that was moved away, or over
// which a disk was mounted, is given up, and the replica goes on in what the
// path leads to then, be that empty.
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
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/replica"
)

var (
	// ErrFailed: a write or a sync failed, and nothing is stored any more until
	// the replica is opened again; reads go on. What a disk holds after a failed
	// sync nobody knows, so going on could acknowledge what is not there.
	// It is a replica.ErrReadOnly.
	ErrFailed = fmt.Errorf("local: %w: a write failed, and a restart is needed", replica.ErrReadOnly)
	// ErrInUse: another process holds the folder, or this one twice.
	ErrInUse = errors.New("local: the folder is in use by another process")
	// ErrVanished: the path does not lead to the folder or to files of it any more.
	// What they held is missing from then on. Later calls use new files, or
	// the folder that the path leads to then.
	ErrVanished = errors.New("local: files of the replica are not at their path any more")
	// ErrUnmounted: the folder was a disk of its own, and is none. Nothing was made in it.
	ErrUnmounted = errors.New("local: the folder was a disk of its own and is now a plain folder of the disk above it: mount the disk and start again; if it is gone for good, give the replica another name in the settings, and it is filled anew")
	// ErrNewer: the folder's files are of a later version of this program.
	ErrNewer = errors.New("local: the folder is of a newer version")
)

// Options may be left zero.
type Options struct {
	SegmentBytes int64        // a segment that has reached it is sealed; 0: 64 MiB, at most 96 MiB
	CompactRate  int64        // bytes per second that compaction reads at most; 0: 16 MiB
	Log          *slog.Logger // nil: the default one

	// Mounted says that the folder was a disk of its own (OnOwnDevice) when it
	// was last known: then one that is not is refused with ErrUnmounted.
	Mounted bool

	fault func(op, name string) (apply bool, err error)
}

// A Replica is safe for concurrent use by one process. Make it with Open.
type Replica struct {
	o    Options
	path string

	// mu guards what readers see. It is never held during disk access.
	mu sync.RWMutex
	*state
	failure error
	closed  bool

	full     atomic.Bool   // the last write found no room
	suffered atomic.Uint64 // copies found gone or damaged
	w        writer

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
	_ replica.Recent      = (*Replica)(nil)
	_ replica.Suffered    = (*Replica)(nil)
	_ io.Closer           = (*Replica)(nil)
)

// Open opens the replica in the folder path, which it makes where it is
// missing, private to the user. It returns when everything that was ever
// acknowledged and is still there can be read, and is durable: after a process
// that did not close the replica, up to SegmentBytes are written again for that.
// The caller closes the replica.
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
	r := &Replica{o: o, path: path, wake: make(chan struct{}, 1), tidy: make(chan struct{}, 1)}
	st, err := r.load(durable.MakeFolder)
	if err != nil {
		return nil, fmt.Errorf("local: %s: %w", path, err)
	}
	r.state = st
	if own, err := OnOwnDevice(path); err == nil && own {
		r.o.Mounted = true // what it is now, it has to be as long as it runs
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
	r.seal()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state.close()
	return r.failure
}

// seal writes down that all of the active segment is durable, for the next Open.
// One that does not find it takes the more care.
func (r *Replica) seal() {
	if s := r.active; s != nil && r.failure == nil && s.size > 0 {
		_ = r.folder.Replace(fileName(s.id, indexSuffix), appendTable(nil, s.size, s.entries))
	}
}

// Check implements replica.Replica. After a full disk it finds out by writing
// whether there is room again; where the folder or files of it went away, it
// has the replica go on without them, and says so once.
func (r *Replica) Check(ctx context.Context) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	stands, err := r.stands()
	if err != nil {
		return fmt.Errorf("local: %w", err)
	}
	if stands && !r.full.Load() {
		return nil
	}
	return r.probe(ctx)
}

// probe has the writer look at all files.
func (r *Replica) probe(ctx context.Context) error {
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
		r.o.Log.Error("a local replica stores nothing more until a restart", "folder", r.path, "error", err)
	}
	return r.failure
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// slow is for what failed and is tried again later.
const slow = 10 * time.Second
