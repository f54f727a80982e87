// Package feed follows the journal for many subscribers at once. One reader
// takes each committed event and its record once, while anybody listens; the
// newest are held in memory, and every subscriber walks over them at its own
// pace. What is older a subscriber reads from the journal, a page at a time.
package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Errors that end a subscription.
var (
	// ErrBehind: the subscriber was too slow, and what it would need next is no
	// longer held. It may subscribe again from where it stopped.
	ErrBehind = errors.New("feed: the subscriber is too far behind")
	// ErrReordered: the journal's order has another epoch than the subscription.
	ErrReordered = errors.New("feed: the order of the events is another one")
	// ErrClosed: the feed was closed.
	ErrClosed = errors.New("feed: closed")
)

// A Journal is what is followed.
type Journal interface {
	journal.Finder
	Walk(ctx context.Context, f journal.Filter) (journal.Stretch, error)
	Last(ctx context.Context) (uint64, error)
	Epoch() string
}

// A Reader finds records.
type Reader interface {
	Events(ctx context.Context, hs []digest.Hash) iter.Seq2[module.Verified, error]
}

// An Item is one event as subscribers get it, or a range of events that the
// journal cannot read, of which the Entry has nothing but the last number. It is
// shared by all of them and must not be changed.
type Item struct {
	Entry   journal.Entry
	Damaged bool
	Data    []byte // what Options.Encode or Options.Damaged made of it
}

// Options say what is followed and how much is held. Journal, Reader, Encode
// and Damaged are needed.
type Options struct {
	Journal Journal
	Reader  Reader
	// Encode makes of an event what is handed to subscribers, once for all of
	// them: e's number is of the order that epoch names, and err says why there
	// is no record.
	Encode func(epoch string, e *journal.Entry, v module.Verified, err error) []byte
	// Damaged makes of a range of events what subscribers are handed in their
	// place, whatever they chose.
	Damaged func(epoch string, d journal.Damage) []byte
	// Events and Bytes bound what is held of the newest events; one alone may be
	// larger. 0: 8192 and 32 MiB.
	Events, Bytes int
	// Patience is how long a record that cannot be had just now is waited for,
	// with everything behind it. 0: 10 s.
	Patience time.Duration
	Log      *slog.Logger // nil: slog.Default()
}

const (
	page      = 256                  // entries that are read at once
	pageBytes = 4 << 20              // and what their records may come to, one large event excepted
	firstRead = 4                    // records that are asked for at first, before it is known how large they are
	readers   = 8                    // subscribers that read the journal at once
	pace      = 3 * time.Millisecond // between two publications at least: each wakes every subscriber
)

// A Feed is safe for concurrent use.
type Feed struct {
	o       Options
	reading chan struct{} // one for each subscriber that reads the journal
	ctx     context.Context
	stop    context.CancelFunc
	done    chan struct{}

	mu          sync.Mutex
	subscribers int
	wake        chan struct{} // holds one: somebody listens
	changed     chan struct{} // closed and replaced by every publication
	held        []*Item       // the newest events, without a gap
	bytes       int
	epoch       string // of the order that they are held in
	next        uint64 // sequence after the last held; 0: nobody listened, nothing is known
	closed      bool
}

// New starts a feed. The caller closes it.
func New(o Options) *Feed {
	o.Events = cmp.Or(o.Events, 8192)
	o.Bytes = cmp.Or(o.Bytes, 32<<20)
	o.Patience = cmp.Or(o.Patience, 10*time.Second)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	f := &Feed{o: o, reading: make(chan struct{}, readers), done: make(chan struct{}), wake: make(chan struct{}, 1), changed: make(chan struct{})}
	f.ctx, f.stop = context.WithCancel(context.Background())
	go f.run()
	return f
}

// Close ends every subscription with ErrClosed.
func (f *Feed) Close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.changed)
	}
	f.mu.Unlock()
	f.stop()
	<-f.done
}

// Subscribers returns how many there are.
func (f *Feed) Subscribers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.subscribers
}

// run publishes what the journal admits, while there are subscribers.
func (f *Feed) run() {
	defer close(f.done)
	for f.ctx.Err() == nil {
		select {
		case <-f.wake:
		case <-f.ctx.Done():
			return
		}
		if err := f.follow(); err != nil && f.ctx.Err() == nil {
			f.o.Log.Error("the journal cannot be followed", "error", err)
			select {
			case <-time.After(time.Second):
			case <-f.ctx.Done():
			}
			f.nudge()
		}
	}
}

func (f *Feed) nudge() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// follow reads until nobody listens any more, or the order is another one.
func (f *Feed) follow() error {
	epoch := f.o.Journal.Epoch()
	f.mu.Lock()
	if f.epoch != epoch {
		f.forget()
		f.epoch = epoch
	}
	next := f.next
	f.mu.Unlock()
	if next == 0 {
		last, err := f.o.Journal.Last(f.ctx)
		if err != nil {
			return err
		}
		next = last + 1
		f.mu.Lock()
		f.next = next
		f.mu.Unlock()
		f.publish(nil) // subscribers know now up to where they have to read themselves, or that theirs is another order
	}
	for {
		if f.idle() {
			return nil
		}
		if f.o.Journal.Epoch() != epoch {
			f.nudge()
			return nil
		}
		// Not for ever: somebody has to notice that the last subscriber left.
		ctx, cancel := context.WithTimeout(f.ctx, time.Second)
		err := f.o.Journal.Wait(ctx, next-1)
		cancel()
		if errors.Is(err, context.DeadlineExceeded) && f.ctx.Err() == nil {
			continue
		}
		if err != nil {
			return err
		}
		began := time.Now()
		found, err := f.o.Journal.Walk(f.ctx, journal.Filter{After: next - 1, Before: next + page, Limit: page})
		if err != nil {
			return err
		}
		found.Damaged = single(found.Damaged) // what is held is found by its number
		items, err := f.items(f.ctx, epoch, found.Entries, pageBytes)
		if err != nil {
			return err
		}
		items = f.between(epoch, &found, items)
		for i, it := range items {
			if it.Entry.Sequence != next+uint64(i) {
				return fmt.Errorf("feed: the journal goes from event %d to %d", next+uint64(i)-1, it.Entry.Sequence)
			}
		}
		f.publish(items)
		next += uint64(len(items))
		select {
		case <-time.After(pace - min(pace, time.Since(began))):
		case <-f.ctx.Done():
		}
	}
}

// idle forgets what is held when nobody listens: it would go stale.
func (f *Feed) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.subscribers > 0 {
		return false
	}
	f.forget()
	return true
}

func (f *Feed) forget() { f.held, f.bytes, f.next = nil, 0, 0 }

// items reads the records of entries, or of the first of them: what it made
// comes to most bytes, or is one event. A record that cannot be had for a
// passing reason is waited for up to Patience and then told without its record:
// an event must not hold up all that follow.
func (f *Feed) items(ctx context.Context, epoch string, entries []journal.Entry, most int) ([]*Item, error) {
	items := make([]*Item, 0, len(entries))
	size, step := 0, firstRead
	for until := time.Now().Add(f.o.Patience); len(items) < len(entries); step = min(2*step, page) {
		rest := entries[len(items):]
		rest = rest[:min(step, len(rest))]
		hs := make([]digest.Hash, len(rest))
		for i := range rest {
			hs[i] = rest[i].Hash
		}
		i := 0
		var failed error
		for v, err := range f.o.Reader.Events(ctx, hs) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil && passing(err) && time.Now().Before(until) {
				failed = err
				break
			}
			if err != nil {
				f.o.Log.Warn("an event cannot be read", "hash", hs[i].String(), "error", err)
			}
			it := &Item{Entry: rest[i], Data: f.o.Encode(epoch, &rest[i], v, err)}
			if size += len(it.Data); size > most && len(items) > 0 {
				return items, nil
			}
			items = append(items, it)
			i++
		}
		switch {
		case failed != nil:
			select {
			case <-time.After(200 * time.Millisecond):
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case i < len(rest):
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return nil, fmt.Errorf("feed: the reader gave %d answers for %d events", i, len(rest))
		}
	}
	return items, nil
}

// between puts what is damaged between the items of the first entries, up to
// the last of them; behind it, too, where there are no more entries.
func (f *Feed) between(epoch string, found *journal.Stretch, items []*Item) []*Item {
	if len(found.Damaged) == 0 {
		return items
	}
	var out []*Item
	short := len(items) < len(found.Entries)
	for e, damage := range found.Ascending() {
		switch {
		case short && len(items) == 0:
			return out
		case e != nil:
			out, items = append(out, items[0]), items[1:]
		default:
			f.o.Log.Warn("a stream goes past what cannot be read in the journal", "damage", damage.String())
			out = append(out, &Item{Entry: journal.Entry{Sequence: damage.To}, Damaged: true, Data: f.o.Damaged(epoch, damage)})
		}
	}
	return out
}

// single cuts ranges into single events.
func single(ds []journal.Damage) (out []journal.Damage) {
	for _, d := range ds {
		for n := d.From; n <= d.To; n++ {
			out = append(out, journal.Damage{From: n, To: n, Err: d.Err})
		}
	}
	return out
}

// publish hands items to all subscribers.
func (f *Feed) publish(items []*Item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	for _, it := range items {
		f.held = append(f.held, it)
		f.bytes += len(it.Data)
		f.next = it.Entry.Sequence + 1
	}
	drop := 0
	for len(f.held)-drop > f.o.Events || (f.bytes > f.o.Bytes && len(f.held)-drop > 1) {
		f.bytes -= len(f.held[drop].Data)
		drop++
	}
	if drop > 0 {
		// Subscribers hold slices of the old array; a new one lets go of what was dropped.
		f.held = slices.Clone(f.held[drop:])
	}
	close(f.changed)
	f.changed = make(chan struct{})
}
