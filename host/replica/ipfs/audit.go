package ipfs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Audit implements replica.Auditor: a root that links to the event is pinned,
// and the preimage can be read. The pins are listed once for all calls of the
// same asOf; each call reads every root that it is about once, and one block an
// event.
func (r *Replica) Audit(ctx context.Context, refs []replica.Ref, asOf time.Time) []error {
	errs := make([]error, len(refs))
	var err error
	if r.closed.Load() {
		err = replica.ErrClosed
	} else {
		if now := time.Now(); asOf.After(now) {
			asOf = now
		}
		err = r.load(ctx, asOf)
	}
	if err != nil {
		for i := range errs {
			errs[i] = err
		}
		return errs
	}
	about := map[digest.Hash][]int{}
	for i, ref := range refs {
		for _, root := range r.index.of(ref.Hash) {
			about[root] = append(about[root], i)
		}
	}
	var mu sync.Mutex
	pinned, unread := make([]bool, len(refs)), make([]error, len(refs))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	do := func(f func()) {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f()
		})
	}
	for root, which := range about {
		do(func() {
			entries, err := r.root(ctx, root)
			if err != nil && (errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt)) {
				return // it keeps nothing
			}
			links := make(map[digest.Hash]string, len(entries))
			for _, e := range entries {
				links[e.hash] = rawCID(e.record)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, i := range which {
				record, linked := links[refs[i].Hash]
				pinned[i] = pinned[i] || linked && (refs[i].Location == "" || refs[i].Location == record)
				if err != nil {
					unread[i] = err
				}
			}
		})
	}
	for i, ref := range refs {
		do(func() {
			_, err := r.block(ctx, ref.Hash)
			if errors.Is(err, replica.ErrNotFound) || errors.Is(err, replica.ErrCorrupt) {
				err = fmt.Errorf("ipfs: no good block of its preimage: %w", replica.ErrLoose)
			}
			errs[i] = err
		})
	}
	wg.Wait()
	for i := range errs {
		switch {
		case errs[i] != nil || pinned[i]:
		case unread[i] != nil:
			errs[i] = unread[i]
		default:
			errs[i] = fmt.Errorf("ipfs: not pinned: %w", replica.ErrLoose)
		}
	}
	return errs
}
