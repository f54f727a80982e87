package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/eventseal/eventseal/host/durable"
)

// load reads what the folder at the path holds, which mkdir makes where it is
// missing. It returns when everything that is in the index is durable.
func (r *Replica) load(mkdir func(string) error) (st *state, err error) {
	if err := r.mounted(); err != nil {
		return nil, err
	}
	if err := mkdir(r.path); err != nil {
		return nil, err
	}
	st = newState()
	if st.folder, err = durable.OpenFolder(r.path); err != nil {
		return nil, err
	}
	st.folder.Fault = r.o.fault
	if err := r.fill(st); err != nil {
		st.close()
		return nil, err
	}
	return st, nil
}

// mounted refuses a folder of the disk above where there was a disk.
func (r *Replica) mounted() error {
	if !r.o.Mounted {
		return nil
	}
	own, err := OnOwnDevice(r.path)
	if err == nil && !own {
		err = ErrUnmounted
	}
	return err
}

func (r *Replica) fill(st *state) error {
	f, err := st.folder.Lock(lockName)
	if errors.Is(err, durable.ErrLocked) {
		return ErrInUse
	}
	if err != nil {
		return err
	}
	if st.lock, err = landmarkOf(f, r.path, lockName); err != nil {
		st.lock.f = f
		return err
	}
	p, err := readPlace(st.folder)
	lostID := errors.Is(err, errPlace)
	if lostID { // the file stays, until another id comes
		r.o.Log.Warn("a local replica does not know any more which one it is", "folder", r.path, "file", placeName, "error", err)
	} else if err != nil {
		return err
	}
	if p.ID == "" { // it may be new, made by a process that did not come to syncing what is above it
		if err := st.folder.SyncAbove(); err != nil {
			return err
		}
	}
	st.format = max(p.Format, firstFormat)
	ids, err := st.files()
	if err != nil {
		return err
	}
	for i, id := range ids {
		st.nextID = id + 1
		if err := r.loadSegment(st, id, i == len(ids)-1); err != nil {
			return fmt.Errorf("%s: %w", fileName(id, logSuffix), err)
		}
	}
	if st.active == nil {
		s, err := st.create(r.path)
		if err == nil {
			err = st.seat(s)
		}
		if err != nil {
			return err
		}
		st.active = s
	}
	if lostID {
		return nil
	}
	return st.settlePlace(p)
}

// files returns the numbers of the segments, ascending, and removes what a
// crash left over: half-written files and indexes of segments that are gone.
func (st *state) files() (ids []uint64, err error) {
	entries, err := st.folder.Entries()
	if err != nil {
		return nil, err
	}
	var needless []string
	var indexes []uint64
	for _, e := range entries {
		if id, ok := parseName(e.Name(), logSuffix); ok {
			ids = append(ids, id)
		} else if id, ok := parseName(e.Name(), indexSuffix); ok {
			indexes = append(indexes, id)
		} else if unfinished(e.Name()) {
			needless = append(needless, e.Name())
		}
	}
	slices.Sort(ids)
	for _, id := range indexes {
		if _, ok := slices.BinarySearch(ids, id); !ok {
			needless = append(needless, fileName(id, indexSuffix))
		}
	}
	for _, name := range needless {
		if err := st.folder.Remove(name); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// create makes an empty segment, durable before anything is in it.
func (st *state) create(dir string) (*segment, error) {
	id := st.nextID
	st.nextID++ // a number that failed may have left a file
	name := fileName(id, logSuffix)
	f, err := st.folder.Create(name)
	if err != nil {
		return nil, err
	}
	s := &segment{id: id, entries: []listed{}}
	if s.landmark, err = landmarkOf(f, dir, name); err == nil {
		if err = st.folder.Sync(); err != nil {
			err = fmt.Errorf("%w: %w", errUndurable, err)
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return s, nil
}

// errUndurable: it is not known whether what was done to a folder stays so.
var errUndurable = errors.New("the folder could not be synced")

// loadSegment opens a segment and adds what is in it to the index. The last one
// is written on.
func (r *Replica) loadSegment(st *state, id uint64, last bool) error {
	name := fileName(id, logSuffix)
	f, err := st.folder.Open(name)
	if err != nil {
		return err
	}
	s := &segment{id: id}
	if s.landmark, err = landmarkOf(f, r.path, name); err == nil {
		err = st.seat(s)
	}
	if err != nil {
		_ = f.Close()
		return err
	}
	s.size = s.info.Size()
	if s.size > maxOffset {
		return fmt.Errorf("%d bytes are more than a segment has", s.size)
	}
	entries, err := st.readIndex(s)
	if err == nil {
		for _, e := range entries {
			st.replay(s, e, true)
		}
		if last {
			return r.goOn(st, s, entries)
		}
		return nil
	}
	if !last && !errors.Is(err, fs.ErrNotExist) {
		r.o.Log.Warn("the index of a segment is made again", "segment", s.path, "error", err)
	}
	l, err := survey(s)
	if err != nil {
		return err
	}
	if last {
		return r.settle(st, s, l)
	}
	r.accept(st, s, l)
	return nil
}

// accept takes a segment as it is, damage included.
func (r *Replica) accept(st *state, s *segment, l layout) {
	lost := l.gaps
	s.entries = []listed{}
	for _, e := range l.frames {
		if st.replay(s, e.listed, e.whole) {
			lost++
		}
		s.entries = append(s.entries, e.listed)
	}
	if lost > 0 {
		r.suffered.Add(uint64(lost))
		r.o.Log.Warn("a segment is damaged", "segment", s.path, "copies", lost)
	}
}

// readIndex returns what the index file of s says.
func (st *state) readIndex(s *segment) (entries []listed, err error) {
	b, err := st.folder.Read(fileName(s.id, indexSuffix), tableSize(s.size))
	if err != nil {
		return nil, err
	}
	entries = make([]listed, 0, len(b)/tableEntry)
	err = readTable(b, s.size, func(e listed) { entries = append(entries, e) })
	return entries, err
}

// makeAgain makes the folder of a running replica, but nothing above it: what
// was there is gone, and may be on a disk that is to come back.
func makeAgain(path string) error {
	if _, err := os.Stat(filepath.Dir(path)); err != nil {
		return err
	}
	return durable.MakeFolder(path)
}
