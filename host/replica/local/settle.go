package local

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// A layout is what the bytes of a segment were found to be.
type layout struct {
	b      []byte
	frames []found
	gaps   int   // runs of bytes that belong to no frame, a torn tail not counted
	whole  int64 // bytes of whole frames
	end    int64 // of the last whole frame
	bad    bool  // a part could not be read, and is zeros here
}

// damaged reports whether there is more to it than whole frames, and what is
// left of a write that was cut short.
func (l layout) damaged() bool { return l.bad || l.end != l.whole || !torn(l.b[l.end:]) }

type found struct {
	listed
	size  int64
	whole bool
}

// survey reads a segment.
func survey(s *segment) (l layout, err error) {
	if l.b, l.bad, err = readWhole(s.f, s.size); err != nil {
		return l, err
	}
	l.end = scan(l.b, func(fr frame) {
		p := placeOf(0, fr.offset, fr.frameSize())
		l.frames = append(l.frames, found{listed{prefixOf(fr.hash), p, fr.kind}, fr.frameSize(), fr.whole})
	})
	at := int64(0)
	behind := len(l.frames)
	for i, e := range l.frames {
		if e.place.offset() >= l.end {
			behind = min(behind, i)
		} else {
			if e.place.offset() > at {
				l.gaps++
			}
			at = e.place.offset() + e.size
		}
		if e.whole {
			l.whole += e.size
		}
	}
	if tail := l.b[l.end:]; !torn(tail) && behind == len(l.frames) {
		l.gaps++
	} else if torn(tail) {
		l.frames = l.frames[:behind]
	}
	if l.bad {
		l.gaps = max(l.gaps, 1)
	}
	return l, nil
}

// readWhole reads a file of a size that is known to be bounded. Where the disk
// cannot read a part, that is damage like any other: it becomes zeros.
func readWhole(f io.ReaderAt, size int64) (b []byte, bad bool, err error) {
	b = make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if unreadable(err) {
		bad, err = true, nil
		for n = 0; int64(n) < size && err == nil; {
			part := b[n:min(n+sector, len(b))]
			_, err = f.ReadAt(part, int64(n))
			if unreadable(err) {
				clear(part)
				err = nil
			}
			n += len(part)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], bad, err
}

// sector is what a disk loses at once, at least.
const sector = 4 << 10

// torn reports whether b, which no whole frame follows, is what a write leaves
// that was cut short: the beginning of a frame, or room that was never written.
// Nothing else is, nor is more than a group.
func torn(b []byte) bool {
	if len(b) > maxGroup {
		return false
	}
	if h, ok := readHeader(b); ok {
		return h.frameSize() > int64(len(b))
	}
	if len(b) < headerSize && bytes.HasPrefix(b, []byte(magic)[:min(len(b), len(magic))]) {
		return true
	}
	return len(bytes.Trim(b, "\x00")) == 0
}

// goOn makes a segment the active one that was whole when the replica was
// closed, as its index file proves: that is written after everything was synced,
// and gone, durably, before anything is appended.
func (r *Replica) goOn(st *state, s *segment, entries []listed) error {
	if err := st.folder.Remove(fileName(s.id, indexSuffix)); err != nil {
		return err
	}
	if err := st.folder.Sync(); err != nil {
		return err
	}
	s.entries = entries
	st.active = s
	return nil
}

// settle makes the last segment the active one, with everything in it durable.
// The process before may have ended because a sync had failed: what it had
// written is read back as if nothing were wrong, and the system counts it as
// written, so that no further sync of the file would write it. So the frames
// are copied to a new file, which takes the name when it is synced. What a
// write left that was cut short is left out. Other damage is moved to a file of
// its own, and what it held is missing from then on.
func (r *Replica) settle(st *state, s *segment, l layout) error {
	content := l.b[:l.end]
	if l.damaged() {
		var aside []byte
		content, aside = l.part()
		name, err := st.setAside(s.id, aside)
		switch {
		case noSpace(err):
			return r.settleInPlace(st, s, l, err)
		case err != nil:
			return err
		}
		lost := max(l.lost()+l.gaps, 1)
		r.suffered.Add(uint64(lost))
		r.o.Log.Warn("the damaged part of a segment was moved aside", "segment", s.path, "to", name, "bytes", len(aside), "copies", lost)
	} else if cut := s.size - l.end; cut > 0 {
		r.o.Log.Info("an unfinished write was cut off", "segment", s.path, "bytes", cut)
	}
	name := fileName(s.id, logSuffix)
	if err := st.folder.Replace(name, content); noSpace(err) {
		return r.settleInPlace(st, s, l, err)
	} else if err != nil {
		return err
	}
	f, err := st.folder.Open(name)
	if err != nil {
		return err
	}
	_ = s.f.Close()
	s.f = f
	if s.landmark, err = landmarkOf(f, r.path, name); err != nil {
		return err
	}
	s.size, s.entries = 0, []listed{}
	for _, e := range l.frames {
		if !e.whole {
			continue
		}
		e.place = placeOf(0, s.size, e.size)
		st.replay(s, e.listed, true)
		s.entries = append(s.entries, e.listed)
		s.size += e.size
	}
	st.active = s
	return nil
}

// settleInPlace is for a full disk: what the last sync may have missed, one
// group at most, is written again where it is. A damaged segment stays as it
// is, and another one is written on.
func (r *Replica) settleInPlace(st *state, s *segment, l layout, why error) error {
	r.o.Log.Warn("a segment is written again in its place", "segment", s.path, "error", why)
	from := max(0, l.end-maxGroup)
	if err := st.folder.Write(s.f, l.b[from:l.end], from); err != nil {
		return err
	}
	whole := !l.damaged()
	if whole {
		if err := st.folder.Truncate(s.f, l.end); err != nil {
			return err
		}
		s.size = l.end
	}
	if err := st.folder.SyncFile(s.f); err != nil {
		return err
	}
	r.accept(st, s, l)
	if whole {
		st.active = s
	}
	return nil
}

// part returns the whole frames, and all that is between and behind them.
func (l layout) part() (frames, rest []byte) {
	frames = make([]byte, 0, l.whole)
	at := int64(0)
	for _, e := range l.frames {
		if !e.whole {
			continue
		}
		from := e.place.offset()
		rest = append(rest, l.b[at:from]...)
		at = from + e.size
		frames = append(frames, l.b[from:at]...)
	}
	return frames, append(rest, l.b[at:]...)
}

// lost is how many copies the damage is known to have held.
func (l layout) lost() (n int) {
	for _, e := range l.frames {
		if !e.whole && holds(e.kind) {
			n++
		}
	}
	return n
}

// setAside stores the damaged part of a segment in a file that the replica
// never removes, durably, and returns its name. What a crash made it store
// already is not stored twice.
func (st *state) setAside(id uint64, b []byte) (name string, err error) {
	for n := 1; ; n++ {
		name = fileName(id, damagedSuffix)
		if n > 1 {
			name = fileName(id, fmt.Sprintf("-%d%s", n, damagedSuffix))
		}
		was, err := st.folder.Read(name, maxOffset)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && bytes.Equal(was, b):
			return name, st.folder.Replace(name, b)
		case err != nil:
			return "", err
		}
	}
}
