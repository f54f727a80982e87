package log

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// errDiffers: the journal's events are not those of the tree that was published.
var errDiffers = errors.New("the journal's events are other ones than those of the log")

// A reader reads the tree of a size from the journal: the leaves from the
// events, what is above them from the tiles that it keeps. It is for one
// goroutine, and remembers what it has read.
type reader struct {
	journal journal.Logged
	size    uint64
	tiles   map[tile.Name][]digest.Hash // by Name without Width
	entries map[uint64][]digest.Hash
}

func read(j journal.Logged, size uint64) *reader {
	return &reader{journal: j, size: size, tiles: map[tile.Name][]digest.Hash{}, entries: map[uint64][]digest.Hash{}}
}

// width returns how wide a tile is in the tree; 0: it has none of that name.
func (r *reader) width(level int, number uint64) int {
	if level > 7 {
		return 0
	}
	nodes := r.size >> (8 * level)
	if number > nodes/tile.Width {
		return 0
	}
	return int(min(tile.Width, nodes-number*tile.Width))
}

// tile returns the hashes of a tile, as wide as it is in the tree. Full ones of
// level 0 are compared with what is above them, and are errDiffers where that
// is another tree's.
func (r *reader) tile(ctx context.Context, level int, number uint64) ([]digest.Hash, error) {
	name := tile.Name{Level: level, Number: number}
	if hs := r.tiles[name]; hs != nil {
		return hs, nil
	}
	width := r.width(level, number)
	if width == 0 {
		return nil, fmt.Errorf("log: there is no tile %d/%d in a tree of %d", level, number, r.size)
	}
	hs := make([]digest.Hash, width)
	if level > 0 {
		b, err := r.journal.Tile(ctx, level, number)
		if err != nil {
			return nil, err
		}
		if len(b) < width*digest.Size {
			return nil, fmt.Errorf("log: the journal's tile %d/%d is too narrow: %w", level, number, journal.ErrNotFound)
		}
		for i := range hs {
			hs[i] = digest.Hash(b[i*digest.Size:])
		}
		r.tiles[name] = hs
		return hs, nil
	}
	es, err := r.bundle(ctx, number)
	if err != nil {
		return nil, err
	}
	for i, e := range es {
		hs[i] = leafHash(e)
	}
	if width == tile.Width {
		above, err := r.tile(ctx, 1, number/tile.Width)
		if err != nil {
			return nil, err
		}
		if above[number%tile.Width] != subtree(hs) {
			return nil, fmt.Errorf("%w: events %d … %d", errDiffers, number*tile.Width+1, (number+1)*tile.Width)
		}
	}
	r.tiles[name] = hs
	return hs, nil
}

// bundle returns the entries of a bundle.
func (r *reader) bundle(ctx context.Context, number uint64) ([]digest.Hash, error) {
	if es := r.entries[number]; es != nil {
		return es, nil
	}
	width := r.width(0, number)
	es, err := hashes(ctx, r.journal, number*tile.Width, width)
	if err == nil {
		r.entries[number] = es
	}
	return es, err
}

// hashes reads so many hashes after a sequence number, or fails.
func hashes(ctx context.Context, j journal.Logged, after uint64, n int) ([]digest.Hash, error) {
	var hs []digest.Hash
	for len(hs) < n {
		more, err := j.Hashes(ctx, after+uint64(len(hs)), n-len(hs))
		if err != nil {
			return nil, err
		}
		if len(more) == 0 {
			return nil, fmt.Errorf("log: the journal ends at event %d: %w", after+uint64(len(hs)), journal.ErrNotFound)
		}
		hs = append(hs, more...)
	}
	return hs[:n:n], nil
}

// sheet returns a tile with its entries, as wide as it is in the tree.
func (r *reader) sheet(ctx context.Context, level int, number uint64) (s sheet, err error) {
	if s.hashes, err = r.tile(ctx, level, number); err != nil {
		return s, err
	}
	s.name = tile.Name{Level: level, Number: number, Width: len(s.hashes)}
	if level == 0 {
		s.entries, err = r.bundle(ctx, number)
	}
	return s, err
}

// hash returns the hash of a span.
func (r *reader) hash(ctx context.Context, s span) (h digest.Hash, err error) {
	first := true
	for hi, height := s.hi, 0; hi > s.lo; height++ {
		n := uint64(1) << height
		if (hi-s.lo)&n == 0 {
			continue
		}
		hi -= n
		level := height / 8
		at := hi >> (8 * level)
		hs, err := r.tile(ctx, level, at/tile.Width)
		if err != nil {
			return h, err
		}
		left := subtree(hs[at%tile.Width : at%tile.Width+1<<(height%8)])
		if first {
			h, first = left, false
		} else {
			h = nodeHash(left, h)
		}
	}
	return h, nil
}

func (r *reader) all(ctx context.Context, spans []span) ([]digest.Hash, error) {
	hs := make([]digest.Hash, len(spans))
	for i, s := range spans {
		var err error
		if hs[i], err = r.hash(ctx, s); err != nil {
			return nil, err
		}
	}
	return hs, nil
}

// root returns the root of the tree.
func (r *reader) root(ctx context.Context) (digest.Hash, error) {
	if r.size == 0 {
		return (&tree{}).root(), nil
	}
	return r.hash(ctx, span{0, r.size})
}

// tree returns the right edge.
func (r *reader) tree(ctx context.Context) (*tree, error) {
	t := &tree{size: r.size}
	for level := 0; r.size>>(8*level) > 0; level++ {
		t.edge = append(t.edge, make([]digest.Hash, 0, tile.Width))
		number := r.size >> (8 * (level + 1))
		if r.width(level, number) == 0 {
			continue
		}
		hs, err := r.tile(ctx, level, number)
		if err != nil {
			return nil, err
		}
		t.edge[level] = append(t.edge[level], hs...)
		if level == 0 {
			es, err := r.bundle(ctx, number)
			if err != nil {
				return nil, err
			}
			t.last = append(t.last, es...)
		}
	}
	return t, nil
}

// check returns errDiffers unless a sheet is of the tree whose right edge is edge.
func (r *reader) check(ctx context.Context, edge *tree, s sheet) error {
	hs := s.hashes
	for level, number := s.name.Level, s.name.Number; ; level, number = level+1, number/tile.Width {
		if r.width(level, number) < tile.Width {
			if len(hs) > len(edge.edge[level]) || !slices.Equal(hs, edge.edge[level][:len(hs)]) {
				return errDiffers
			}
			return nil
		}
		if len(hs) < tile.Width { // an older, narrower one
			whole, err := r.tile(ctx, level, number)
			if err != nil {
				return err
			}
			if !slices.Equal(hs, whole[:len(hs)]) {
				return errDiffers
			}
			hs = whole
		}
		above, err := r.tile(ctx, level+1, number/tile.Width)
		if err != nil {
			return err
		}
		if above[number%tile.Width] != subtree(hs) {
			return errDiffers
		}
		hs = above
	}
}
