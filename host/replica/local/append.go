package local

import (
	"fmt"

	"github.com/eventseal/eventseal/host/replica"
)

// room prepares for a group: it fails when the replica does not store any
// more, and begins a new segment when the active one is full.
func (r *Replica) room() error {
	r.mu.RLock()
	err := r.failure
	r.mu.RUnlock()
	if err != nil {
		return err
	}
	if r.w.probe {
		if vanished, err := r.anyVanished(); err != nil || vanished {
			return r.vanish(err)
		}
	}
	if r.active.size < r.o.SegmentBytes {
		return nil
	}
	if err := r.newSegment(); err != nil {
		r.mu.RLock()
		failure := r.failure
		r.mu.RUnlock()
		if failure != nil {
			return failure
		}
		if r.active.size+maxGroup > maxOffset {
			return r.refused(err)
		}
		return nil // the old one has room for a while
	}
	nudge(r.tidy)
	return nil
}

// refused is the error of what found no room, or of what failed otherwise
// before anything was written.
func (r *Replica) refused(err error) error {
	if noSpace(err) {
		r.full.Store(true)
		return fmt.Errorf("local: %w: %w", replica.ErrFull, err)
	}
	return fmt.Errorf("local: %w", err)
}

// newSegment begins an empty segment, durable before anything is in it. The
// one before is sealed in the same moment: there is none at which the
// housekeeper could take the new one for sealed and empty.
func (r *Replica) newSegment() error {
	id := r.nextID
	r.nextID++ // a number that failed may have left a file
	f, err := r.disk.create(fileName(id, logSuffix))
	if err != nil {
		return err
	}
	if err := r.disk.syncDir(); err != nil {
		_ = f.Close()
		return r.fail(err)
	}
	s := &segment{id: id, f: f, entries: []listed{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.seat(s); err != nil {
		_ = f.Close()
		return err
	}
	r.active = s
	return nil
}

// seat gives s a slot. r.mu is held.
func (r *Replica) seat(s *segment) error {
	s.refs.Store(1)
	for i := 1; i < len(r.slots); i++ {
		if r.slots[i] == nil {
			s.slot, r.slots[i] = i, s
			return nil
		}
	}
	if len(r.slots) == maxSlots {
		return fmt.Errorf("more than %d segments", maxSlots-1)
	}
	s.slot = len(r.slots)
	r.slots = append(r.slots, s)
	return nil
}

// append writes the group's frames and makes them durable. On an error none
// of them counts.
func (r *Replica) append() error {
	b, s := r.w.buf, r.active
	if len(b) == 0 {
		if !r.w.probe || !r.full.Load() {
			return nil
		}
		b = make([]byte, probeBytes)
	}
	if err := r.disk.write(s.f, b, s.size); err != nil {
		// What was written of it goes away before anything else comes there.
		if e := r.disk.truncate(s.f, s.size); e != nil || !noSpace(err) {
			return r.fail(err)
		}
		return r.refused(err)
	}
	if err := r.disk.sync(s.f); err != nil {
		// The pages count as clean now, whatever the disk has: whoever opens the
		// file next must not take them for stored.
		_ = r.disk.truncate(s.f, s.size)
		return r.fail(err)
	}
	r.full.Store(false)
	if len(r.w.buf) == 0 {
		if err := r.disk.truncate(s.f, s.size); err != nil {
			return r.fail(err)
		}
	}
	if ok, err := linked(s.f); err != nil || !ok {
		return r.vanish(err)
	}
	return nil
}

// probeBytes is what a full disk is asked for.
const probeBytes = 8 << 10

// apply shows the group to readers.
func (r *Replica) apply() {
	w, s := &r.w, r.active
	dead := false
	r.mu.Lock()
	for _, c := range w.changes {
		if c.old != 0 && r.index.remove(c.prefix, c.old) {
			r.slots[c.old.slot()].live -= c.old.size()
			dead = true
		}
		if c.new == 0 {
			continue
		}
		if c.kind == kindPut {
			r.index.add(c.prefix, c.new)
			s.live += c.new.size()
		} else {
			s.tombstones += headerSize
		}
		s.entries = append(s.entries, listed{c.prefix, c.new.inSlot(0), c.kind})
	}
	s.size += int64(len(w.buf))
	r.mu.Unlock()
	if dead {
		nudge(r.tidy)
	}
}

// anyVanished reports whether a file was removed by someone else.
func (r *Replica) anyVanished() (bool, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return false, replica.ErrClosed
	}
	for _, s := range r.slots {
		if s == nil {
			continue
		}
		if ok, err := linked(s.f); err != nil || !ok {
			return true, err
		}
	}
	return false, nil
}

// vanish gives up the segments whose files were removed by someone else: a
// restart would not find them. Their events are missing from now on, so that
// they are repaired, and new ones go to new files.
func (r *Replica) vanish(err error) error {
	if err != nil {
		return r.fail(err)
	}
	gone := map[int]*segment{}
	r.mu.RLock()
	for i, s := range r.slots {
		if s == nil {
			continue
		}
		ok, err := linked(s.f)
		if err != nil {
			r.mu.RUnlock()
			return r.fail(err)
		}
		if !ok {
			gone[i] = s
		}
	}
	r.mu.RUnlock()
	err = fmt.Errorf("%w: %d segments in %s", ErrVanished, len(gone), r.disk.dir)
	if gone[r.active.slot] != nil {
		if e := r.relock(); e != nil {
			return fmt.Errorf("%w: %w", err, e)
		}
		if e := r.newSegment(); e != nil {
			return fmt.Errorf("%w: %w", err, e)
		}
	}
	r.mu.Lock()
	before := r.index.count
	r.index.drop(func(p place) bool { return gone[p.slot()] != nil })
	for i := range gone {
		r.slots[i] = nil
	}
	lost := before - r.index.count
	r.mu.Unlock()
	for _, s := range gone {
		s.release()
	}
	r.o.Log.Error("files of a local replica were removed by someone else", "folder", r.disk.dir, "segments", len(gone), "events", lost)
	return err
}

// relock makes the folder and takes it for this process again, in case all of
// it was removed.
func (r *Replica) relock() error {
	if err := makeFolder(r.disk.dir); err != nil {
		return err
	}
	if ok, err := linked(r.lock); ok || err != nil {
		return err
	}
	f, err := lock(r.disk.path(lockName))
	if err != nil {
		return err
	}
	r.mu.Lock()
	old := r.lock
	r.lock = f
	r.mu.Unlock()
	return old.Close()
}
