package ipfs

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Delete implements replica.Replica: the root is pinned anew without the
// event, the old one is let go, and the event's blocks are removed. A block
// that somebody else pinned stays. It costs a walk over the node's pins.
func (r *Replica) Delete(ctx context.Context, ref replica.Ref) error {
	if r.closed.Load() {
		return replica.ErrClosed
	}
	if err := r.rewriting.Acquire(ctx, 1); err != nil {
		return wrap(ctx, err)
	}
	defer r.rewriting.Release(1)
	found, err := r.find(ctx, ref.Hash, true)
	if err != nil {
		return err
	}
	blocks := []string{rawCID(ref.Hash)}
	if record, ok := parseCID(ref.Location); ok {
		blocks = append(blocks, rawCID(record))
	}
	for _, p := range found {
		if err := r.rewrite(ctx, p.root, ref.Hash); err != nil {
			return err
		}
		blocks = append(blocks, rawCID(p.record))
	}
	return r.remove(ctx, blocks)
}

// evict takes an event out of a root so that its blocks can be written again:
// the node does not write a block that it believes to have.
func (r *Replica) evict(ctx context.Context, h digest.Hash, p place) error {
	if err := r.rewriting.Acquire(ctx, 1); err != nil {
		return wrap(ctx, err)
	}
	defer r.rewriting.Release(1)
	if err := r.rewrite(ctx, p.root, h); err != nil && !errors.Is(err, replica.ErrNotFound) {
		return err
	}
	return r.remove(ctx, []string{rawCID(h), rawCID(p.record)})
}

// rewrite replaces a root by one without h.
func (r *Replica) rewrite(ctx context.Context, old, h digest.Hash) error {
	entries, err := r.root(ctx, old)
	if err != nil {
		return err
	}
	var rest []entry
	for _, e := range entries {
		if e.hash != h {
			rest = append(rest, e)
		}
	}
	if err := r.pin(ctx, rest); errors.Is(err, replica.ErrNotFound) {
		// The node lost a block of another event, so it cannot pin the rest; what
		// it does have is pinned, and the other one is missing as it was.
		if rest, err = r.whole(ctx, rest); err != nil {
			return err
		}
		if err := r.pin(ctx, rest); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	if err := r.unpin(ctx, rootCID(old)); err != nil {
		return err
	}
	r.index.drop(old)
	return r.remove(ctx, []string{rootCID(old)})
}

// unpin lets go what is pinned with all that it links to.
func (r *Replica) unpin(ctx context.Context, cid string) error {
	err := r.api.Request("pin/rm", cid).Option("recursive", true).Exec(ctx, nil)
	if err != nil && strings.Contains(err.Error(), "not pinned") {
		return nil
	}
	return wrap(ctx, err)
}

// pin makes a root of entries whose blocks the node has.
func (r *Replica) pin(ctx context.Context, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	body := encodeRoot(entries)
	root := digest.Hash(sha256.Sum256(body))
	c := newCar(rootPrefix, root, len(body)+64)
	c.add(rootPrefix, root, body)
	if err := r.send(ctx, root, c); err != nil {
		return err
	}
	r.index.add(root, entries)
	return nil
}

// whole returns the entries both of whose blocks the node has.
func (r *Replica) whole(ctx context.Context, entries []entry) ([]entry, error) {
	var have []entry
	for _, e := range entries {
		var err error
		for _, h := range []digest.Hash{e.hash, e.record} {
			if err == nil {
				err = wrap(ctx, r.api.Request("block/stat", rawCID(h)).Option("offline", true).Exec(ctx, nil))
			}
		}
		if err == nil {
			have = append(have, e)
		} else if !errors.Is(err, replica.ErrNotFound) {
			return nil, err
		}
	}
	return have, nil
}

// remove deletes blocks that nothing pins.
func (r *Replica) remove(ctx context.Context, cids []string) error {
	resp, err := r.api.Request("block/rm", cids...).Option("force", true).Send(ctx)
	if err == nil && resp.Error != nil {
		err = resp.Error
	}
	if err != nil {
		return wrap(ctx, err)
	}
	defer resp.Cancel()
	for d := json.NewDecoder(resp.Output); ; {
		var line struct{ Hash, Error string }
		if err := d.Decode(&line); err == io.EOF {
			return nil
		} else if err != nil {
			return wrap(ctx, err)
		}
		if line.Error != "" && !strings.Contains(line.Error, "pinned") {
			return wrap(ctx, fmt.Errorf("block %s: %s", line.Hash, line.Error))
		}
	}
}

// List implements replica.Lister from the pinned roots.
func (r *Replica) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		if r.closed.Load() {
			yield(replica.Ref{}, replica.ErrClosed)
			return
		}
		if err := r.load(ctx, time.Now()); err != nil {
			yield(replica.Ref{}, err)
			return
		}
		several := map[digest.Hash]struct{}{} // told of those that more than one root may hold
		for _, name := range r.index.all() {
			entries, err := r.root(ctx, name)
			if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
				continue // gone since
			}
			if err != nil {
				yield(replica.Ref{}, err)
				return
			}
			for _, e := range entries {
				if len(r.index.of(e.hash)) > 1 {
					if _, told := several[e.hash]; told {
						continue
					}
					several[e.hash] = struct{}{}
				}
				if !yield(replica.Ref{Hash: e.hash, Location: rawCID(e.record)}, nil) {
					return
				}
			}
		}
	}
}
