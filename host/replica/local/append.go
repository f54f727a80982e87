package local

import (
	"errors"
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
	if r.folder == nil {
		if err := r.reload(); err != nil {
			return fmt.Errorf("%w: %w", ErrVanished, err)
		}
	}
	if r.w.probe {
		if err := r.vanish(); err != nil {
			return err
		}
	}
	if r.active != nil && r.active.size < r.o.SegmentBytes {
		return nil
	}
	if err := r.newSegment(); err != nil {
		r.mu.RLock()
		failure := r.failure
		r.mu.RUnlock()
		if failure != nil {
			return failure
		}
		if r.active == nil || r.active.size+maxGroup > maxOffset {
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
	s, err := r.state.create(r.path)
	if errors.Is(err, errUndurable) {
		return r.fail(err)
	}
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.seat(s); err != nil {
		_ = s.f.Close()
		return err
	}
	r.active = s
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
	if err := r.folder.Write(s.f, b, s.size); err != nil {
		// What was written of it goes away before anything else comes there.
		if e := r.folder.Truncate(s.f, s.size); e != nil || !noSpace(err) && !passing(err) {
			return r.fail(err)
		}
		return r.refused(err)
	}
	if err := r.folder.SyncFile(s.f); err != nil {
		// The pages count as clean now, whatever the disk has. The next Open writes
		// all of the segment again; cut off, this is not even there for it.
		_ = r.folder.Truncate(s.f, s.size)
		return r.fail(err)
	}
	r.full.Store(false)
	if len(r.w.buf) == 0 {
		if err := r.folder.Truncate(s.f, s.size); err != nil {
			return r.fail(err)
		}
		return nil
	}
	r.w.rest(s)
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
		index := r.of(c.kind)
		if c.old != 0 && index.remove(c.prefix, c.old) {
			r.slots[c.old.slot()].live -= c.old.size()
			delete(r.damaged, c.old)
			dead = true
		}
		if c.new == 0 {
			continue
		}
		if holds(c.kind) {
			index.add(c.prefix, c.new)
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
