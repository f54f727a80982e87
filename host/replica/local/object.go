package local

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

var _ replica.Objects = (*Replica)(nil)

// Objects are frames of their own kind among those of the events, so that what
// makes events durable makes them, too: they share its syncs.

// keyOf is what an object's frames have in the place of an event's hash.
func keyOf(name string) digest.Hash {
	return sha256.Sum256(append([]byte("eventseal object\x00"), name...))
}

// contentOf is the record of an object's frame.
func contentOf(name string, data []byte) []byte {
	b := make([]byte, 0, 1+len(name)+len(data))
	return append(append(append(b, byte(len(name))), name...), data...)
}

// parseContent takes it, or as much of it as was read, apart.
func parseContent(b []byte) (name string, data []byte, ok bool) {
	if len(b) == 0 || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	end := 1 + int(b[0])
	return string(b[1:end]), b[end:], true
}

// A swap is what SwapObject asks the writer for.
type swap struct {
	name     string
	was, now []byte // contents; was of nil: none
}

// PutObjects implements replica.Objects, as PutBatch does for events.
func (r *Replica) PutObjects(ctx context.Context, os []replica.Object) []error {
	if err := r.usable(ctx); err != nil {
		return replica.EachError(len(os), err)
	}
	return replica.PutObjects(os, func(os []replica.Object) (errs []error) {
		var tasks []*task
		for rest := os; len(rest) > 0; {
			t, n := &task{done: make(chan struct{})}, 0
			for n < len(rest) && n < maxGroupEvents && t.weight < maxGroupBytes {
				t.weight += headerSize + 1 + len(rest[n].Name) + len(rest[n].Data)
				n++
			}
			t.objects, rest = rest[:n], rest[n:]
			t.errs = make([]error, n)
			tasks = append(tasks, t)
		}
		r.enqueue(tasks...)
		for _, t := range tasks {
			if err := r.await(ctx, t); err != nil {
				errs = append(errs, replica.EachError(len(t.objects), err)...) // the writer may be about to write t.errs
			} else {
				errs = append(errs, t.errs...)
			}
		}
		return errs
	})
}

// keepObject decides about one object. *err is final when it is set here.
func (r *Replica) keepObject(o replica.Object, err *error) {
	if *err = r.raise(); *err != nil {
		return
	}
	w, key, content := &r.w, keyOf(o.Name), contentOf(o.Name, o.Data)
	p, known := w.pending[key]
	if known && p.record != nil {
		if !bytes.Equal(p.record, content) {
			*err = fmt.Errorf("local: %s: %w", o.Name, replica.ErrConflict)
		}
		w.unsure = append(w.unsure, err)
		return
	}
	var replaced []place
	if !known {
		stored, at, e := r.fetch(kindObject, key, true)
		switch {
		case e == nil && bytes.Equal(stored, content):
			w.rest(r.slots[at[0].slot()])
			return
		case e == nil:
			*err = fmt.Errorf("local: %s: %w", o.Name, replica.ErrConflict)
			return
		case at != nil:
			replaced = at // which is damaged
		case !errors.Is(e, replica.ErrNotFound):
			*err = e
			return
		}
	}
	r.store(kindObject, key, content, replaced, err)
}

// SwapObject implements replica.Objects. The writer compares, so that of two
// callers one at most succeeds.
func (r *Replica) SwapObject(ctx context.Context, name string, was, now []byte) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	if err := (replica.Object{Name: name, Data: now}).Check(); err != nil {
		return err
	}
	s := &swap{name: name, now: contentOf(name, now)}
	if was != nil {
		s.was = contentOf(name, was)
	}
	t := &task{swap: s, weight: headerSize + len(s.now)}
	if err := r.submit(ctx, t); err != nil {
		return err
	}
	return t.err
}

// swapObject is SwapObject, done by the writer.
func (r *Replica) swapObject(s swap, err *error) {
	if *err = r.raise(); *err != nil {
		return
	}
	key := keyOf(s.name)
	var held []byte // nil: none
	var at []place
	if p, known := r.w.pending[key]; !known {
		var e error
		held, at, e = r.fetch(kindObject, key, true)
		switch {
		case e != nil && at != nil:
			*err = fmt.Errorf("local: %s: %w: %w", s.name, replica.ErrConflict, e)
			return
		case e != nil && !errors.Is(e, replica.ErrNotFound):
			*err = e
			return
		}
	} else if held = p.record; held != nil {
		at = []place{p.place}
	}
	if (s.was == nil) != (held == nil) || !bytes.Equal(s.was, held) {
		*err = fmt.Errorf("local: %s: %w", s.name, replica.ErrConflict)
		r.w.unsure = append(r.w.unsure, err)
		return
	}
	r.store(kindObject, key, s.now, at, err)
}

// DeleteObjects implements replica.Objects: it is durable when it returns nil.
func (r *Replica) DeleteObjects(ctx context.Context, names []string) error {
	if err := r.usable(ctx); err != nil {
		return err
	}
	if err := replica.CheckObjectNames(names); err != nil {
		return err
	}
	for part := range slices.Chunk(names, maxGroupEvents) {
		t := &task{goneObjects: part, weight: len(part) * headerSize}
		if err := r.submit(ctx, t); err != nil {
			return err
		}
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

// GetObject implements replica.Objects with one pread, of the folder that is at
// the path now.
func (r *Replica) GetObject(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := replica.CheckObject(name); err != nil {
		return nil, err
	}
	content, _, err := r.fetch(kindObject, keyOf(name), false)
	if errors.Is(err, replica.ErrClosed) {
		return nil, err
	}
	if err := r.found(ctx); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	_, data, ok := parseContent(content)
	if !ok {
		return nil, fmt.Errorf("local: %s: %w", name, replica.ErrCorrupt)
	}
	return data, nil
}

// ListObjects implements replica.Objects. It goes through the objects as they
// are now, and reads the name of each. Those whose names are damaged are not in it.
func (r *Replica) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, segments, err := r.allObjects(ctx)
		defer func() {
			for _, s := range segments {
				s.release()
			}
		}()
		if err != nil {
			yield("", err)
			return
		}
		for _, e := range entries {
			if err := ctx.Err(); err != nil {
				yield("", err)
				return
			}
			name, ok := segments[e.place.slot()].nameAt(e.place)
			if ok && strings.HasPrefix(name, prefix) && !yield(name, nil) {
				return
			}
		}
	}
}

// allObjects returns where the objects are, and by slot the segments that have
// them, which the caller releases.
func (r *Replica) allObjects(ctx context.Context) (entries []entry, segments map[int]*segment, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	r.mu.RLock()
	closed := r.closed
	r.mu.RUnlock()
	if closed {
		return nil, nil, replica.ErrClosed
	}
	if err := r.found(ctx); err != nil {
		return nil, nil, err
	}
	segments = map[int]*segment{}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, nil, replica.ErrClosed
	}
	r.objects.all(func(e entry) {
		entries = append(entries, e)
		if s := r.slots[e.place.slot()]; segments[s.slot] == nil {
			s.acquire() // so that compaction does not take it away
			segments[s.slot] = s
		}
	})
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.place, b.place) })
	return entries, segments, nil
}

// nameAt reads the name of the object whose frame is at p. ok is false where it
// is damaged; what comes behind it is not looked at.
func (s *segment) nameAt(p place) (name string, ok bool) {
	var b [headerSize + 1 + replica.MaxObjectName]byte
	n, _ := s.f.ReadAt(b[:min(int64(len(b)), p.size())], p.offset())
	h, ok := readHeader(b[:n])
	if !ok || h.kind != kindObject {
		return "", false
	}
	name, _, ok = parseContent(b[headerSize:n])
	return name, ok && keyOf(name) == h.hash
}
