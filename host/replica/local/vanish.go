package local

import (
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/host/replica"
)

// Suffered implements replica.Suffered.
func (r *Replica) Suffered() uint64 { return r.suffered.Load() }

// suffer counts a frame that is damaged, once.
func (r *Replica) suffer(kind byte, prefix uint64, at place) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.damaged[at] && r.of(kind).has(prefix, at) {
		r.damaged[at] = true
		r.suffered.Add(1)
	}
}

// stands reports whether the path still leads to the folder and to every
// segment of it.
func (r *Replica) stands() (bool, error) {
	r.mu.RLock()
	if r.closed {
		r.mu.RUnlock()
		return false, replica.ErrClosed
	}
	if r.folder == nil {
		r.mu.RUnlock()
		return false, nil
	}
	marks := []landmark{r.lock}
	for _, s := range r.slots {
		if s != nil {
			marks = append(marks, s.landmark)
		}
	}
	r.mu.RUnlock()
	for _, m := range marks {
		if ok, err := m.stands(); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// confirm makes sure that what the group's answers rest on is at its path: the
// folder, by its lock, and the segments that were read or written. Otherwise
// none of them may be given, and the group's error is returned. What the group
// wrote is in the log all the same, as of a call that failed late.
func (r *Replica) confirm() error {
	ok, err := r.lock.stands()
	for _, s := range r.w.rests {
		if !ok || err != nil {
			break
		}
		ok, err = s.stands()
	}
	if err != nil {
		return r.refused(err)
	}
	if !ok {
		return r.vanish()
	}
	return nil
}

// rest notes that an answer of the group rests on a segment.
func (w *writer) rest(s *segment) {
	if !slices.Contains(w.rests, s) {
		w.rests = append(w.rests, s)
	}
}

// vanish gives up what the path does not lead to any more, because a restart
// would not find it: all of the folder, or some segments of it. Their events
// are missing from now on, so that they are repaired. It fails with ErrVanished,
// unless nothing is gone, or it could not be found out.
func (r *Replica) vanish() error {
	ok, err := r.lock.stands()
	if err != nil {
		return r.refused(err)
	}
	if !ok {
		return r.moved()
	}
	gone := map[int]*segment{}
	for i, s := range r.slots { // only the writer changes them
		if s == nil {
			continue
		}
		ok, err := s.stands()
		if err != nil {
			return r.refused(err)
		}
		if !ok {
			gone[i] = s
		}
	}
	if len(gone) == 0 {
		return nil
	}
	r.mu.Lock()
	before := r.count()
	for _, x := range []*index{r.index, r.objects} {
		x.drop(func(p place) bool { return gone[p.slot()] != nil })
	}
	for i, s := range gone {
		r.slots[i] = nil
		if s == r.active {
			r.active = nil
		}
	}
	lost := before - r.count()
	r.mu.Unlock()
	for _, s := range gone {
		s.release()
	}
	r.suffered.Add(uint64(lost))
	r.o.Log.Error("files of a local replica were removed by someone else", "folder", r.path, "segments", len(gone), "copies", lost)
	return fmt.Errorf("%w: %d segments in %s", ErrVanished, len(gone), r.path)
}

// moved gives up the whole folder, and goes on in the one that is at the path.
func (r *Replica) moved() error {
	r.mu.Lock()
	old := r.state
	r.state = newState()
	r.mu.Unlock()
	old.close()
	r.suffered.Add(uint64(old.count()))
	r.o.Log.Error("the folder of a local replica is not at its path any more", "folder", r.path, "copies", old.count())
	err := fmt.Errorf("%w: %s", ErrVanished, r.path)
	if e := r.reload(); e != nil {
		return fmt.Errorf("%w: %w", err, e)
	}
	return err
}

// reload takes the folder that is at the path for this replica's. Until it
// succeeds there is none, and nothing is held.
func (r *Replica) reload() error {
	st, err := r.load(makeAgain)
	if err != nil {
		return fmt.Errorf("local: %s: %w", r.path, err)
	}
	r.mu.Lock()
	r.state = st
	r.mu.Unlock()
	nudge(r.tidy)
	r.o.Log.Warn("a local replica goes on in what is at its path now", "folder", r.path, "copies", st.count())
	return nil
}
