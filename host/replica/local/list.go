package local

import (
	"context"
	"iter"
	"slices"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// sorted returns the segments that f wants, oldest first. r.mu is held.
func (r *Replica) sorted(f func(*segment) bool) (ss []*segment) {
	for _, s := range r.slots {
		if s != nil && f(s) {
			ss = append(ss, s)
		}
	}
	slices.SortFunc(ss, func(a, b *segment) int {
		if a.id < b.id {
			return -1
		}
		return 1
	})
	return ss
}

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
		closed := r.closed
		var ss []*segment
		if !closed {
			ss = r.sorted(func(*segment) bool { return true })
		}
		end := snapshot{}
		for _, s := range ss {
			s.acquire() // so that compaction does not take it away
		}
		if len(ss) > 0 {
			end = snapshot{r.active.id, r.active.size}
		}
		r.mu.RUnlock()
		defer func() {
			for _, s := range ss {
				s.release()
			}
		}()
		if closed {
			yield(replica.Ref{}, replica.ErrClosed)
			return
		}
		moved := map[digest.Hash]bool{} // behind the end, and yielded
		for _, s := range ss {
			entries, err := r.contents(s)
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
				ok, err := r.listed(h, e.place.inSlot(s.slot), end, moved)
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
func (r *Replica) listed(h digest.Hash, p place, end snapshot, moved map[digest.Hash]bool) (bool, error) {
	var room [4]held
	r.mu.RLock()
	if r.index.has(prefixOf(h), p) {
		r.mu.RUnlock()
		return true, nil
	}
	r.mu.RUnlock()
	if moved[h] {
		return false, nil
	}
	cs, err := r.candidates(h, false, room[:0])
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
