// Package memory is a Replica in the process's memory, for unit tests and fault
// injection. It is as durable as the process.
package memory

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"iter"
	"sync"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A Replica holds copies until it is closed. Make it with New.
type Replica struct {
	mu      sync.RWMutex
	copies  map[digest.Hash]stored
	id      string
	marks   map[string]string // by journal
	objects map[string]stored // by name
	closed  bool
}

// stored keeps the digest of what was put, so that damage is told from another event.
type stored struct {
	record []byte
	digest [sha256.Size]byte
}

func store(b []byte) stored { return stored{bytes.Clone(b), sha256.Sum256(b)} }

func (s stored) whole() bool { return sha256.Sum256(s.record) == s.digest }

var (
	_ replica.Replica    = (*Replica)(nil)
	_ replica.Lister     = (*Replica)(nil)
	_ replica.Identified = (*Replica)(nil)
)

// New returns an empty replica.
func New() *Replica {
	return &Replica{copies: map[digest.Hash]stored{}, marks: map[string]string{}, objects: map[string]stored{}}
}

// Put implements replica.Replica.
func (r *Replica) Put(ctx context.Context, v module.Verified) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return "", replica.ErrClosed
	}
	location := "memory:" + v.Hash().String()
	if old, ok := r.copies[v.Hash()]; ok && old.whole() {
		if !bytes.Equal(old.record, v.Record()) {
			return "", fmt.Errorf("memory: %w", replica.ErrConflict)
		}
		return location, nil
	}
	r.copies[v.Hash()] = store(v.Record())
	return location, nil
}

// Get implements replica.Replica.
func (r *Replica) Get(ctx context.Context, ref replica.Ref) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, replica.ErrClosed
	}
	c, ok := r.copies[ref.Hash]
	if !ok {
		return nil, fmt.Errorf("memory: %w", replica.ErrNotFound)
	}
	return bytes.Clone(c.record), nil
}

// Delete implements replica.Replica.
func (r *Replica) Delete(ctx context.Context, ref replica.Ref) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return replica.ErrClosed
	}
	delete(r.copies, ref.Hash)
	return nil
}

// Check implements replica.Replica.
func (r *Replica) Check(ctx context.Context) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return replica.ErrClosed
	}
	return ctx.Err()
}

// List implements replica.Lister.
func (r *Replica) List(ctx context.Context) iter.Seq2[replica.Ref, error] {
	return func(yield func(replica.Ref, error) bool) {
		r.mu.RLock()
		refs := make([]replica.Ref, 0, len(r.copies))
		for h := range r.copies {
			refs = append(refs, replica.Ref{Hash: h, Location: "memory:" + h.String()})
		}
		r.mu.RUnlock()
		for _, ref := range refs {
			if !yield(ref, ctx.Err()) || ctx.Err() != nil {
				return
			}
		}
	}
}

// Identity implements replica.Identified.
func (r *Replica) Identity(ctx context.Context, _ []string) (string, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return "", replica.ErrClosed
	}
	return r.id, ctx.Err()
}

// Identify implements replica.Identified.
func (r *Replica) Identify(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return replica.ErrClosed
	}
	r.id = id
	return nil
}

// Mark implements replica.Marked.
func (r *Replica) Mark(ctx context.Context, name string) (string, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return "", replica.ErrClosed
	}
	return r.marks[name], ctx.Err()
}

// SetMark implements replica.Marked.
func (r *Replica) SetMark(ctx context.Context, name, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return replica.ErrClosed
	}
	r.marks[name] = text
	return nil
}

// Corrupt overwrites the stored copy, as failing hardware would; it reports
// whether there was one.
func (r *Replica) Corrupt(h digest.Hash, bytes []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, ok := r.copies[h]
	if ok {
		c.record = bytes
		r.copies[h] = c
	}
	return ok
}

// Close makes every later call fail with replica.ErrClosed.
func (r *Replica) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.copies, r.objects = nil, nil
	return nil
}
