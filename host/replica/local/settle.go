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

// settle makes the last segment the active one.
func (r *Replica) settle(st *state, s *segment, l layout) error {
	if cut := l.b[l.end:]; !torn(cut) {
		// No crash does this. What it was may be of use to someone, so it stays
		// until compaction finds nothing else in the segment.
		r.o.Log.Error("the end of a segment is damaged", "segment", s.path, "bytes", len(cut))
		r.accept(st, s, l)
		return nil
	} else if len(cut) > 0 {
		r.o.Log.Info("an unfinished write was cut off", "segment", s.path, "bytes", len(cut))
		if err := st.folder.Truncate(s.f, l.end); err != nil {
			return err
		}
		s.size = l.end
	}
	// What the process before wrote and did not sync is found stored from now on.
	if err := st.folder.SyncFile(s.f); err != nil {
		return err
	}
	r.accept(st, s, l)
	st.active = s
	return nil
}
