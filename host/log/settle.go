package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A halt is why nothing is published: an error with the state that it means.
type halt struct{ state, why string }

func (h *halt) Error() string { return h.why }

// settle finds out where the log stands: what the journal's head is, which heads
// the places hold, and what follows from them. It begins a log where there is
// none, and takes up a head that the journal does not know. Nothing is
// published, and no head signed, before it has returned nil.
func (l *Log) settle(ctx context.Context) error {
	head, err := l.o.Journal.Head(ctx)
	if err != nil {
		return err
	}
	f := facts{log: head.Log, size: head.Size, required: l.o.MinRedundancy}
	var tip checkpoint.Checkpoint
	if head.Size > 0 {
		// The head of another key stands for a log that is not gone on with.
		if tip, err = l.o.Key.Open(head.Checkpoint); err != nil {
			f.log, f.size = "", 0
		}
	}
	l.ask(ctx, f.log)
	if f.last, err = l.o.Journal.Last(ctx); err != nil {
		return err
	}
	t := &tree{}
	if f.log != "" {
		if t, err = l.restore(ctx, head, tip); err != nil {
			return err
		}
	}
	taken, err := l.see(ctx, &f, t)
	if err != nil {
		return err
	}
	v := judge(f)
	if v.state != Publishing {
		return &halt{v.state, v.why}
	}
	switch {
	case v.adopt != nil:
		head, t, err = l.adopt(ctx, head, t, *v.adopt)
	case v.begin:
		head, err = l.begin(ctx, head, taken, f.last)
	}
	if err != nil {
		return err
	}
	return l.stand(ctx, head, t)
}

// ask has the places say which heads they hold, those that have not yet.
func (l *Log) ask(ctx context.Context, log string) {
	var unknown []*place
	for _, p := range l.places {
		if p.free() && (!p.known || log == "" && !p.listed) {
			unknown = append(unknown, p)
		}
	}
	l.each(ctx, unknown, len(l.places)-l.o.MinRedundancy+1, func(ctx context.Context, p *place) error { return p.look(ctx, log) })
}

// see puts what the places said into f. taken are the names of logs that they
// hold anything of.
func (l *Log) see(ctx context.Context, f *facts, t *tree) (taken []string, err error) {
	roots := map[uint64]digest.Hash{}
	for _, p := range l.places {
		f.places = append(f.places, p.name)
		if free := p.free(); !free || !p.known {
			why := "it is at work"
			if free && p.err != nil { // a task's own, as long as it runs
				why = p.err.Error()
			}
			f.unread = append(f.unread, fmt.Sprintf("%s (%s)", p.name, why))
			continue
		}
		for log, raw := range p.heads {
			taken = append(taken, log)
			c, err := l.o.Key.Open(raw)
			if err != nil || logName(c.Origin) != log {
				if log == f.log {
					f.unread = append(f.unread, p.name+" (its head is damaged)")
				}
				continue
			}
			h := seen{place: p.name, log: log, size: c.Size}
			if c.Size <= f.last && (f.log == "" || log == f.log) {
				if _, have := roots[c.Size]; !have {
					root, err := l.rootAt(ctx, t, c.Size)
					if err != nil && !errors.Is(err, errDiffers) {
						return nil, err
					}
					roots[c.Size] = root
				}
				h.agrees = roots[c.Size] == c.Root
			}
			f.heads = append(f.heads, h)
		}
	}
	return taken, nil
}

// rootAt returns the root of the journal's first size events, of which t is the
// beginning, or the other way round.
func (l *Log) rootAt(ctx context.Context, t *tree, size uint64) (digest.Hash, error) {
	switch {
	case size == t.size:
		return t.root(), nil
	case size < t.size:
		return read(l.o.Journal, size).root(ctx)
	}
	t = t.clone()
	_, err := l.grow(ctx, t, size)
	return t.root(), err
}

// grow appends the journal's events up to size, and returns the tiles above
// level 0 that are other ones then.
func (l *Log) grow(ctx context.Context, t *tree, size uint64) ([]journal.Tile, error) {
	var levels []journal.Tile
	full := func(s sheet) {
		if s.name.Level > 0 {
			levels = append(levels, journal.Tile{Level: s.name.Level, Number: s.name.Number, Hashes: join(s.hashes)})
		}
	}
	told := time.Now()
	for t.size < size {
		hs, err := hashes(ctx, l.o.Journal, t.size, int(min(chunk, size-t.size)))
		if err != nil {
			return nil, err
		}
		for _, h := range hs {
			t.append(h, full)
		}
		if time.Since(told) > progressEvery {
			told = time.Now()
			l.o.Log.Info("the transparency log reads the journal", "events", t.size, "of", size)
		}
	}
	for _, s := range t.partial() {
		full(s)
	}
	return levels, nil
}

const progressEvery = 5 * time.Second

// restore returns the tree of the journal's head. Where the order was renewed
// since the log began, or a tile is missing, it is made from the events anew.
func (l *Log) restore(ctx context.Context, head journal.Head, tip checkpoint.Checkpoint) (*tree, error) {
	if head.Size == 0 {
		return &tree{}, nil
	}
	if bytes.Equal(l.head.Checkpoint, head.Checkpoint) {
		return l.tree, nil
	}
	kept, err := l.o.Journal.Kept(ctx, head.Log)
	if err != nil {
		return nil, err
	}
	if kept >= head.Size {
		t, err := read(l.o.Journal, head.Size).tree(ctx)
		if err == nil && t.root() == tip.Root {
			return t, nil
		}
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return nil, err
		}
	}
	last, err := l.o.Journal.Last(ctx)
	if err != nil {
		return nil, err
	}
	if last < head.Size {
		return nil, fmt.Errorf("%w: the head covers %d and there are %d", errDiffers, head.Size, last)
	}
	t := &tree{}
	tiles, err := l.grow(ctx, t, head.Size)
	if err != nil {
		return nil, err
	}
	if t.root() != tip.Root {
		return nil, fmt.Errorf("%w: the first %d do not lead to its head", errDiffers, head.Size)
	}
	return t, l.o.Journal.SwapHead(ctx, head, head, tiles)
}

// adopt makes a head the journal's that a place holds.
func (l *Log) adopt(ctx context.Context, was journal.Head, t *tree, s seen) (journal.Head, *tree, error) {
	var raw []byte
	for _, p := range l.places {
		if p.name == s.place {
			raw = p.heads[s.log]
		}
	}
	c, err := l.o.Key.Open(raw)
	if err != nil {
		return was, nil, err
	}
	now := journal.Head{Log: s.log, Origin: c.Origin, Size: c.Size, Checkpoint: raw}
	t = t.clone()
	if was.Log != s.log {
		t = &tree{} // tiles of another log are dropped
	}
	tiles, err := l.grow(ctx, t, c.Size)
	if err != nil {
		return was, nil, err
	}
	if t.root() != c.Root {
		return was, nil, errDiffers
	}
	l.o.Log.Warn("the transparency log goes on from a published head that the journal did not have", "replica", s.place, "log", s.log, "size", c.Size, "had", was.Size)
	return now, t, l.o.Journal.SwapHead(ctx, was, now, tiles)
}

// begin begins a log, whose name is the journal's epoch: another one than that of
// any log there is.
func (l *Log) begin(ctx context.Context, was journal.Head, taken []string, last uint64) (now journal.Head, err error) {
	name := l.o.Journal.Epoch()
	if name == was.Log || slices.Contains(taken, name) {
		if name, err = l.o.Journal.Renew(ctx, last); err != nil {
			return now, err
		}
	}
	now = journal.Head{Log: name, Origin: l.o.Name + originPart + name}
	if err := l.o.Journal.SwapHead(ctx, was, now, nil); err != nil {
		return now, err
	}
	l.o.Log.Info("a transparency log begins", "origin", now.Origin, "events", last)
	return now, nil
}

// stand takes up the head from which the log goes on. A place whose own head
// cannot be read has none from now on: those of the others have shown all that
// was published.
func (l *Log) stand(ctx context.Context, head journal.Head, t *tree) error {
	for _, p := range l.places {
		if !p.free() || !p.known || !p.fresh && l.head.Log == head.Log {
			continue
		}
		raw, size := p.heads[head.Log], uint64(0)
		if raw != nil {
			c, err := l.o.Key.Open(raw)
			if err != nil || logName(c.Origin) != head.Log {
				l.o.Log.Warn("a replica's copy of the transparency log's head is damaged and is made anew", "replica", p.name)
				if p.err = p.objects.DeleteObjects(ctx, []string{headName(head.Log)}); p.err != nil {
					p.forget()
					continue
				}
				raw, p.heads[head.Log] = nil, nil
			}
			size = c.Size
		}
		p.stands(raw, size)
	}
	l.head, l.tree, l.doubt = head, t, false
	origin := l.o.Name + originPart + head.Log
	if head.Size > 0 && head.Origin != origin {
		l.o.Log.Warn("the host's public name is another one: the transparency log has another origin from now on", "origin", origin, "was", head.Origin)
	}
	l.mu.Lock()
	l.state.Origin, l.state.Note = origin, head.Why
	l.mu.Unlock()
	return nil
}
