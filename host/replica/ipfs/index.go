package ipfs

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// An index says which roots hold an event. It knows 8 bytes of a hash; the
// roots know the rest. Its methods need no lock of the caller.
type index struct {
	mu    sync.Mutex
	roots []digest.Hash          // by slot; the zero hash: gone
	slots map[digest.Hash]uint32 // of roots
	first map[uint64]uint32      // 8 bytes of an event's hash → a slot
	more  map[uint64][]uint32    // further slots, where there are several

	reading *reading  // the one under way, nil: none
	loaded  time.Time // when the last one that succeeded began; zero: none did
}

// A reading of the roots serves whoever wants one meanwhile.
type reading struct {
	done chan struct{} // closed when err is set
	err  error
}

func short(h digest.Hash) uint64 { return binary.BigEndian.Uint64(h[:]) }

// add makes a root and its events known.
func (x *index) add(root digest.Hash, entries []entry) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, known := x.slots[root]; known {
		return
	}
	if x.slots == nil {
		x.slots, x.first, x.more = map[digest.Hash]uint32{}, map[uint64]uint32{}, map[uint64][]uint32{}
	}
	slot := uint32(len(x.roots))
	x.roots = append(x.roots, root)
	x.slots[root] = slot
	for _, e := range entries {
		k := short(e.hash)
		if old, taken := x.first[k]; !taken || x.roots[old] == (digest.Hash{}) {
			x.first[k] = slot
		} else if old != slot {
			x.more[k] = append(x.more[k], slot)
		}
	}
}

// drop forgets a root.
func (x *index) drop(root digest.Hash) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if slot, known := x.slots[root]; known {
		x.roots[slot] = digest.Hash{}
		delete(x.slots, root)
	}
}

// of returns the roots that may hold h, the first one first.
func (x *index) of(h digest.Hash) []digest.Hash {
	x.mu.Lock()
	defer x.mu.Unlock()
	var roots []digest.Hash
	k := short(h)
	if slot, ok := x.first[k]; ok && x.roots[slot] != (digest.Hash{}) {
		roots = append(roots, x.roots[slot])
	}
	for _, slot := range x.more[k] {
		if root := x.roots[slot]; root != (digest.Hash{}) {
			roots = append(roots, root)
		}
	}
	return roots
}

// all returns every root.
func (x *index) all() []digest.Hash {
	x.mu.Lock()
	defer x.mu.Unlock()
	roots := make([]digest.Hash, 0, len(x.slots))
	for root := range x.slots {
		roots = append(roots, root)
	}
	return roots
}

func (x *index) knows(root digest.Hash) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, known := x.slots[root]
	return known
}

// rereadAfter bounds how often a search for what is not there asks the node
// for roots that somebody else pinned.
const rereadAfter = 5 * time.Second

// load returns when the pinned roots were read by a reading that did not begin
// before since, which is no later than now. The reading belongs to nobody:
// it goes on when a caller's context ends, so that a node with many roots is
// known in the end however short the callers' patience is.
func (r *Replica) load(ctx context.Context, since time.Time) error {
	x := &r.index
	for {
		x.mu.Lock()
		if !x.loaded.IsZero() && !x.loaded.Before(since) {
			x.mu.Unlock()
			return nil
		}
		now := x.reading
		if now == nil {
			now = &reading{done: make(chan struct{})}
			x.reading = now
			go r.read(now)
		}
		x.mu.Unlock()
		select {
		case <-now.done:
			if now.err != nil {
				return now.err
			}
		case <-ctx.Done():
			return wrap(ctx, ctx.Err())
		}
	}
}

// read reads the roots that are not known yet, and forgets those that are no
// longer pinned. It gives up when the node says nothing for the length of a
// timeout.
func (r *Replica) read(now *reading) {
	began := time.Now()
	ctx, cancel := context.WithCancel(r.life)
	silence := time.AfterFunc(r.timeout, cancel)
	err := r.roots(ctx, func() { silence.Reset(r.timeout) })
	if err != nil && ctx.Err() != nil { // a cancellation is nobody's but ours
		if err = fmt.Errorf("ipfs: the node went silent: %w", context.DeadlineExceeded); r.life.Err() != nil {
			err = replica.ErrClosed
		}
	}
	silence.Stop()
	cancel()
	x := &r.index
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.reading, now.err = nil, err; err == nil {
		x.loaded = began
	}
	close(now.done)
}

// roots does read's work and calls alive whenever the node has answered.
func (r *Replica) roots(ctx context.Context, alive func()) error {
	x := &r.index
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	before := x.all() // asked first: what is pinned meanwhile may not be in the list
	resp, err := r.api.Request("pin/ls").Option("type", "recursive").Option("stream", true).Send(ctx)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	if err != nil {
		return wrap(ctx, err)
	}
	defer resp.Cancel()
	pinned := map[digest.Hash]struct{}{}
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for d := json.NewDecoder(resp.Output); ; {
		var pin struct{ Cid string }
		if err := d.Decode(&pin); err == io.EOF {
			break
		} else if err != nil {
			cancel(fmt.Errorf("ipfs: %w", err))
			break
		}
		alive()
		root, ours := parse(pin.Cid, rootPrefix)
		if !ours {
			continue
		}
		pinned[root] = struct{}{}
		if x.knows(root) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			entries, err := r.root(ctx, root)
			switch {
			case err == nil:
				x.add(root, entries)
			case errors.Is(err, replica.ErrNotFound), errors.Is(err, replica.ErrCorrupt): // nothing can be had from it
			default:
				cancel(err)
			}
			alive()
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	for _, root := range before { // those that somebody unpinned
		if _, still := pinned[root]; !still {
			x.drop(root)
		}
	}
	return nil
}

// known returns when the roots were read once.
func (r *Replica) known(ctx context.Context) error {
	r.index.mu.Lock()
	ready := !r.index.loaded.IsZero()
	r.index.mu.Unlock()
	if ready {
		return nil
	}
	return r.load(ctx, time.Now().Add(-time.Hour))
}

// root reads a root; ErrNotFound also where it is none of ours.
func (r *Replica) root(ctx context.Context, name digest.Hash) ([]entry, error) {
	b, err := r.fetch(ctx, rootCID(name), name, maxRoot)
	if err != nil {
		return nil, err
	}
	entries, ok := decodeRoot(b)
	if !ok {
		return nil, replica.ErrNotFound
	}
	return entries, nil
}

// A place is where an event was found.
type place struct {
	entry
	root digest.Hash
}

// find returns the places of an event; thorough asks the node for roots that
// somebody else pinned, when none is known. Roots that are gone are forgotten.
func (r *Replica) find(ctx context.Context, h digest.Hash, thorough bool) ([]place, error) {
	x := &r.index
	if err := r.known(ctx); err != nil {
		return nil, err
	}
	roots := x.of(h)
	if len(roots) == 0 && thorough {
		if err := r.load(ctx, time.Now().Add(-rereadAfter)); err != nil {
			return nil, err
		}
		roots = x.of(h)
	}
	var found []place
	for _, root := range roots {
		entries, err := r.root(ctx, root)
		if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
			x.drop(root)
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.hash == h {
				found = append(found, place{e, root})
			}
		}
	}
	return found, nil
}
