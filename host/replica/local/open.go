package local

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

const lockName = "lock"

// open reads what the folder holds. The caller closes the files on an error.
func (r *Replica) open() error {
	if err := makeFolder(r.disk.dir); err != nil {
		return err
	}
	var err error
	if r.lock, err = lock(r.disk.path(lockName)); err != nil {
		return err
	}
	ids, err := r.files()
	if err != nil {
		return err
	}
	for i, id := range ids {
		r.nextID = id + 1
		if err := r.load(id, i == len(ids)-1); err != nil {
			return fmt.Errorf("%s: %w", fileName(id, logSuffix), err)
		}
	}
	if r.active == nil {
		return r.newSegment()
	}
	return nil
}

// files returns the numbers of the segments, ascending, and removes what a
// crash left over: half-written files and indexes of segments that are gone.
func (r *Replica) files() (ids []uint64, err error) {
	entries, err := os.ReadDir(r.disk.dir)
	if err != nil {
		return nil, err
	}
	var indexes []uint64
	for _, e := range entries {
		if id, ok := parseName(e.Name(), logSuffix); ok {
			ids = append(ids, id)
		} else if id, ok := parseName(e.Name(), indexSuffix); ok {
			indexes = append(indexes, id)
		} else if name, ok := strings.CutSuffix(e.Name(), ".tmp"); ok {
			if _, ok := parseName(name, indexSuffix); ok {
				if err := r.disk.remove(e.Name()); err != nil {
					return nil, err
				}
			}
		}
	}
	slices.Sort(ids)
	for _, id := range indexes {
		if _, ok := slices.BinarySearch(ids, id); !ok {
			if err := r.disk.remove(fileName(id, indexSuffix)); err != nil {
				return nil, err
			}
		}
	}
	return ids, nil
}

// load opens a segment and adds what is in it to the index. The last one is
// written on.
func (r *Replica) load(id uint64, last bool) error {
	f, err := os.OpenFile(r.disk.path(fileName(id, logSuffix)), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	s := &segment{id: id, f: f}
	r.mu.Lock()
	err = r.seat(s)
	r.mu.Unlock()
	if err != nil {
		_ = f.Close()
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	s.size = info.Size()
	if s.size > maxOffset {
		return fmt.Errorf("%d bytes are more than a segment has", s.size)
	}
	if !last {
		entries, err := r.readIndex(s)
		if err == nil {
			for _, e := range entries {
				r.replay(s, e, true)
			}
			return nil
		}
		if !os.IsNotExist(err) {
			r.o.Log.Warn("the index of a segment is made again", "segment", r.disk.path(fileName(id, logSuffix)), "error", err)
		}
	}
	end, err := r.scanSegment(s, func(e listed, whole bool) {
		r.replay(s, e, whole)
		s.entries = append(s.entries, e)
	})
	if err != nil {
		return err
	}
	if s.entries == nil {
		s.entries = []listed{}
	}
	if !last {
		return nil
	}
	if torn := s.size - end; torn > maxGroup {
		// No crash does this. What it was may be of use to someone, so it stays
		// until compaction finds nothing else in the segment.
		r.o.Log.Error("the end of a segment is damaged", "segment", r.disk.path(fileName(id, logSuffix)), "bytes", torn)
		return nil
	} else if torn > 0 {
		r.o.Log.Info("an unfinished write was cut off", "segment", r.disk.path(fileName(id, logSuffix)), "bytes", torn)
		if err := r.disk.truncate(f, end); err != nil {
			return err
		}
		s.size = end
	}
	// What the process before wrote and did not sync is found stored from now on.
	if err := r.disk.sync(f); err != nil {
		return err
	}
	r.active = s
	return nil
}

// readIndex returns what the index file of s says.
func (r *Replica) readIndex(s *segment) (entries []listed, err error) {
	f, err := os.Open(r.disk.path(fileName(s.id, indexSuffix)))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > tableSize(s.size) {
		return nil, errTable
	}
	b, err := readWhole(f, info.Size())
	if err != nil {
		return nil, err
	}
	entries = make([]listed, 0, len(b)/tableEntry)
	err = readTable(b, s.size, func(e listed) { entries = append(entries, e) })
	return entries, err
}

// scanSegment reads the frames of s themselves and returns where they end.
func (r *Replica) scanSegment(s *segment, f func(e listed, whole bool)) (end int64, err error) {
	b, err := readWhole(s.f, s.size)
	if err != nil {
		return 0, err
	}
	type found struct {
		listed
		whole bool
	}
	var all []found
	end = scan(b, func(fr frame) {
		p := placeOf(0, fr.offset, fr.frameSize())
		all = append(all, found{listed{prefixOf(fr.hash), p, fr.kind}, fr.whole})
	})
	for _, e := range all {
		if e.place.offset() < end { // behind it are only unfinished ones
			f(e.listed, e.whole)
		}
	}
	return end, nil
}

// replay adds one entry of a segment to the index: later ones replace earlier
// ones of the same hash, which the disk is asked about where prefixes are
// equal. A damaged frame (whole is false) does not replace anything.
func (r *Replica) replay(s *segment, e listed, whole bool) {
	p := e.place.inSlot(s.slot)
	if e.kind == kindTombstone {
		s.tombstones += headerSize
	}
	var room [4]place
	same := r.index.find(e.prefix, room[:0])
	if len(same) > 0 {
		h, ok := s.hashAt(p)
		for _, old := range same {
			other := r.slots[old.slot()]
			if was, readable := other.hashAt(old); !ok || !readable || was != h {
				continue
			}
			if !whole {
				return
			}
			r.index.remove(e.prefix, old)
			other.live -= old.size()
		}
	}
	if e.kind == kindPut {
		r.index.add(e.prefix, p)
		s.live += p.size()
	}
}
