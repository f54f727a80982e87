package local

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A state is one folder's: its log, and the index of it. The replica gets
// another one when its path leads to another folder. What is in it is guarded by
// the replica's mu, which is never held during disk access.
type state struct {
	folder  *durable.Folder // nil: none, because the one before went away
	lock    landmark
	index   *index // of events
	objects *index
	slots   []*segment // by slot; nil: free
	active  *segment   // the one that is appended to; nil: none yet
	nextID  uint64     // of segments; the writer's
	format  int        // of the folder; the writer's

	damaged map[place]bool // frames that were counted as lost
}

func newState() *state {
	return &state{index: newIndex(), objects: newIndex(), format: firstFormat, slots: make([]*segment, 1), nextID: 1, damaged: map[place]bool{}}
}

// of returns the index that frames of the kind are in, or tombstones for.
func (st *state) of(kind byte) *index {
	if kind == kindObject || kind == kindObjectGone {
		return st.objects
	}
	return st.index
}

// count is how many copies are held.
func (st *state) count() int { return st.index.count + st.objects.count }

// close lets go of all files. Segments that are being read are closed by their
// last reader.
func (st *state) close() {
	for i, s := range st.slots {
		if s != nil {
			s.release()
			st.slots[i] = nil
		}
	}
	st.active = nil
	if st.lock.f != nil {
		_ = st.lock.f.Close()
	}
	if st.folder != nil {
		_ = st.folder.Close()
	}
}

// A segment is one file of the log, open while it is in use. size, live and
// tombstones are guarded by the replica's mu.
type segment struct {
	landmark
	id         uint64
	slot       int
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

// seat gives s a slot.
func (st *state) seat(s *segment) error {
	s.refs.Store(1)
	for i := 1; i < len(st.slots); i++ {
		if st.slots[i] == nil {
			s.slot, st.slots[i] = i, s
			return nil
		}
	}
	if len(st.slots) == maxSlots {
		return fmt.Errorf("more than %d segments", maxSlots-1)
	}
	s.slot = len(st.slots)
	st.slots = append(st.slots, s)
	return nil
}

// seated reports whether s is a segment of this state, and was not given up.
func (st *state) seated(s *segment) bool { return s.slot < len(st.slots) && st.slots[s.slot] == s }

// sorted returns the segments that f wants, oldest first.
func (st *state) sorted(f func(*segment) bool) (ss []*segment) {
	for _, s := range st.slots {
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

// replay adds one entry of a segment to the index: later ones replace earlier
// ones of the same hash, which the disk is asked about where prefixes are
// equal. A damaged frame (whole is false) does not replace anything; it reports
// whether one is all that there is.
func (st *state) replay(s *segment, e listed, whole bool) (lost bool) {
	p, index := e.place.inSlot(s.slot), st.of(e.kind)
	if !holds(e.kind) {
		s.tombstones += headerSize
	}
	var room [4]place
	same := index.find(e.prefix, room[:0])
	if len(same) > 0 {
		h, ok := s.hashAt(p)
		for _, old := range same {
			other := st.slots[old.slot()]
			if was, readable := other.hashAt(old); !ok || !readable || was != h {
				continue
			}
			if !whole {
				return false
			}
			index.remove(e.prefix, old)
			other.live -= old.size()
			delete(st.damaged, old)
		}
	}
	if holds(e.kind) {
		index.add(e.prefix, p)
		s.live += p.size()
		if !whole {
			st.damaged[p] = true
			return true
		}
	}
	return false
}

// location is the same for as long as the event is held, wherever compaction
// moves it, and tells whoever reads it which event to look for.
func location(h digest.Hash) string { return "local:" + h.String() }

// A landmark is an open file and the path by which another process, or the next
// one, finds it.
type landmark struct {
	f    *os.File
	path string
	info fs.FileInfo // of f
}

func landmarkOf(f *os.File, dir, name string) (l landmark, err error) {
	l = landmark{f: f, path: filepath.Join(dir, name)}
	l.info, err = f.Stat()
	return l, err
}

// stands reports whether the path still leads to the file. With an error it
// could not be found out.
func (l landmark) stands() (bool, error) {
	info, err := os.Stat(l.path)
	switch {
	case err == nil:
		return os.SameFile(l.info, info), nil
	case gone(err):
		return false, nil
	}
	return false, err
}
