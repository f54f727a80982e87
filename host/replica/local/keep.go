package local

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// keep is the housekeeper: it writes the indexes of sealed segments and
// compacts what is mostly dead.
func (r *Replica) keep(ctx context.Context) {
	given := map[uint64]int64{} // up: by segment, at what live size
	for {
		wait := time.Hour
		if err := r.writeIndexes(); err != nil {
			r.o.Log.Warn("the index of a segment could not be written yet", "folder", r.path, "error", err)
			wait = slow
		}
		for ctx.Err() == nil {
			st, s, live := r.victim(given)
			if s == nil {
				break
			}
			if err := r.compact(ctx, st, s); err != nil && ctx.Err() == nil {
				r.o.Log.Warn("a segment could not be compacted yet", "segment", s.path, "error", err)
				if errors.Is(err, errUndurable) && r.has(st) {
					return // what was removed may come back, so nothing more is
				}
				given[s.id] = live
				wait = slow
			}
		}
		timer := time.NewTimer(wait)
		select {
		case <-r.tidy:
		case <-timer.C:
			clear(given)
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// sealed returns the state, and the segments of it that are not written to any
// more, oldest first.
func (r *Replica) sealed() (st *state, ss []*segment) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state, r.sorted(func(s *segment) bool { return s != r.active })
}

// has reports whether the state is still the replica's.
func (r *Replica) has(st *state) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.state == st
}

// writeIndexes writes the index files that are missing.
func (r *Replica) writeIndexes() error {
	st, ss := r.sealed()
	for _, s := range ss {
		r.mu.RLock()
		entries, size := s.entries, s.size
		r.mu.RUnlock()
		if entries == nil || size == 0 {
			continue
		}
		if err := st.folder.Replace(fileName(s.id, indexSuffix), appendTable(nil, size, entries)); err != nil {
			return err
		}
		r.mu.Lock()
		s.entries = nil
		r.mu.Unlock()
	}
	return nil
}

// victim returns the state, and of it the sealed segment with the largest part
// that is dead, when that is half of it or more, and how much of it is alive.
func (r *Replica) victim(given map[uint64]int64) (st *state, victim *segment, live int64) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	most := 0.5
	for i, s := range r.sorted(func(*segment) bool { return true }) {
		if at, ok := given[s.id]; s == r.active || ok && at == s.live {
			continue
		}
		keeps := s.live
		if i > 0 {
			keeps += s.tombstones // they hold down what older segments have
		}
		dead := 1.0
		if s.size > 0 {
			dead = 1 - float64(keeps)/float64(s.size)
		}
		if dead >= most {
			victim, live, most = s, s.live, dead
		}
	}
	return r.state, victim, live
}

// compact carries what is alive in s to the end of the log and removes s. A
// crash at any moment leaves copies in both places, of which the later counts.
func (r *Replica) compact(ctx context.Context, st *state, s *segment) error {
	s.acquire()
	defer s.release()
	entries, err := r.contents(st, s)
	if err != nil {
		return err
	}
	needed, err := r.holdDown(st, s, entries)
	if err != nil {
		return err
	}
	const batch = 256 << 10
	t := &task{}
	flush := func() error {
		if len(t.moves) == 0 {
			return nil
		}
		if err := r.submit(ctx, t); err != nil {
			return err
		}
		if t.err != nil {
			return t.err
		}
		wait := time.NewTimer(time.Duration(float64(t.weight) / float64(r.o.CompactRate) * float64(time.Second)))
		defer wait.Stop()
		t = &task{}
		select {
		case <-wait.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	for _, e := range entries {
		p := e.place.inSlot(s.slot)
		if !holds(e.kind) && !needed[e.prefix] {
			continue
		}
		r.mu.RLock()
		dead := holds(e.kind) && !st.of(e.kind).has(e.prefix, p)
		r.mu.RUnlock()
		if dead {
			continue
		}
		b := make([]byte, p.size())
		n, _ := s.f.ReadAt(b, p.offset())
		h, ok := readHeader(b[:n])
		size := int(h.frameSize())
		if !ok || size > n || !h.whole(b[headerSize:size]) {
			if !holds(e.kind) {
				continue // damaged: what it held down may come back, which harms nobody
			}
			r.suffer(e.kind, e.prefix, p)
			return fmt.Errorf("a frame that is needed is damaged, at %d", p.offset())
		}
		t.moves = append(t.moves, move{h, s, p, b[:size]})
		if t.weight += size; t.weight >= batch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	r.mu.Lock()
	left := s.live
	seated := r.state == st && st.seated(s) && s != st.active
	if left == 0 && seated {
		st.slots[s.slot] = nil
	}
	r.mu.Unlock()
	if !seated {
		return nil // given up meanwhile, because its file is not at its path
	}
	if left != 0 {
		return fmt.Errorf("%d bytes of it are in use", left)
	}
	s.release()
	for _, suffix := range []string{logSuffix, indexSuffix} {
		if err := st.folder.Remove(fileName(s.id, suffix)); err != nil {
			return fmt.Errorf("%w: %w", errUndurable, err)
		}
	}
	if err := st.folder.Sync(); err != nil {
		return fmt.Errorf("%w: %w", errUndurable, err)
	}
	return nil
}

// holdDown returns for the tombstones among the entries of s, by their prefixes,
// whether an older segment has something that they hold down. Objects that come
// and go every second would leave so many that nothing else is carried on.
func (r *Replica) holdDown(st *state, s *segment, entries []listed) (map[uint64]bool, error) {
	down := map[uint64]bool{}
	for _, e := range entries {
		if !holds(e.kind) {
			down[e.prefix] = false
		}
	}
	if len(down) == 0 {
		return down, nil
	}
	r.mu.RLock()
	older := st.sorted(func(o *segment) bool { return o.id < s.id })
	for _, o := range older {
		o.acquire()
	}
	r.mu.RUnlock()
	defer func() {
		for _, o := range older {
			o.release()
		}
	}()
	for _, o := range older { // they only become fewer
		entries, err := r.contents(st, o)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if _, asked := down[e.prefix]; asked && holds(e.kind) {
				down[e.prefix] = true
			}
		}
	}
	return down, nil
}

// contents returns what is in a segment, the active one included.
func (r *Replica) contents(st *state, s *segment) ([]listed, error) {
	r.mu.RLock()
	entries := s.entries
	r.mu.RUnlock()
	if entries != nil {
		return entries, nil
	}
	entries, err := st.readIndex(s)
	if err == nil {
		return entries, nil
	}
	l, err := survey(s)
	if err != nil {
		return nil, err
	}
	entries = []listed{}
	for _, e := range l.frames {
		entries = append(entries, e.listed)
	}
	r.mu.Lock()
	s.entries = entries // the housekeeper writes them anew
	r.mu.Unlock()
	return entries, nil
}
