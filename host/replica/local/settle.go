package local

import (
	"errors"
	"io"
	"os"
)

// A layout is what the bytes of a segment were found to be.
type layout struct {
	b      []byte
	frames []found
	gaps   int   // runs of bytes that belong to no frame, a torn tail not counted
	whole  int64 // bytes of whole frames
	end    int64 // of the last whole frame
}

type found struct {
	listed
	size  int64
	whole bool
}

// survey reads a segment.
func survey(s *segment) (l layout, err error) {
	if l.b, err = readWhole(s.f, s.size); err != nil {
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
	return l, nil
}

// readWhole reads a file of a size that is known to be bounded.
func readWhole(f *os.File, size int64) ([]byte, error) {
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// torn reports whether b, which no whole frame follows, may be what a write left
// that was cut short.
func torn(b []byte) bool { return len(b) <= maxGroup }

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
// written, so that no further sync of the file would write it. So what there is
// is copied to a new file, which takes the name when it is synced, except for
// what a write left that was cut short.
func (r *Replica) settle(st *state, s *segment, l layout) error {
	content := l.b[:l.end]
	if cut := l.b[l.end:]; !torn(cut) {
		// No crash does this. What it was may be of use to someone, so it stays
		// until compaction finds nothing else in the segment.
		r.o.Log.Error("the end of a segment is damaged", "segment", s.path, "bytes", len(cut))
		content = l.b
	} else if len(cut) > 0 {
		r.o.Log.Info("an unfinished write was cut off", "segment", s.path, "bytes", len(cut))
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
	s.size = int64(len(content))
	r.accept(st, s, l)
	if s.size == l.end {
		st.active = s
	}
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
	whole := torn(l.b[l.end:])
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
