package local

import (
	"context"
	"iter"
	"slices"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// List implements replica.Lister. It goes through the log as it is now, so
// what is stored meanwhile is not in it. Events whose headers are damaged are
// not either.
func (r *Replica) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(replica.Ref{}, err)
			return
		}
		r.mu.RLock()
		var err error
		st, ss := r.state, []*segment(nil)
		switch {
		case r.closed:
			err = replica.ErrClosed
		case st.folder == nil:
			err = ErrVanished
		default:
			ss = r.sorted(func(*segment) bool { return true })
		}
		end := snapshot{}
		for _, s := range ss {
			s.acquire() // so that compaction does not take it away
		}
		if s := r.active; s != nil {
			end = snapshot{s.id, s.size}
		} else if n := len(ss); n > 0 {
			end = snapshot{ss[n-1].id, ss[n-1].size}
		}
		r.mu.RUnlock()
		defer func() {
			for _, s := range ss {
				s.release()
			}
		}()
		if err != nil {
			yield(replica.Ref{}, err)
			return
		}
		moved := map[digest.Hash]bool{} // behind the end, and yielded
		for _, s := range ss {
			entries, err := r.contents(st, s)
			if err != nil {
				yield(replica.Ref{}, err)
				return
			}
			w := window{f: s}
			for _, e := range entries {
				if s.id == end.id && e.place.offset() >= end.offset {
					break
				}
				if e.kind != kindPut {
					continue
				}
				if err := ctx.Err(); err != nil {
					yield(replica.Ref{}, err)
					return
				}
				h, ok := w.hashAt(e.place.offset())
				if !ok {
					continue
				}
				ok, err := r.listed(st, h, e.place.inSlot(s.slot), end, moved)
				if err != nil {
					yield(replica.Ref{}, err)
					return
				}
				if ok && !yield(replica.Ref{Hash: h, Location: location(h)}, nil) {
					return
				}
			}
		}
	}
}

// A snapshot is the end of the log at some moment.
type snapshot struct {
	id     uint64
	offset int64
}

// listed reports whether the frame at p, of h, is the one by which h is listed:
// the one in use, or the first seen of one that is in use behind the end.
func (r *Replica) listed(st *state, h digest.Hash, p place, end snapshot, moved map[digest.Hash]bool) (bool, error) {
	var room [4]held
	r.mu.RLock()
	same, held := r.state == st, r.index.has(prefixOf(h), p)
	r.mu.RUnlock()
	if !same {
		return false, ErrVanished
	}
	if held {
		return true, nil
	}
	if moved[h] {
		return false, nil
	}
	cs, err := r.candidates(kindPut, h, false, room[:0])
	if err != nil {
		return false, err
	}
	found := false
	for _, c := range cs {
		if c.segment.id > end.id || c.segment.id == end.id && c.place.offset() >= end.offset {
			if was, ok := c.segment.hashAt(c.place); ok && was == h {
				found = true
			}
		}
		c.segment.release()
	}
	if found {
		moved[h] = true
	}
	return found, nil
}

// A window reads the headers of a segment in their order with few reads.
type window struct {
	f    *segment
	from int64
	b    []byte
}

func (w *window) hashAt(offset int64) (digest.Hash, bool) {
	if offset < w.from || offset+headerSize > w.from+int64(len(w.b)) {
		if w.b == nil {
			w.b = make([]byte, 128<<10)
		}
		n, _ := w.f.f.ReadAt(w.b[:cap(w.b)], offset)
		w.from, w.b = offset, w.b[:n]
	}
	if int64(len(w.b)) < offset-w.from+headerSize {
		return digest.Hash{}, false
	}
	hd, ok := readHeader(w.b[offset-w.from:])
	return hd.hash, ok
}

// Newest implements replica.Recent. What compaction carried to the end of the
// log stands there.
func (r *Replica) Newest(ctx context.Context, n int) (hs []digest.Hash, err error) {
	r.mu.RLock()
	st, closed := r.state, r.closed
	var ss []*segment
	if !closed {
		ss = r.sorted(func(*segment) bool { return true })
	}
	for _, s := range ss {
		s.acquire()
	}
	r.mu.RUnlock()
	defer func() {
		for _, s := range ss {
			s.release()
		}
	}()
	switch {
	case closed:
		return nil, replica.ErrClosed
	case st.folder == nil:
		return nil, ErrVanished
	}
	for _, s := range slices.Backward(ss) {
		entries, err := r.contents(st, s)
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(entries) {
			if len(hs) == n || ctx.Err() != nil {
				return hs, ctx.Err()
			}
			r.mu.RLock()
			held := st.index.has(e.prefix, e.place.inSlot(s.slot))
			r.mu.RUnlock()
			if e.kind != kindPut || !held {
				continue
			}
			if h, ok := s.hashAt(e.place); ok {
				hs = append(hs, h)
			}
		}
	}
	return hs, nil
}
