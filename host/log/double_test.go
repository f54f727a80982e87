package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A disk is what a journal keeps when the process ends.
type disk struct {
	mu     sync.Mutex
	events []digest.Hash
	head   journal.Head
	tiles  map[[2]uint64][]byte
	epochs []string // the last one is the present one
	kept   map[string]uint64
	more   chan struct{}
}

var _ Journal = (*disk)(nil)

func newDisk() *disk {
	return &disk{tiles: map[[2]uint64][]byte{}, epochs: []string{"00000000000000a0"}, kept: map[string]uint64{}, more: make(chan struct{})}
}

// admit adds so many events.
func (d *disk) admit(n uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for range n {
		d.events = append(d.events, event(uint64(len(d.events))+1))
	}
	close(d.more)
	d.more = make(chan struct{})
}

func (d *disk) keep(s sheet) {
	if s.name.Level > 0 {
		d.tiles[[2]uint64{uint64(s.name.Level), s.name.Number}] = join(s.hashes)
	}
}

// copy returns an older copy for later.
func (d *disk) copy() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newDisk()
	c.events, c.head, c.epochs = append(c.events, d.events...), d.head, append([]string(nil), d.epochs...)
	for k, v := range d.tiles {
		c.tiles[k] = v
	}
	for k, v := range d.kept {
		c.kept[k] = v
	}
	return c
}

func (d *disk) Hashes(_ context.Context, after uint64, limit int) ([]digest.Hash, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	after = min(after, uint64(len(d.events)))
	return append([]digest.Hash(nil), d.events[after:min(uint64(len(d.events)), after+uint64(limit))]...), nil
}

func (d *disk) Head(context.Context) (journal.Head, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.head, nil
}

func (d *disk) SwapHead(_ context.Context, was, now journal.Head, tiles []journal.Tile) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.head.Log != was.Log || d.head.Size != was.Size {
		return journal.ErrOutdated
	}
	if now.Log != was.Log {
		clear(d.tiles)
	}
	d.head = now
	for _, t := range tiles {
		d.tiles[[2]uint64{uint64(t.Level), t.Number}] = bytes.Clone(t.Hashes)
	}
	return nil
}

func (d *disk) Tile(_ context.Context, level int, number uint64) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b, ok := d.tiles[[2]uint64{uint64(level), number}]
	if !ok {
		return nil, fmt.Errorf("tile %d/%d: %w", level, number, journal.ErrNotFound)
	}
	return b, nil
}

func (d *disk) Reserve(context.Context, uint64, []digest.Hash) error { return errors.ErrUnsupported }

func (d *disk) Last(context.Context) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(len(d.events)), nil
}

func (d *disk) Epoch() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.epochs[len(d.epochs)-1]
}

func (d *disk) Kept(_ context.Context, epoch string) (uint64, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if epoch == d.epochs[len(d.epochs)-1] {
		return uint64(len(d.events)), nil
	}
	return d.kept[epoch], nil
}

func (d *disk) Renew(_ context.Context, kept uint64) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for e := range d.kept {
		d.kept[e] = min(d.kept[e], kept)
	}
	d.kept[d.epochs[len(d.epochs)-1]] = kept
	d.epochs = append(d.epochs, fmt.Sprintf("00000000000000a%d", len(d.epochs)))
	return d.epochs[len(d.epochs)-1], nil
}

func (d *disk) Wait(ctx context.Context, after uint64) error {
	for {
		d.mu.Lock()
		n, more := uint64(len(d.events)), d.more
		d.mu.Unlock()
		if n > after {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A bucket is what a place keeps.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
	down    bool
	heads   [][]byte // every head that it ever held
}

func newBucket() *bucket { return &bucket{objects: map[string][]byte{}} }

func (b *bucket) copy() *bucket {
	c := newBucket()
	for k, v := range b.objects {
		c.objects[k] = v
	}
	c.heads = b.heads
	return c
}

var errDown = errors.New("down")

func (b *bucket) PutObjects(_ context.Context, os []replica.Object) []error {
	b.mu.Lock()
	defer b.mu.Unlock()
	errs := make([]error, len(os))
	for i, o := range os {
		have, ok := b.objects[o.Name]
		switch {
		case b.down:
			errs[i] = errDown
		case ok && !bytes.Equal(have, o.Data):
			errs[i] = replica.ErrConflict
		default:
			b.objects[o.Name] = bytes.Clone(o.Data)
		}
	}
	return errs
}

func (b *bucket) GetObject(_ context.Context, name string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errDown
	}
	if o, ok := b.objects[name]; ok {
		return bytes.Clone(o), nil
	}
	return nil, replica.ErrNotFound
}

func (b *bucket) SwapObject(_ context.Context, name string, was, now []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errDown
	}
	if have, ok := b.objects[name]; ok != (was != nil) || !bytes.Equal(have, was) {
		return replica.ErrConflict
	}
	b.objects[name] = bytes.Clone(now)
	b.heads = append(b.heads, bytes.Clone(now))
	return nil
}

func (b *bucket) DeleteObjects(_ context.Context, names []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errDown
	}
	for _, n := range names {
		delete(b.objects, n)
	}
	return nil
}

func (b *bucket) ListObjects(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		b.mu.Lock()
		var names []string
		for n := range b.objects {
			if strings.HasPrefix(n, prefix) {
				names = append(names, n)
			}
		}
		down := b.down
		b.mu.Unlock()
		if down {
			yield("", errDown)
			return
		}
		for _, n := range names {
			if !yield(n, nil) {
				return
			}
		}
	}
}
