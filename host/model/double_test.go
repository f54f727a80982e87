package model

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A double is one host's way to a site that is no folder. It has the powers that
// every kind has.
type double struct {
	*site
	gate *gate
	ttl  time.Duration // of what Put stores; 0: for ever
}

// The kinds differ in their further powers.
type (
	bucket struct{ *double }
	redis  struct{ *double }
	node   struct{ *double }
)

const cacheTTL = 7 * 24 * time.Hour

// connect returns a host's replica at a double.
func (s *site) connect(g *gate) replica.Replica {
	d := &double{site: s, gate: g}
	switch s.kind {
	case "redis":
		if !s.counts {
			d.ttl = cacheTTL
		}
		return redis{d}
	case "ipfs":
		return node{d}
	}
	return bucket{d}
}

func (d *double) location(h digest.Hash) string { return d.kind + ":" + h.String() }

// Put implements replica.Replica.
func (d *double) Put(ctx context.Context, v module.Verified) (string, error) {
	before, after := d.enter(ctx, d.gate)
	if before != nil {
		return "", before
	}
	if err := d.site.put(v.Hash(), v.Record(), d.ttl); err != nil {
		return "", err
	}
	if after == nil {
		after = d.gate.pass()
	}
	return d.location(v.Hash()), after
}

// Get implements replica.Replica.
func (d *double) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	before, after := d.enter(ctx, d.gate)
	if before != nil || after != nil {
		return nil, cmpErr(before, after)
	}
	return d.site.get(ref.Hash)
}

func cmpErr(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// Delete implements replica.Replica.
func (d *double) Delete(ctx context.Context, ref replica.Ref) error {
	before, after := d.enter(ctx, d.gate)
	if before != nil {
		return before
	}
	d.mu.Lock()
	delete(d.box.copies, ref.Hash)
	d.mu.Unlock()
	return cmpErr(after, d.gate.pass())
}

// Check implements replica.Replica.
func (d *double) Check(ctx context.Context) error {
	before, after := d.enter(ctx, d.gate)
	return cmpErr(before, after)
}

// Identity implements replica.Identified. A node finds an id only among those that are known.
func (d *double) Identity(ctx context.Context, known []string) (string, error) {
	before, after := d.enter(ctx, d.gate)
	if err := cmpErr(before, after); err != nil {
		return "", err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kind != "ipfs" {
		return d.box.id, nil
	}
	for _, id := range known {
		if id == d.box.id {
			return id, nil
		}
	}
	return "", nil
}

// Identify implements replica.Identified.
func (d *double) Identify(ctx context.Context, id string) error {
	before, after := d.enter(ctx, d.gate)
	if before != nil {
		return before
	}
	d.mu.Lock()
	switch d.mood {
	case full:
		after = fmt.Errorf("model: %w", replica.ErrFull)
	case lying:
	default:
		d.box.id = id
	}
	d.mu.Unlock()
	return cmpErr(after, d.gate.pass())
}

// mark and setMark are what replica.Marked asks for, of kinds that have it.
func (d *double) mark(ctx context.Context, name string) (string, error) {
	before, after := d.enter(ctx, d.gate)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.box.marks[name], cmpErr(before, after)
}

func (d *double) setMark(ctx context.Context, name, text string) error {
	before, after := d.enter(ctx, d.gate)
	if before != nil {
		return before
	}
	d.mu.Lock()
	switch d.mood {
	case full:
		after = fmt.Errorf("model: %w", replica.ErrFull)
	case lying:
	default:
		d.box.marks[name] = text
	}
	d.mu.Unlock()
	return cmpErr(after, d.gate.pass())
}

// List implements replica.Lister.
func (d *double) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		before, after := d.enter(ctx, d.gate)
		if before != nil {
			yield(replica.Ref{}, before)
			return
		}
		for _, h := range d.hashes() {
			if err := ctx.Err(); err != nil {
				after = err
				break
			}
			if !yield(replica.Ref{Hash: h, Location: d.location(h)}, nil) {
				return
			}
		}
		if after != nil {
			yield(replica.Ref{}, after)
		}
	}
}

// putBatch is one call for all of vs.
func (d *double) putBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	out := make([]replica.Outcome, len(vs))
	before, after := d.enter(ctx, d.gate)
	for i, v := range vs {
		switch {
		case before != nil:
			out[i].Err = before
		default:
			out[i] = replica.Outcome{Location: d.location(v.Hash()), Err: d.site.put(v.Hash(), v.Record(), d.ttl)}
		}
	}
	if before != nil {
		return out
	}
	if after = cmpErr(after, d.gate.pass()); after != nil {
		for i := range out {
			out[i] = replica.Outcome{Err: after}
		}
	}
	return out
}

// Mark implements replica.Marked.
func (r redis) Mark(ctx context.Context, name string) (string, error) { return r.mark(ctx, name) }

// SetMark implements replica.Marked.
func (r redis) SetMark(ctx context.Context, name, text string) error {
	return r.setMark(ctx, name, text)
}

// Mark implements replica.Marked.
func (b bucket) Mark(ctx context.Context, name string) (string, error) { return b.mark(ctx, name) }

// SetMark implements replica.Marked.
func (b bucket) SetMark(ctx context.Context, name, text string) error {
	return b.setMark(ctx, name, text)
}

// PutBatch implements replica.BatchPutter.
func (r redis) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	return r.putBatch(ctx, vs)
}

// GetBatch implements replica.BatchGetter.
func (r redis) GetBatch(ctx context.Context, refs []replica.Ref) []replica.Fetched {
	out := make([]replica.Fetched, len(refs))
	before, after := r.enter(ctx, r.gate)
	for i, ref := range refs {
		if out[i].Err = cmpErr(before, after); out[i].Err == nil {
			out[i].Record, out[i].Err = r.site.get(ref.Hash)
		}
	}
	return out
}

// Fill implements replica.Filler.
func (r redis) Fill(ctx context.Context, v module.Verified) error {
	before, after := r.enter(ctx, r.gate)
	if before != nil {
		return before
	}
	if _, err := r.site.get(v.Hash()); err == nil {
		return after
	}
	return cmpErr(r.site.put(v.Hash(), v.Record(), 24*time.Hour), after)
}

// PutBatch implements replica.BatchPutter.
func (n node) PutBatch(ctx context.Context, vs []module.Verified) []replica.Outcome {
	return n.putBatch(ctx, vs)
}

// Audit implements replica.Auditor.
func (n node) Audit(ctx context.Context, refs []replica.Ref, _ time.Time) []error {
	out := make([]error, len(refs))
	before, after := n.enter(ctx, n.gate)
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, ref := range refs {
		if out[i] = cmpErr(before, after); out[i] != nil {
			continue
		}
		if c, ok := n.box.get(ref.Hash); ok && !c.kept {
			out[i] = fmt.Errorf("model: %w", replica.ErrLoose)
		}
	}
	return out
}
