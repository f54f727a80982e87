package log

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Found is a log of this host as the places have it.
type Found struct {
	checkpoint.Checkpoint        // its newest head
	Log                   string // its name
	Head                  []byte // the head as the log signed it, or as it was served

	places  []*place
	bundles []digest.Hash // of each full bundle of entries, the root over it
	rest    []digest.Hash // entries of the one that is not full
}

// findAdvice is what there is to do where the order cannot be had.
const findAdvice = "bring them back, or begin a new log, which gives the events another order, with eventseal reindex --new-log"

// Find finds the order that this host's log vouches for: its newest head in the
// places that count, and entries that lead to it, from whichever place has them.
// With a name it looks for that log alone, else for the longest one, of which all
// others must be the beginning. nil: this host never published anything.
//
// A head that was published is in at least required places: those that cannot
// be asked must be fewer. Errors say what to do.
func Find(ctx context.Context, places []replica.Place, required int, key *Key, name string) (*Found, error) {
	f := &Found{Log: name}
	var unread []string
	for _, p := range places {
		objects, ok := replica.As[replica.Objects](p.Replica)
		if !ok || !p.Counts {
			continue
		}
		x := &place{name: p.Name, objects: objects}
		if err := x.look(ctx, ""); err != nil {
			unread = append(unread, fmt.Sprintf("%s (%v)", p.Name, err))
			continue
		}
		f.places = append(f.places, x)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	heads, foreign, damaged := f.heads(key)
	unread = append(unread, damaged...)
	slices.Sort(unread)
	if len(unread) >= max(1, required) {
		return nil, fmt.Errorf("what was published last, and in which order, is not known before replicas have said it, all but %d of them; not now: %s; %s", max(1, required)-1, strings.Join(unread, ", "), findAdvice)
	}
	if len(heads) == 0 && len(foreign) > 0 && name == "" {
		return nil, fmt.Errorf("the replicas hold heads of logs, and none is by this host's key (%s). If the host had another key, put its file back; "+
			"if these are logs of other hosts, or the key is lost, begin a new log with eventseal reindex --new-log", strings.Join(foreign, ", "))
	}
	if len(heads) == 0 {
		return nil, nil
	}
	newest := slices.MaxFunc(heads, func(a, b foundHead) int { return int(min(a.Size, 1<<62)) - int(min(b.Size, 1<<62)) })
	f.Checkpoint, f.Log, f.Head = newest.Checkpoint, newest.log, newest.raw
	return f, f.verify(ctx, heads)
}

// Origin returns the origin of a log of the host of this public name.
func Origin(host, log string) string { return host + originPart + log }

// A foundHead is one by the host's key.
type foundHead struct {
	checkpoint.Checkpoint
	log, place string
	raw        []byte
}

// heads takes apart what the places hold: heads by the key, the logs that have
// others, and where a head is damaged that may be this host's.
func (f *Found) heads(key *Key) (heads []foundHead, foreign, damaged []string) {
	each := func(do func(p *place, log string, raw []byte)) {
		for _, p := range f.places {
			for _, log := range slices.Sorted(maps.Keys(p.heads)) {
				if f.Log == "" || log == f.Log {
					do(p, log, p.heads[log])
				}
			}
		}
	}
	others := map[string]bool{}
	each(func(p *place, log string, raw []byte) {
		c, err := key.Open(raw)
		switch {
		case len(raw) == 0:
		case err != nil || logName(c.Origin) != log:
			if others[log] = true; !slices.Contains(foreign, log) {
				foreign = append(foreign, log)
			}
		default:
			heads = append(heads, foundHead{c, log, p.name, raw})
		}
	})
	each(func(p *place, log string, raw []byte) {
		if len(raw) == 0 && !others[log] {
			damaged = append(damaged, fmt.Sprintf("%s (its head of log %s is damaged)", p.name, log))
		}
	})
	return heads, foreign, damaged
}

// verify reads all entries, and returns nil when they lead to the head, and to
// all other ones on the way. Where places have different entries, those are taken
// that a place's tiles above them name; and where they have not led to the head,
// another place's before all others.
func (f *Found) verify(ctx context.Context, heads []foundHead) (err error) {
	for range f.places {
		var other error
		if other, err = f.read(ctx, heads); err == nil {
			return other
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		f.places = append(f.places[1:], f.places[0])
	}
	return fmt.Errorf("the entries of log %s, %d events long, cannot be had from the replicas: %w; %s", f.Log, f.Size, err, findAdvice)
}

// read is one attempt of verify; other is about the head of another log, or
// another one of the log.
func (f *Found) read(ctx context.Context, heads []foundHead) (other, err error) {
	t := &tree{}
	f.bundles, f.rest = f.bundles[:0], nil
	differs := func() error {
		i := slices.IndexFunc(heads, func(h foundHead) bool { return h.Size == t.size })
		if i < 0 {
			return nil
		}
		root := t.root()
		for _, h := range heads[i:] {
			if h.Size != t.size || h.Root == root {
				continue
			}
			if h.log == f.Log {
				return fmt.Errorf("log %s has two heads that contradict each other, the longer one of %d events, the other one of %d in replica %s; both are evidence, keep them, and begin a new log with eventseal reindex --new-log", f.Log, f.Size, h.Size, h.place)
			}
			return fmt.Errorf("this host had more than one log, and which is the last one cannot be told: %s; choose it with eventseal reindex --log NAME", foundLogs(heads))
		}
		return nil
	}
	full := f.Size / tile.Width
	for low := uint64(0); low <= full; low += tile.Width {
		hints := f.hints(ctx, low/tile.Width)
		hinted := func(n uint64, root digest.Hash) bool {
			return len(hints) == 0 || slices.ContainsFunc(hints, func(hs []digest.Hash) bool { return n-low < uint64(len(hs)) && hs[n-low] == root })
		}
		got, err := f.window(ctx, low, min(full, low+tile.Width), hinted, true)
		if err != nil {
			return nil, err
		}
		for _, b := range got {
			if other == nil && slices.ContainsFunc(heads, func(h foundHead) bool { return h.Size > t.size && h.Size < t.size+tile.Width }) {
				other = f.within(t, b.entries, differs)
			}
			t.graft(b.root, nil)
			f.bundles = append(f.bundles, b.root)
			if other == nil {
				other = differs()
			}
		}
	}
	if n := f.Size % tile.Width; n > 0 {
		b, err := f.bundle(ctx, full, int(n), func(digest.Hash) bool { return true }, true)
		if err != nil {
			return nil, err
		}
		f.rest = b.entries
		for _, e := range b.entries {
			t.append(e, nil)
			if other == nil {
				other = differs()
			}
		}
	}
	if t.root() != f.Root {
		return nil, errors.New("they do not lead to its head")
	}
	return other, nil
}

// within compares the heads whose trees end within a bundle.
func (f *Found) within(t *tree, entries []digest.Hash, differs func() error) error {
	before := *t
	defer func() { *t = before }()
	*t = *t.clone()
	for _, e := range entries[:tile.Width-1] {
		t.append(e, nil)
		if err := differs(); err != nil {
			return err
		}
	}
	return nil
}

func foundLogs(heads []foundHead) string {
	var out []string
	for _, h := range heads {
		text := fmt.Sprintf("%s (%d events, origin %s)", h.log, h.Size, h.Origin)
		if !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

// hints reads a tile of level 1 from each place: what the roots over bundles are
// said to be.
func (f *Found) hints(ctx context.Context, number uint64) (hints [][]digest.Hash) {
	name := tile.Name{Level: 1, Number: number, Width: int(min(tile.Width, f.Size/tile.Width-number*tile.Width))}
	if name.Width == 0 {
		return nil
	}
	for _, p := range f.places {
		b, err := p.objects.GetObject(ctx, objectName(f.Log, name))
		if err != nil || len(b) != name.Width*digest.Size {
			continue
		}
		hs := make([]digest.Hash, name.Width)
		for i := range hs {
			hs[i] = digest.Hash(b[i*digest.Size:])
		}
		hints = append(hints, hs)
	}
	return hints
}

// A foundBundle has entries and, when it is full, the root over them.
type foundBundle struct {
	entries []digest.Hash
	root    digest.Hash
}

// findAtOnce bundles are read at once.
const findAtOnce = 16

// window reads the full bundles low … high-1.
func (f *Found) window(ctx context.Context, low, high uint64, good func(n uint64, root digest.Hash) bool, loose bool) ([]foundBundle, error) {
	got, errs := make([]foundBundle, high-low), make([]error, high-low)
	slots := make(chan struct{}, findAtOnce)
	var wg sync.WaitGroup
	for i := range got {
		slots <- struct{}{}
		wg.Go(func() {
			got[i], errs[i] = f.bundle(ctx, low+uint64(i), tile.Width, func(root digest.Hash) bool { return good(low+uint64(i), root) }, loose)
			<-slots
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return got, nil
}

// bundle reads a bundle from the first place that has a good one; if it is
// loose, from the first place that has any where no place has a good one.
func (f *Found) bundle(ctx context.Context, n uint64, width int, good func(root digest.Hash) bool, loose bool) (foundBundle, error) {
	var fallback *foundBundle
	var why []string
	for _, p := range f.places {
		entries, err := p.entries(ctx, f.Log, n, width)
		if err != nil {
			why = append(why, fmt.Sprintf("%s: %v", p.name, err))
			continue
		}
		b := foundBundle{entries: entries}
		if width == tile.Width {
			var leaves [tile.Width]digest.Hash
			for i, e := range entries {
				leaves[i] = leafHash(e)
			}
			b.root = subtree(leaves[:])
		}
		if good(b.root) {
			return b, nil
		}
		if why = append(why, p.name+": others"); fallback == nil && loose {
			fallback = &b
		}
	}
	if fallback != nil {
		return *fallback, nil
	}
	return foundBundle{}, fmt.Errorf("events %d … %d: %s", n*tile.Width+1, n*tile.Width+uint64(width), strings.Join(why, ", "))
}

// entries reads a bundle, or the beginning of one that has grown since.
func (p *place) entries(ctx context.Context, log string, n uint64, width int) ([]digest.Hash, error) {
	name := tile.Name{Level: tile.Entries, Number: n, Width: width}
	b, err := p.objects.GetObject(ctx, objectName(log, name))
	if width < tile.Width && errors.Is(err, replica.ErrNotFound) {
		name.Width = tile.Width
		b, err = p.objects.GetObject(ctx, objectName(log, name))
	}
	if err != nil {
		return nil, err
	}
	hs, err := tile.ParseEntries(b)
	if err == nil && len(hs) != name.Width {
		err = fmt.Errorf("%d entries instead of %d", len(hs), name.Width)
	}
	if err != nil {
		return nil, err
	}
	return hs[:width], nil
}

// graft appends a full bundle of leaves by the root over it; the tree must end
// with one. full is as in append.
func (t *tree) graft(h digest.Hash, full func(sheet)) {
	for level := 1; ; level++ {
		for level >= len(t.edge) {
			t.edge = append(t.edge, make([]digest.Hash, 0, tile.Width))
		}
		t.edge[level] = append(t.edge[level], h)
		if len(t.edge[level]) < tile.Width {
			break
		}
		h = subtree(t.edge[level])
		if full != nil {
			full(sheet{name: tile.Name{Level: level, Number: t.size >> (8 * (level + 1)), Width: tile.Width}, hashes: slices.Clone(t.edge[level])})
		}
		t.edge[level] = t.edge[level][:0]
	}
	t.size += tile.Width
}

// Hashes yields the hashes of all events in their order, as they come. It reads
// them a second time, and fails where they are not there any more.
func (f *Found) Hashes(ctx context.Context) iter.Seq2[[]digest.Hash, error] {
	return func(yield func([]digest.Hash, error) bool) {
		full := uint64(len(f.bundles))
		for low := uint64(0); low < full; low += tile.Width {
			got, err := f.window(ctx, low, min(full, low+tile.Width), func(n uint64, root digest.Hash) bool { return root == f.bundles[n] }, false)
			if err != nil {
				yield(nil, err)
				return
			}
			var hs []digest.Hash
			for _, b := range got {
				hs = append(hs, b.entries...)
			}
			if !yield(hs, nil) {
				return
			}
		}
		if len(f.rest) > 0 {
			yield(f.rest, nil)
		}
	}
}

// Tiles returns the tiles of level 1 and above.
func (f *Found) Tiles() (tiles []journal.Tile) {
	keep := func(s sheet) {
		if s.name.Level > 0 {
			tiles = append(tiles, journal.Tile{Level: s.name.Level, Number: s.name.Number, Hashes: join(s.hashes)})
		}
	}
	t := &tree{}
	for _, h := range f.bundles {
		t.graft(h, keep)
	}
	for _, s := range t.partial() {
		keep(s)
	}
	return tiles
}
