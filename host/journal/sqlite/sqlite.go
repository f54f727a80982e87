// Package sqlite keeps the journal in one SQLite file: write-ahead log,
// synchronous=FULL, one writer that commits whatever waits with one fsync,
// and readers that never wait for it.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// Options may be left zero.
type Options struct {
	// UpdateDelay is how long news of replicas wait for a commit that they can
	// share. 0: 200 ms.
	UpdateDelay time.Duration
	// CacheBytes of pages that the writer holds; each of 8 readers holds an eighth. 0: 32 MiB.
	CacheBytes int
	// BlockBytes bounds the memory for blocks that searches read, some 8 KB per
	// 512 events. 0: 32 MiB.
	BlockBytes int
	// OnCommit, if set, is told of every commit: how long it took with its
	// fsync, and how many events it admitted. It is called by the writer and must be quick.
	OnCommit func(took time.Duration, events int)
	// OnLost, if set, is told of events that have become lost (custody.Lost), and
	// how many there are now. It is called by the writer and must be quick.
	OnLost func(ls []journal.Losing, total uint64)
	// Log is told of trouble in the background. nil: slog.Default().
	Log *slog.Logger

	// now and passed take the place of the machine's clocks in tests: what the
	// wall says, and how much time has passed.
	now    func() time.Time
	passed func() time.Duration
	// checkpoint is how many pages of log are moved into the file at once.
	checkpoint int
	// fault is asked before a step of the writer ("begin", "commit",
	// "checkpoint") and says whether to take it and what to report.
	fault func(step string) (apply bool, err error)
}

// A Journal is a journal.Journal with all of its optional powers.
type Journal struct {
	path      string
	o         Options
	lock      *conn // held until Close: one process, one Journal
	guard     guard
	file      *os.File // for Check; a POSIX lock ends with any close of the file, so it is closed last
	guarded   string   // names guard to a connection
	read      *sql.DB
	prepared  sync.Map // text → *sql.Stmt on read
	names     atomic.Pointer[names]
	last      atomic.Uint64
	lost      atomic.Uint64 // events
	epoch     atomic.Pointer[string]
	renewing  sync.Mutex // held by Renew
	head      atomic.Pointer[journal.Head]
	swapping  sync.Mutex // held by SwapHead
	id        string
	unwatched int64        // up to which waived may lack some
	packed    atomic.Int64 // full blocks
	reserved  atomic.Int64 // numbers without their events
	passed    atomic.Int64 // events
	terms     termKey
	blocks    blockCache
	clock     *clock

	mu              sync.Mutex
	queue           []*task
	updates         []news
	flushes         []*task
	queued, learned uint64            // news, since Open
	overlay         map[uint64][]news // by sequence: what is queued or being committed, in order
	backlog         map[int64]int     // by replica
	open            map[int64]int     // blocks that are searched row by row, with how many numbers are reserved there
	changed         chan struct{}     // closed and replaced by every commit that admits
	failure         error             // wraps ErrFailed
	closed          bool

	wake    chan struct{} // holds one
	stopped chan struct{} // closed when the writer has ended
	w       *writer
	stats   stats

	cancel     context.CancelFunc // of background
	background sync.WaitGroup
}

var (
	_ journal.Journal  = (*Journal)(nil)
	_ journal.Finder   = (*Journal)(nil)
	_ journal.Locator  = (*Journal)(nil)
	_ journal.Restorer = (*Journal)(nil)
	_ journal.Follower = (*Journal)(nil)
	_ journal.Placer   = (*Journal)(nil)
	_ journal.Loser    = (*Journal)(nil)
	_ journal.Renewer  = (*Journal)(nil)
	_ journal.Logged   = (*Journal)(nil)
	_ journal.Anchored = (*Journal)(nil)
)

// Open opens or creates the journal in the file path, whose folder must exist,
// beside which SQLite keeps files of the same name with endings. A file that
// another Journal has open is refused. The caller must Close it.
func Open(path string, o Options) (j *Journal, err error) {
	if o.UpdateDelay <= 0 {
		o.UpdateDelay = 200 * time.Millisecond
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = 32 << 20
	}
	if o.checkpoint <= 0 {
		o.checkpoint = checkpointPages
	}
	if o.BlockBytes <= 0 {
		o.BlockBytes = 32 << 20
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	j = &Journal{
		path: path, o: o, blocks: blockCache{held: map[int64]*columns{}, limit: o.BlockBytes}, clock: newClock(o.now, o.passed),
		overlay: map[uint64][]news{}, backlog: map[int64]int{}, open: map[int64]int{},
		changed: make(chan struct{}), wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	defer func() {
		if err != nil {
			if err = j.guard.blame(asDamage(err)); damaged(err) {
				err = fmt.Errorf("%w; %s", err, mend)
			}
			err = fmt.Errorf("journal %s: %w", path, err)
			j.release()
			j = nil
		}
	}()

	// An exclusive transaction on a file of its own: SQLite's locks hold between
	// processes and within one, and end with the process.
	if j.lock, err = lockFile(path); err != nil {
		return j, err
	}
	if err := j.ensure(); err != nil {
		return j, err
	}
	if j.file, err = os.Open(path); err != nil {
		return j, err
	}
	if j.w, err = openWriter(j); err != nil {
		return j, err
	}
	if j.read, err = openReaders(path, j.guarded, o.CacheBytes/8); err != nil {
		return j, err
	}
	go j.w.run()
	ctx, cancel := context.WithCancel(context.Background())
	j.cancel = cancel
	j.background.Go(func() {
		if err := j.warm(ctx); err != nil && ctx.Err() == nil {
			j.o.Log.Warn("the journal's blocks could not be read ahead", "error", err)
		}
	})
	return j, nil
}

// lockFile takes the journal's lock; closing the connection gives it back.
func lockFile(path string) (*conn, error) {
	name, err := dsn(path+".lock", "")
	if err != nil {
		return nil, err
	}
	c, err := connect(name)
	if err != nil {
		return nil, err
	}
	if err := c.script(`BEGIN EXCLUSIVE`); err != nil {
		return nil, errors.Join(fmt.Errorf("in use: %w", err), c.close())
	}
	return c, nil
}

func (j *Journal) release() {
	if j.read != nil {
		_ = j.read.Close()
	}
	if j.w != nil {
		_ = j.w.c.close()
	}
	if j.file != nil {
		_ = j.file.Close()
	}
	if j.lock != nil {
		_ = j.lock.close()
	}
	j.guard.remove()
}

// Close implements journal.Journal. It waits for what was submitted before.
func (j *Journal) Close() error {
	j.mu.Lock()
	again := j.closed
	j.closed = true
	j.mu.Unlock()
	j.nudge()
	<-j.stopped
	if again {
		return nil
	}
	j.cancel()
	j.background.Wait()
	j.mu.Lock()
	close(j.changed)
	err := j.failure
	j.mu.Unlock()
	if e := j.read.Close(); err == nil {
		err = e
	}
	// The last connection moves the log into the file and removes it.
	if e := j.w.c.close(); err == nil {
		err = e
	}
	if e := j.file.Close(); err == nil {
		err = e
	}
	if e := j.lock.close(); err == nil {
		err = e
	}
	j.guard.remove()
	return err
}

// Last implements journal.Journal.
func (j *Journal) Last(ctx context.Context) (uint64, error) {
	if err := j.usable(ctx); err != nil {
		return 0, err
	}
	return j.last.Load(), nil
}

// Wait implements journal.Finder.
func (j *Journal) Wait(ctx context.Context, after uint64) error {
	for {
		j.mu.Lock()
		changed, closed := j.changed, j.closed
		j.mu.Unlock()
		if closed {
			return journal.ErrClosed
		}
		if j.last.Load() > after {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// usable is the reader's door.
func (j *Journal) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	return nil
}

// Failure returns the error that closed the journal to writes, nil while it works.
func (j *Journal) Failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// reading wraps a reader's error.
func (j *Journal) reading(what string, err error) error {
	if err == nil || errors.Is(err, journal.ErrNotFound) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.ErrClosed
	}
	return fmt.Errorf("journal: %s: %w", what, asDamage(err))
}

func (j *Journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}
