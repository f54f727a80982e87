package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/tile"
)

// run publishes until ctx ends.
func (l *Log) run(ctx context.Context) {
	defer l.tasks.Wait()
	for ctx.Err() == nil {
		begun := time.Now()
		if l.round(ctx) {
			continue // the log is behind
		}
		l.pause(ctx, begun)
	}
}

// pause waits for new events, or where something is left to be done for a
// moment, and never less than Every from begun.
func (l *Log) pause(ctx context.Context, begun time.Time) {
	if !l.unfinished() {
		_ = l.o.Journal.Wait(ctx, l.head.Size)
	}
	t := time.NewTimer(time.Until(begun.Add(l.o.Every)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// unfinished reports whether there is something to do without new events.
func (l *Log) unfinished() bool {
	l.mu.Lock()
	state := l.state.State
	l.mu.Unlock()
	if state != Publishing || l.doubt {
		return true
	}
	if s := l.now(); s != nil && s.cosigned < len(l.o.Cosigners) {
		return true
	}
	for _, p := range l.places {
		if !p.free() || !bytes.Equal(p.raw, l.head.Checkpoint) {
			return true
		}
	}
	return false
}

// round does what there is to do; more: and there is more.
func (l *Log) round(ctx context.Context) (more bool) {
	l.mu.Lock()
	stopped := l.state.State == Stopped
	l.mu.Unlock()
	if stopped {
		return false
	}
	more, err := l.step(ctx)
	var h *halt
	switch {
	case err == nil:
		l.become(Publishing, "")
	case ctx.Err() != nil:
	case errors.As(err, &h):
		l.become(h.state, h.why)
	case errors.Is(err, errDiffers):
		l.become(Stopped, contradicted(err))
	default:
		l.doubt = true // what of it took effect is not known
		l.become(Waiting, err.Error())
	}
	return more && err == nil
}

func (l *Log) step(ctx context.Context) (more bool, err error) {
	if l.doubt {
		if err := l.settle(ctx); err != nil {
			return false, err
		}
	}
	if l.head.Size > 0 {
		if err := l.spread(ctx, true); err != nil {
			return false, err
		}
	}
	last, err := l.o.Journal.Last(ctx)
	if err != nil {
		return false, err
	}
	size := min(last, l.head.Size+chunk)
	if size == l.head.Size && (size == 0 || l.head.Origin == l.Origin()) {
		return false, nil
	}
	return last > size, l.publish(ctx, size, last == size)
}

// publish makes the head of the tree of a size, and publishes it. At each point
// the process may end: then what was put is put again, a head that is in the
// journal alone is published by the next one, and one that no journal has was
// seen by nobody.
func (l *Log) publish(ctx context.Context, size uint64, whole bool) error {
	begun := time.Now()
	entries, err := hashes(ctx, l.o.Journal, l.head.Size, int(size-l.head.Size))
	if err != nil {
		return err
	}
	t := l.tree.clone()
	sheets := t.extend(entries)

	// Everything that the head covers is in enough places …
	var near []*place
	for _, p := range l.places {
		if p.free() && p.known && p.lacks(l.head.Size) <= chunk {
			near = append(near, p)
		}
	}
	was, settle := l.head, l.settler(l.head, l.tree)
	done := l.each(ctx, near, l.o.MinRedundancy, func(ctx context.Context, p *place) error {
		if err := p.fill(ctx, l.o.Journal, was.Log, was.Size, settle); err != nil {
			return err
		}
		if err := p.put(ctx, was.Log, sheets, settle); err != nil {
			return err
		}
		p.have = size
		return nil
	})
	if err := l.grave(); err != nil {
		return err
	}
	if done < l.o.MinRedundancy {
		return l.short("have the tiles", done)
	}

	// … before it is signed, it is the journal's before anybody sees it …
	c := checkpoint.Checkpoint{Origin: l.Origin(), Size: size, Root: t.root()}
	signed, err := l.o.Key.sign(ctx, c)
	if err != nil {
		return err
	}
	now := journal.Head{Log: was.Log, Origin: c.Origin, Size: size, Checkpoint: signed}
	var tiles []journal.Tile
	for _, s := range sheets {
		if s.name.Level > 0 {
			tiles = append(tiles, journal.Tile{Level: s.name.Level, Number: s.name.Number, Hashes: join(s.hashes)})
		}
	}
	if err := l.o.Journal.SwapHead(ctx, was, now, tiles); err != nil {
		return err
	}
	l.head, l.tree = now, t

	// … and in enough places before it is served.
	if err := l.spread(ctx, whole); err != nil {
		return err
	}
	l.metrics.seconds.Observe(time.Since(begun).Seconds())
	return nil
}

// spread gives the head to the places that do not have it, and serves it once
// enough have. Places that lack much get that beside it.
func (l *Log) spread(ctx context.Context, whole bool) error {
	head, settle := l.head, l.settler(l.head, l.tree)
	var near []*place
	have := 0
	for _, p := range l.places {
		switch {
		case !p.free():
		case !p.known:
			l.doubt = true // the next round asks it
		case bytes.Equal(p.raw, head.Checkpoint):
			have++
		case p.lacks(head.Size) > chunk:
			l.start(ctx, p, nil, func(ctx context.Context, p *place) error {
				return p.fill(ctx, l.o.Journal, head.Log, head.Size, settle)
			})
		default:
			near = append(near, p)
		}
	}
	have += l.each(ctx, near, l.o.MinRedundancy-have, func(ctx context.Context, p *place) error {
		if err := p.fill(ctx, l.o.Journal, head.Log, head.Size, settle); err != nil {
			return err
		}
		return p.swap(ctx, head.Log, head.Checkpoint, head.Size)
	})
	if err := l.grave(); err != nil {
		return err
	}
	if have < l.o.MinRedundancy {
		return l.short("hold the head", have)
	}
	return l.serve(ctx, whole)
}

// grave returns what a place has found that all others have to wait for.
func (l *Log) grave() error {
	for _, p := range l.places {
		switch {
		case !p.free():
		case errors.Is(p.err, errDiffers):
			return p.err
		case errors.Is(p.err, replica.ErrConflict):
			// Somebody else has put a head there: nothing goes on before it was judged.
			l.doubt = true
			return &halt{Waiting, fmt.Sprintf("replica %s holds something else than what was put there last", p.name)}
		}
	}
	return nil
}

// short is why nothing goes on with so few places.
func (l *Log) short(what string, have int) error {
	var others []string
	for _, p := range l.places {
		switch {
		case !p.free():
			others = append(others, p.name+" is being filled")
		case p.err != nil:
			others = append(others, fmt.Sprintf("%s: %v", p.name, p.err))
		}
	}
	why := fmt.Sprintf("%d of %d counting replicas %s, and min_redundancy asks for %d", have, len(l.places), what, l.o.MinRedundancy)
	if len(others) > 0 {
		why += "; " + strings.Join(others, "; ")
	}
	return &halt{Waiting, why}
}

// settler decides about what a place holds under the name of a sheet and is not
// the sheet. Beyond every head it is of an attempt that never came to one, by a
// journal that was put back since; beneath one it is damaged, if the sheet
// leads to that head.
func (l *Log) settler(head journal.Head, edge *tree) func(sheet) error {
	return func(s sheet) error {
		if (s.name.Number*tile.Width+uint64(s.name.Width))<<(8*s.name.Level) > head.Size {
			l.o.Log.Warn("a replica holds a tile that no head of the transparency log covers; it is replaced", "tile", s.name.Path())
			return nil
		}
		if err := read(l.o.Journal, head.Size).check(context.Background(), edge, s); err != nil {
			return err
		}
		l.o.Log.Warn("a replica holds a tile of the transparency log that is damaged; it is replaced", "tile", s.name.Path())
		return nil
	}
}

// start has a free place work, beside everything else. outcome, where it is not
// nil, is told how it went.
func (l *Log) start(ctx context.Context, p *place, outcome chan<- error, work func(context.Context, *place) error) {
	task := make(chan struct{})
	p.task = task
	l.tasks.Go(func() {
		p.err = work(ctx, p)
		err := p.err
		close(task)
		if outcome != nil {
			outcome <- err
		}
	})
}

// each has places work, all at once, and returns how many did without an error.
// When there are enough of those it waits a moment for the others, which go on
// beside everything else.
func (l *Log) each(ctx context.Context, ps []*place, enough int, work func(context.Context, *place) error) (done int) {
	outcomes := make(chan error, len(ps))
	for _, p := range ps {
		l.start(ctx, p, outcomes, work)
	}
	var late <-chan time.Time
	if enough <= 0 {
		late = time.After(l.o.Every)
	}
	for range ps {
		select {
		case err := <-outcomes:
			if err == nil {
				done++
			}
			if done == enough {
				late = time.After(l.o.Every)
			}
		case <-late:
			return done
		}
	}
	return done
}
