package local

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Get implements replica.Replica with one pread.
func (r *Replica) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	record, _, err := r.fetch(kindPut, ref.Hash, false)
	return record, err
}

// GetBatch implements replica.BatchGetter. Reading in one goroutine is faster
// than in several while the pages are in memory, which for a batch they
// mostly are.
func (r *Replica) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out := make([]replica.Fetched, len(refs))
	for i, ref := range refs {
		out[i].Record, out[i].Err = r.Get(ctx, ref)
	}
	if err := r.found(ctx); err != nil {
		for i := range out {
			out[i] = replica.Fetched{Err: err}
		}
	}
	return out
}

// found fails where the path does not lead to the folder that was read, and has
// the writer see to it.
func (r *Replica) found(ctx context.Context) error {
	r.mu.RLock()
	lock, none := r.lock, r.folder == nil
	r.mu.RUnlock()
	ok := false
	if !none {
		var err error
		if ok, err = lock.stands(); err != nil {
			return fmt.Errorf("local: %w", err)
		}
	}
	if ok {
		return nil
	}
	if err := r.probe(ctx); err != nil {
		return err
	}
	return ErrVanished
}

// A held frame is kept readable, even when compaction removes its file, until
// the segment is released.
type held struct {
	place   place
	segment *segment
}

// candidates returns the frames of the kind that may be h's. The caller releases
// each. writing is for the writer, whose files are open until it ends.
func (r *Replica) candidates(kind byte, h digest.Hash, writing bool, dst []held) ([]held, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed && !writing {
		return nil, replica.ErrClosed
	}
	var places [4]place
	for _, p := range r.of(kind).find(prefixOf(h), places[:0]) {
		s := r.slots[p.slot()]
		s.acquire()
		dst = append(dst, held{p, s})
	}
	return dst, nil
}

// fetch reads the copy of h. With ErrCorrupt it returns where the damaged
// frames are, any of which may be h's; otherwise, where the copy is.
func (r *Replica) fetch(kind byte, h digest.Hash, writing bool) (record []byte, at []place, err error) {
	var room [4]held
	cs, err := r.candidates(kind, h, writing, room[:0])
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		for _, c := range cs {
			c.segment.release()
		}
	}()
	var damaged error
	for _, c := range cs {
		record, err := c.segment.read(kind, c.place, h)
		switch {
		case err == nil:
			return record, []place{c.place}, nil
		case errors.Is(err, errOther):
		case errors.Is(err, replica.ErrCorrupt):
			damaged, at = err, append(at, c.place)
		default:
			return nil, nil, err
		}
	}
	if damaged != nil {
		return nil, at, damaged
	}
	return nil, nil, fmt.Errorf("local: %w", replica.ErrNotFound)
}

// errOther: the frame is whole and another event's.
var errOther = errors.New("local: another event of the same prefix")

// read returns the record of the frame at p, which is to be h's. It fails with
// errOther or replica.ErrCorrupt.
func (s *segment) read(kind byte, p place, h digest.Hash) ([]byte, error) {
	b := make([]byte, p.size())
	n, err := s.f.ReadAt(b, p.offset())
	if err != nil && !errors.Is(err, io.EOF) {
		if unreadable(err) { // which is damage
			err = fmt.Errorf("%w: %w", replica.ErrCorrupt, err)
		}
		return nil, fmt.Errorf("local: %w", err)
	}
	hd, ok := readHeader(b[:n])
	switch {
	case !ok || hd.kind != kind:
		return nil, fmt.Errorf("local: %w: header in %s at %d", replica.ErrCorrupt, fileName(s.id, logSuffix), p.offset())
	case hd.hash != h:
		return nil, errOther
	case hd.frameSize() > int64(n) || !hd.whole(b[headerSize:hd.frameSize()]):
		return nil, fmt.Errorf("local: %w: record in %s at %d", replica.ErrCorrupt, fileName(s.id, logSuffix), p.offset())
	}
	end := hd.frameSize()
	return b[headerSize:end:end], nil
}

// hashAt reads whose frame is at p. ok is false when its header is damaged.
func (s *segment) hashAt(p place) (h digest.Hash, ok bool) {
	var b [headerSize]byte
	if _, err := s.f.ReadAt(b[:], p.offset()); err != nil {
		return h, false
	}
	hd, ok := readHeader(b[:])
	return hd.hash, ok
}
