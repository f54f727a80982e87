package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/tile"
)

// An Audited place says how its objects of the log were found.
type Audited struct {
	Replica     string `json:"replica"`
	Objects     uint64 `json:"objects"`     // looked at
	Missing     uint64 `json:"missing"`     // not there
	Damaged     uint64 `json:"damaged"`     // other bytes than the log's
	Unreachable uint64 `json:"unreachable"` // not read: the place failed
	Repaired    uint64 `json:"repaired"`
	Failed      uint64 `json:"failed"` // repairs that failed
}

// Clean reports whether everything was there and good.
func (a Audited) Clean() bool { return a.Missing+a.Damaged+a.Unreachable == 0 }

// AuditOptions say what is looked at. Journal and Places are needed.
type AuditOptions struct {
	Journal  journal.Logged
	Places   []replica.Place
	ReadOnly bool         // nothing is repaired
	Rate     float64      // objects a second and place at most; 0: as fast as it can
	Log      *slog.Logger // nil: slog.Default()
}

// auditAtOnce is how many objects of a place are read at a time.
const auditAtOnce = 16

// Audit compares everything that counting places should hold of the log, as far
// as each one's own head goes, with what the journal says, and puts what is
// missing or damaged. Partial tiles whose full ones are there are removed. It may
// run beside a Log on the same journal, and without one.
//
// Places that fail are reported; an error means that the journal failed, or that
// its events are not those of the log: then nothing is repaired.
func Audit(ctx context.Context, o AuditOptions) ([]Audited, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	head, err := o.Journal.Head(ctx)
	if err != nil || head.Size == 0 {
		return nil, err
	}
	c, err := textOf(head.Checkpoint)
	if err != nil {
		return nil, err
	}
	edge, err := read(o.Journal, head.Size).tree(ctx)
	if err != nil {
		return nil, err
	}
	if edge.root() != c.Root {
		return nil, errDiffers
	}
	var audits []*audit
	var wg sync.WaitGroup
	for _, p := range o.Places {
		objects, ok := replica.As[replica.Objects](p.Replica)
		if !ok || !p.Counts {
			continue
		}
		a := &audit{AuditOptions: o, objects: objects, head: head, edge: edge}
		a.found.Replica = p.Name
		audits = append(audits, a)
		wg.Go(func() { a.err = a.run(ctx) })
	}
	wg.Wait()
	var found []Audited
	for _, a := range audits {
		found = append(found, a.found)
		err = errors.Join(err, a.err)
	}
	if err == nil {
		err = ctx.Err()
	}
	return found, err
}

// textOf reads a head that needs no proof: the journal's own.
func textOf(signed []byte) (checkpoint.Checkpoint, error) {
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	return checkpoint.ParseText(string(text) + "\n")
}

// An audit is of one place.
type audit struct {
	AuditOptions
	objects replica.Objects
	head    journal.Head
	edge    *tree
	found   Audited
	err     error
	due     time.Time
}

// run audits what the place's own head covers; all that the journal's does
// where the place's is missing or damaged, which is put at the end then.
func (a *audit) run(ctx context.Context) error {
	name, size := headName(a.head.Log), a.head.Size
	raw, err := a.objects.GetObject(ctx, name)
	a.found.Objects++
	none := errors.Is(err, replica.ErrNotFound)
	switch {
	case none:
		a.found.Missing++
	case errors.Is(err, replica.ErrCorrupt):
		a.found.Damaged++
	case err != nil:
		a.found.Unreachable++
		return nil
	default:
		c, err := textOf(raw)
		if err != nil || logName(c.Origin) != a.head.Log {
			a.found.Damaged++
			raw = nil
		} else if size = min(c.Size, size); c.Size > a.head.Size {
			return fmt.Errorf("log: replica %s holds a head of %d events and the journal has one of %d", a.found.Replica, c.Size, a.head.Size)
		}
	}
	if err := a.walk(ctx, size, raw); err != nil {
		return err
	}
	if a.ReadOnly || a.found.Unreachable+a.found.Failed > 0 {
		return nil
	}
	if raw == nil {
		if !none {
			if err := a.objects.DeleteObjects(ctx, []string{name}); err != nil {
				a.found.Failed++
				return nil
			}
		}
		a.count(a.objects.SwapObject(ctx, name, nil, a.head.Checkpoint), name)
	}
	a.sweep(ctx, size)
	return nil
}

func (a *audit) count(err error, name string) {
	if err != nil {
		a.found.Failed++
		a.Log.Warn("an object of the transparency log could not be repaired", "replica", a.found.Replica, "object", name, "error", err)
		return
	}
	a.found.Repaired++
}

// walk looks at the tiles and bundles of the tree of a size.
func (a *audit) walk(ctx context.Context, size uint64, head []byte) error {
	for level := 0; size>>(8*level) > 0; level++ {
		nodes := size >> (8 * level)
		for n := uint64(0); n*tile.Width < nodes; n += auditAtOnce / 2 {
			r := read(a.Journal, a.head.Size)
			var sheets []sheet
			for k := n; k < n+auditAtOnce/2 && k*tile.Width < nodes; k++ {
				s, err := r.sheet(ctx, level, k)
				if err != nil {
					return err
				}
				if err := r.check(ctx, a.edge, s); err != nil {
					return err
				}
				if w := int(min(tile.Width, nodes-k*tile.Width)); w < s.name.Width { // the place is behind
					s.name.Width, s.hashes = w, s.hashes[:w]
					if level == 0 {
						s.entries = s.entries[:w]
					}
				}
				sheets = append(sheets, s)
			}
			if err := a.compare(ctx, sheets, head); err != nil || a.found.Unreachable > 0 {
				return err
			}
		}
	}
	return nil
}

// compare reads what the place has of sheets, and repairs it.
func (a *audit) compare(ctx context.Context, sheets []sheet, head []byte) error {
	var want []replica.Object
	var of []sheet
	for o, s := range objects(a.head.Log, sheets) {
		want, of = append(want, o), append(of, s)
	}
	if err := a.pace(ctx, len(want)); err != nil {
		return err
	}
	got, errs := make([][]byte, len(want)), make([]error, len(want))
	var wg sync.WaitGroup
	for i, o := range want {
		wg.Go(func() { got[i], errs[i] = a.objects.GetObject(ctx, o.Name) })
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, o := range want {
		a.found.Objects++
		missing := errors.Is(errs[i], replica.ErrNotFound)
		switch {
		case errs[i] == nil && bytes.Equal(got[i], o.Data):
			continue
		case missing:
			if of[i].name.Width < tile.Width && a.moved(ctx, head) {
				continue // it is full by now
			}
			a.found.Missing++
		case errs[i] == nil, errors.Is(errs[i], replica.ErrCorrupt):
			a.found.Damaged++
		default:
			a.found.Unreachable++
			return nil
		}
		if a.ReadOnly {
			continue
		}
		var err error
		if !missing {
			err = a.objects.DeleteObjects(ctx, []string{o.Name})
		}
		if err == nil {
			err = a.objects.PutObjects(ctx, []replica.Object{o})[0]
		}
		a.count(err, o.Name)
	}
	return nil
}

// moved reports whether the place has another head than it had.
func (a *audit) moved(ctx context.Context, head []byte) bool {
	now, err := a.objects.GetObject(ctx, headName(a.head.Log))
	return err == nil && !bytes.Equal(now, head)
}

// sweep removes partial tiles whose full ones the place has, which attempts have
// left that were cut short.
func (a *audit) sweep(ctx context.Context, size uint64) {
	prefix := objectPrefix + a.head.Log + "/"
	var old []string
	for name, err := range a.objects.ListObjects(ctx, prefix+"tile/") {
		if err != nil {
			return
		}
		n, err := tile.ParsePath(strings.TrimPrefix(name, prefix))
		if err == nil && n.Width < tile.Width && (n.Number+1)*tile.Width <= size>>(8*max(0, n.Level)) {
			old = append(old, name)
		}
	}
	for len(old) > 0 {
		n := min(len(old), putObjects)
		if a.objects.DeleteObjects(ctx, old[:n]) != nil {
			return
		}
		old = old[n:]
	}
}

// pace waits until so many more objects may be looked at.
func (a *audit) pace(ctx context.Context, n int) error {
	if a.Rate <= 0 {
		return ctx.Err()
	}
	wait := time.NewTimer(time.Until(a.due))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	a.due = time.Now().Add(time.Duration(float64(n) / a.Rate * float64(time.Second)))
	return nil
}
