package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/tile"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A place gets the log's objects, and then the head that covers them: the head
// that it holds says how far it has come.
type place struct {
	name    string
	objects replica.Objects

	// While task is open, what follows is its own; then the one goroutine's that publishes.
	task    chan struct{}
	known   bool              // heads is what the place holds
	listed  bool              // and of all logs
	fresh   bool              // it was not known before
	heads   map[string][]byte // by the log's name; of the present log, and of all others where those were asked for
	raw     []byte            // the present log's head there; nil: none
	base    uint64            // its size
	have    uint64            // everything up to this size was put; beyond base perhaps full tiles alone
	partial []tile.Name       // partial ones that were put
	err     error             // of the last attempt
}

// free reports whether no task is under way.
func (p *place) free() bool {
	select {
	case <-p.task:
		p.task = nil
	default:
	}
	return p.task == nil
}

// forget: what the place holds has to be read again.
func (p *place) forget() { p.known, p.listed, p.raw, p.heads = false, false, nil, nil }

// lacks returns how many leaves of a tree of this size the place lacks.
func (p *place) lacks(size uint64) uint64 { return size - min(size, p.have) }

const objectPrefix = "log/"

func headName(log string) string { return objectPrefix + log + "/checkpoint" }

// look reads the head of a log, or with "" those of all logs. What is no head by
// this key is kept as it is; what is damaged is told as an empty one.
func (p *place) look(ctx context.Context, log string) error {
	names := []string{headName(log)}
	if log == "" {
		names = nil
		for name, err := range p.objects.ListObjects(ctx, objectPrefix) {
			if err != nil {
				return err
			}
			if of, ok := strings.CutSuffix(strings.TrimPrefix(name, objectPrefix), "/checkpoint"); ok && isName(of) {
				names = append(names, name)
			}
		}
	}
	heads := map[string][]byte{}
	for _, name := range names {
		of := strings.TrimSuffix(strings.TrimPrefix(name, objectPrefix), "/checkpoint")
		raw, err := p.objects.GetObject(ctx, name)
		switch {
		case errors.Is(err, replica.ErrNotFound):
		case errors.Is(err, replica.ErrCorrupt):
			heads[of] = []byte{}
		case err != nil:
			return err
		default:
			heads[of] = raw
		}
	}
	p.heads, p.known, p.listed, p.fresh = heads, true, log == "", true
	return nil
}

// Bounds of what is put at once, and of what one head covers more than the last
// one, or a place lacks, while others wait for it.
const (
	putObjects = 128
	chunk      = tile.Width * tile.Width
)

// objects yields what places keep of sheets.
func objects(log string, sheets []sheet) iter.Seq2[replica.Object, sheet] {
	return func(yield func(replica.Object, sheet) bool) {
		for _, s := range sheets {
			if s.name.Level == 0 {
				bundle := s.name
				bundle.Level = tile.Entries
				if !yield(replica.Object{Name: objectName(log, bundle), Data: tile.AppendEntries(nil, s.entries)}, s) {
					return
				}
			}
			if !yield(replica.Object{Name: objectName(log, s.name), Data: join(s.hashes)}, s) {
				return
			}
		}
	}
}

func objectName(log string, n tile.Name) string { return objectPrefix + log + "/" + n.Path() }

func join(hs []digest.Hash) []byte {
	b := make([]byte, 0, len(hs)*digest.Size)
	for i := range hs {
		b = append(b, hs[i][:]...)
	}
	return b
}

// put puts sheets. Where a place holds something else under a name, settle says
// with nil that it is to give way.
func (p *place) put(ctx context.Context, log string, sheets []sheet, settle func(sheet) error) error {
	var os []replica.Object
	var of []sheet
	flush := func() error {
		errs := p.objects.PutObjects(ctx, os)
		if len(errs) != len(os) {
			return errors.New("the replica did not answer for every object")
		}
		for i, err := range errs {
			if errors.Is(err, replica.ErrConflict) {
				err = p.displace(ctx, os[i], of[i], settle)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", os[i].Name, err)
			}
		}
		os, of = os[:0], of[:0]
		return nil
	}
	for o, s := range objects(log, sheets) {
		if os, of = append(os, o), append(of, s); len(os) == putObjects {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if len(os) > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	for _, s := range sheets {
		if s.name.Width < tile.Width {
			p.partial = append(p.partial, s.name)
		}
	}
	return nil
}

func (p *place) displace(ctx context.Context, o replica.Object, s sheet, settle func(sheet) error) error {
	if err := settle(s); err != nil {
		return err
	}
	if err := p.objects.DeleteObjects(ctx, []string{o.Name}); err != nil {
		return err
	}
	return p.objects.PutObjects(ctx, []replica.Object{o})[0]
}

// fill puts all of the tree up to r's size that the place lacks, in chunks.
func (p *place) fill(ctx context.Context, j Journal, log string, size uint64, settle func(sheet) error) error {
	for p.have < size {
		to := min(size, (p.have/chunk+1)*chunk)
		r := read(j, size)
		var sheets []sheet
		for level := 0; to>>(8*level) > 0; level++ {
			lo, hi := p.have>>(8*level), to>>(8*level)
			for n := lo / tile.Width; n < hi/tile.Width; n++ {
				s, err := r.sheet(ctx, level, n)
				if err != nil {
					return err
				}
				sheets = append(sheets, s)
			}
			if to == size && p.base>>(8*level) != hi && hi%tile.Width > 0 {
				s, err := r.sheet(ctx, level, hi/tile.Width)
				if err != nil {
					return err
				}
				sheets = append(sheets, s)
			}
		}
		if err := p.put(ctx, log, sheets, settle); err != nil {
			return err
		}
		p.have = to
	}
	return nil
}

// swap makes head the place's, whose objects it has all, and removes partial
// tiles that are full now (C2SP tlog-tiles: not before).
func (p *place) swap(ctx context.Context, log string, head []byte, size uint64) error {
	if !bytes.Equal(p.raw, head) {
		if err := p.objects.SwapObject(ctx, headName(log), p.raw, head); err != nil {
			p.forget() // whether it took effect is not known
			return err
		}
		p.raw, p.base, p.heads[log] = head, size, head
	}
	var old []string
	var kept []tile.Name
	for _, n := range p.partial {
		if (n.Number+1)*tile.Width > size>>(8*n.Level) {
			kept = append(kept, n)
			continue
		}
		old = append(old, objectName(log, n))
		if n.Level == 0 {
			n.Level = tile.Entries
			old = append(old, objectName(log, n))
		}
	}
	p.partial = kept
	if len(old) > 0 {
		_ = p.objects.DeleteObjects(ctx, old) // a scrub finds what stays
	}
	return nil
}

// stands notes which head of the log the place holds.
func (p *place) stands(raw []byte, size uint64) {
	p.raw, p.base, p.have, p.partial, p.fresh = raw, size, size, nil, false
	for level := 0; size>>(8*level) > 0; level++ {
		if n := size >> (8 * level); n%tile.Width > 0 {
			p.partial = append(p.partial, tile.Name{Level: level, Number: n / tile.Width, Width: int(n % tile.Width)})
		}
	}
}
