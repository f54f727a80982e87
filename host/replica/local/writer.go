package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// One sync makes at most so much durable, and one more call. A larger batch is
// several calls.
const (
	maxGroupBytes  = 8 << 20
	maxGroupEvents = 4096
	// No group is longer: one call whose last record is the largest.
	maxGroup = maxGroupBytes + headerSize + module.MaxRecordBytes
)

// A task is one call that waits for the writer, or the housekeeper's.
type task struct {
	state       atomic.Int32
	puts        []module.Verified
	gone        []digest.Hash // to delete
	objects     []replica.Object
	goneObjects []string
	swap        *swap
	moves       []move
	probe       bool
	id          string // to identify the place by; "": not to
	mark        string // the journal to keep text for; "": none
	text        string
	weight      int // bytes

	out  []replica.Outcome // of puts
	errs []error           // of objects
	err  error             // of the others
	done chan struct{}
}

const (
	taskWaiting = iota
	taskTaken
	taskGone // its caller left before the writer came
)

// A move is a frame that compaction carries to the end of the log.
type move struct {
	header  header
	segment *segment
	from    place
	frame   []byte
}

// Put implements replica.Replica.
func (r *Replica) Put(ctx context.Context, v module.Verified) (string, error) {
	out := r.PutBatch(ctx, []module.Verified{v})[0]
	return out.Location, out.Err
}

// PutBatch implements replica.BatchPutter. All of a batch becomes durable at
// once, or piece by piece when it is larger than a group.
func (r *Replica) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	if err := r.usable(ctx); err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	var tasks []*task
	for rest := vs; len(rest) > 0; {
		t := &task{done: make(chan struct{})}
		n := 0
		for n < len(rest) && n < maxGroupEvents && t.weight < maxGroupBytes {
			t.weight += headerSize + len(rest[n].Record())
			n++
		}
		t.puts, rest = rest[:n], rest[n:]
		t.out = make([]replica.Outcome, n)
		tasks = append(tasks, t)
	}
	r.enqueue(tasks...)
	at := 0
	for _, t := range tasks {
		err := r.await(ctx, t)
		for i := range t.puts {
			if err != nil {
				out[at].Err = err // the writer may be about to write t.out
			} else {
				out[at] = t.out[i]
			}
			at++
		}
	}
	return out
}

// Delete implements replica.Replica: it is durable when it returns nil.
func (r *Replica) Delete(ctx context.Context, ref replica.Ref) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	t := &task{gone: []digest.Hash{ref.Hash}, weight: headerSize}
	if err := r.submit(ctx, t); err != nil {
		return err
	}
	return t.err
}

// submit returns when the writer has done t, with nil; the outcome is in t.
func (r *Replica) submit(ctx context.Context, t *task) error {
	t.done = make(chan struct{})
	r.enqueue(t)
	return r.await(ctx, t)
}

func (r *Replica) enqueue(ts ...*task) {
	r.queueMu.Lock()
	stopped := r.stopped
	if !stopped {
		r.queue = append(r.queue, ts...)
	}
	r.queueMu.Unlock()
	if stopped {
		for _, t := range ts {
			t.refuse(replica.ErrClosed)
		}
		return
	}
	nudge(r.wake)
}

// await waits for the writer, or for the end of ctx: then the outcome is not
// known unless the writer had not begun.
func (r *Replica) await(ctx context.Context, t *task) error {
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		t.state.CompareAndSwap(taskWaiting, taskGone)
		return ctx.Err()
	}
}

// refuse answers a task with err.
func (t *task) refuse(err error) {
	t.err = err
	for i := range t.out {
		t.out[i].Err = err
	}
	for i := range t.errs {
		t.errs[i] = err
	}
	close(t.done)
}

// write is the writer.
func (r *Replica) write() {
	for range r.wake {
		for {
			group, closed := r.take()
			if len(group) > 0 {
				r.commit(group)
				// Those who were answered may come back before the next group is
				// taken, which is the larger for it.
				runtime.Gosched()
				continue
			}
			if closed {
				return
			}
			break
		}
	}
}

// take removes the next group from the queue. With an empty one it says
// whether the replica is closed; then nothing is queued any more.
func (r *Replica) take() (group []*task, closed bool) {
	r.mu.RLock()
	closed = r.closed
	r.mu.RUnlock()
	r.queueMu.Lock()
	defer r.queueMu.Unlock()
	weight, events, n := 0, 0, 0
	for _, t := range r.queue {
		if n > 0 && (weight+t.weight > maxGroupBytes || events+len(t.puts)+len(t.objects) > maxGroupEvents) {
			break
		}
		n++
		if t.state.CompareAndSwap(taskWaiting, taskTaken) {
			group = append(group, t)
			weight += t.weight
			events += len(t.puts) + len(t.objects)
		}
	}
	clear(r.queue[:n])
	if r.queue = r.queue[n:]; len(r.queue) == 0 {
		r.queue = nil
		r.stopped = closed && len(group) == 0
	}
	return group, closed
}

// writer is the state of one group.
type writer struct {
	buf     []byte // the frames to append
	changes []change
	pending map[digest.Hash]pending
	unsure  []*error   // outcomes that are nil when the group becomes durable
	rests   []*segment // what the answers rest on
	probe   bool
}

// A change is what the index learns when the group is durable.
type change struct {
	prefix   uint64
	old, new place // zero: none
	kind     byte  // of the new one, or of the old one
}

// pending is what the group does to a hash.
type pending struct {
	record []byte // nil: it is deleted
	place  place
}

// commit does a group with one write and one sync, and answers it.
func (r *Replica) commit(group []*task) {
	w := &r.w
	w.buf, w.changes, w.unsure, w.probe = w.buf[:0], w.changes[:0], w.unsure[:0], false
	clear(w.rests)
	w.rests = w.rests[:0]
	if w.pending == nil {
		w.pending = map[digest.Hash]pending{}
	}
	clear(w.pending)
	for _, t := range group {
		w.probe = w.probe || t.probe || t.id != "" || t.mark != "" // not the folder that was moved away
	}
	if err := r.room(); err != nil {
		for _, t := range group {
			t.refuse(err)
		}
		return
	}
	for _, t := range group {
		for i, v := range t.puts {
			t.out[i] = replica.Outcome{Location: location(v.Hash())}
			r.put(v, &t.out[i].Err)
		}
		for _, h := range t.gone {
			r.remove(kindTombstone, h, &t.err)
		}
		for i, o := range t.objects {
			r.keepObject(o, &t.errs[i])
		}
		for _, name := range t.goneObjects {
			r.remove(kindObjectGone, keyOf(name), &t.err)
		}
		if t.swap != nil {
			r.swapObject(*t.swap, &t.err)
		}
		for _, m := range t.moves {
			r.move(m)
		}
		if t.moves != nil || t.probe {
			w.unsure = append(w.unsure, &t.err)
		}
		if t.id != "" {
			t.err = r.identify(t.id)
		}
		if t.mark != "" && t.err == nil {
			t.err = r.keepMark(t.mark, t.text)
		}
	}
	if err := r.append(); err != nil {
		for _, e := range w.unsure {
			*e = err
		}
	} else {
		r.apply()
	}
	gone := r.confirm()
	for _, t := range group {
		if t.err == nil {
			t.err = gone
		}
		for i := range t.out {
			if t.out[i].Err == nil {
				t.out[i].Err = gone
			}
			if t.out[i].Err != nil {
				t.out[i].Location = ""
			}
		}
		for i := range t.errs {
			if t.errs[i] == nil {
				t.errs[i] = gone
			}
		}
		close(t.done)
	}
	if cap(w.buf) > 1<<20 {
		w.buf = nil
	}
}

// frame adds a frame to the group and returns where it will be.
func (r *Replica) frame(kind byte, h digest.Hash, record []byte) place {
	at := r.active.size + int64(len(r.w.buf))
	r.w.buf = appendFrame(r.w.buf, kind, h, record)
	return placeOf(r.active.slot, at, headerSize+int64(len(record)))
}

// put decides about one event. *err is final when it is set here.
func (r *Replica) put(v module.Verified, err *error) {
	w, h, record := &r.w, v.Hash(), v.Record()
	if len(record) > module.MaxRecordBytes {
		*err = fmt.Errorf("local: a record of %d bytes is too large", len(record))
		return
	}
	p, known := w.pending[h]
	if known && p.record != nil {
		if !bytes.Equal(p.record, record) {
			*err = fmt.Errorf("local: %w", replica.ErrConflict)
		}
		w.unsure = append(w.unsure, err)
		return
	}
	var replaced []place
	if !known {
		stored, at, e := r.fetch(kindPut, h, true)
		switch {
		case e == nil && bytes.Equal(stored, record):
			w.rest(r.slots[at[0].slot()])
			return
		case e == nil && !replica.Damaged(h, stored):
			*err = fmt.Errorf("local: %w", replica.ErrConflict)
			return
		case e == nil || at != nil:
			replaced = at
		case !errors.Is(e, replica.ErrNotFound):
			*err = e
			return
		}
	}
	r.store(kindPut, h, record, replaced, err)
}

// store adds a frame to the group, in the place of others, and what it changes.
func (r *Replica) store(kind byte, h digest.Hash, record []byte, replaced []place, err *error) {
	w, at := &r.w, r.frame(kind, h, record)
	w.pending[h] = pending{record, at}
	w.changes = append(w.changes, change{prefixOf(h), 0, at, kind})
	for _, old := range replaced {
		w.changes = append(w.changes, change{prefixOf(h), old, 0, kind})
	}
	w.unsure = append(w.unsure, err)
}

// remove deletes one event or object, by a tombstone of the kind.
func (r *Replica) remove(kind byte, h digest.Hash, err *error) {
	w := &r.w
	var at []place
	if p, known := w.pending[h]; known {
		if p.record != nil {
			at = []place{p.place}
		}
	} else {
		var e error
		if _, at, e = r.fetch(kept(kind), h, true); e != nil && at == nil && !errors.Is(e, replica.ErrNotFound) {
			*err = e
			return
		}
	}
	w.unsure = append(w.unsure, err)
	if at == nil {
		return
	}
	tombstone := r.frame(kind, h, nil)
	w.pending[h] = pending{}
	w.changes = append(w.changes, change{prefixOf(h), 0, tombstone, kind})
	for _, old := range at {
		w.changes = append(w.changes, change{prefixOf(h), old, 0, kind})
	}
}

// move carries a frame over, unless it died meanwhile.
func (r *Replica) move(m move) {
	w := &r.w
	if _, known := w.pending[m.header.hash]; known || !r.seated(m.segment) {
		return
	}
	prefix, kind := prefixOf(m.header.hash), m.header.kind
	if holds(kind) {
		r.mu.RLock()
		alive := r.of(kind).has(prefix, m.from)
		r.mu.RUnlock()
		if !alive {
			return
		}
	} else {
		// It holds older copies down, unless a newer one is there.
		if _, _, err := r.fetch(kept(kind), m.header.hash, true); !errors.Is(err, replica.ErrNotFound) {
			return
		}
		m.from = 0
	}
	at := placeOf(r.active.slot, r.active.size+int64(len(w.buf)), m.header.frameSize())
	w.buf = append(w.buf, m.frame...)
	w.changes = append(w.changes, change{prefix, m.from, at, kind})
	if holds(kind) {
		w.pending[m.header.hash] = pending{m.frame[headerSize:], at}
	}
}
