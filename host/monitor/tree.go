package monitor

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A tree reads the hashes of a signed head's tree from the host's tiles. None is
// believed that does not lead to the head's root. It is safe for concurrent use.
type tree struct {
	checkpoint.Checkpoint
	note   string
	source *source

	mu   sync.Mutex
	kept map[tlog.Tile][]byte // that were found right
}

// maxKept bounds the tiles that are kept: two edges of the largest tree are 16.
const maxKept = 64

// maxSize bounds the size of a tree: some 10^15 events.
const maxSize = 1 << 50

func newTree(c checkpoint.Checkpoint, note string, s *source) *tree {
	return &tree{Checkpoint: c, note: note, source: s, kept: map[tlog.Tile][]byte{}}
}

// reading is a tlog.TileReader of one request for hashes.
type reading struct {
	*tree
	ctx   context.Context
	fresh []Tile // fetched, and not yet found right
}

func (r *reading) Height() int { return 8 }

// ReadTiles fetches what is not kept, a few at a time.
func (r *reading) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data, errs := make([][]byte, len(tiles)), make([]error, len(tiles))
	var wg sync.WaitGroup
	lanes := make(chan struct{}, 4)
	for i, t := range tiles {
		r.mu.Lock()
		data[i] = r.kept[t]
		r.mu.Unlock()
		if data[i] != nil {
			continue
		}
		wg.Go(func() {
			lanes <- struct{}{}
			defer func() { <-lanes }()
			if data[i], errs[i] = r.source.tile(r.ctx, name(t)); errs[i] == nil {
				r.mu.Lock()
				r.fresh = append(r.fresh, Tile{name(t).Path(), data[i]})
				r.mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, &readError{err}
		}
	}
	return data, nil
}

// SaveTiles keeps tiles that were found right; those of level 0 are read once.
func (r *reading) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, t := range tiles {
		if len(r.kept) >= maxKept {
			clear(r.kept)
		}
		if t.L > 0 || t.W < tile.Width {
			r.kept[t] = data[i]
		}
	}
	r.fresh = nil
}

// A readError is why a tile could not be read.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }

// with calls f, which returns no errors of its own, with a reader of the tree's
// hashes. Tiles that do not lead to the root are a finding.
func (t *tree) with(ctx context.Context, f func(r tlog.HashReader) error) error {
	r := &reading{tree: t, ctx: ctx}
	err := f(tlog.TileHashReader(tlog.Tree{N: int64(t.Size), Hash: tlog.Hash(t.Root)}, r))
	var unread *readError
	if err == nil {
		return nil
	}
	if errors.As(err, &unread) {
		return unread.err
	}
	return &Finding{Kind: BadTile, Detail: "the tiles do not lead to the signed root: " + err.Error(), Checkpoints: []string{t.note}, Tiles: r.fresh}
}

// leaves returns the hashes of the leaves of a bundle, which lead to the root.
func (t *tree) leaves(ctx context.Context, n tile.Name) (hs []digest.Hash, err error) {
	indexes := make([]int64, n.Width)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(n.Number)*tile.Width+int64(i))
	}
	err = t.with(ctx, func(r tlog.HashReader) error {
		read, err := r.ReadHashes(indexes)
		for _, h := range read {
			hs = append(hs, digest.Hash(h))
		}
		return err
	})
	return hs, err
}

// inclusion returns the C2SP tlog-proof of a leaf.
func (t *tree) inclusion(ctx context.Context, index uint64) (text string, err error) {
	err = t.with(ctx, func(r tlog.HashReader) error {
		path, err := tlog.ProveRecord(int64(t.Size), int64(index), r)
		p := checkpoint.Proof{Index: index, Note: []byte(t.note)}
		for _, h := range path {
			p.Path = append(p.Path, digest.Hash(h))
		}
		text = string(p.Text())
		return err
	})
	return text, err
}
