package memory

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Objects = (*Replica)(nil)

// usable returns why nothing can be asked. r.mu is held.
func (r *Replica) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if r.closed {
		return replica.ErrClosed
	}
	return nil
}

// PutObjects implements replica.Objects.
func (r *Replica) PutObjects(ctx context.Context, os []replica.Object) []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(ctx); err != nil {
		return replica.EachError(len(os), err)
	}
	return replica.PutObjects(os, func(os []replica.Object) []error {
		errs := make([]error, len(os))
		for i, o := range os {
			if old, ok := r.objects[o.Name]; !ok || !old.whole() {
				r.objects[o.Name] = store(o.Data)
			} else if !bytes.Equal(old.record, o.Data) {
				errs[i] = fmt.Errorf("memory: %s: %w", o.Name, replica.ErrConflict)
			}
		}
		return errs
	})
}

// GetObject implements replica.Objects.
func (r *Replica) GetObject(ctx context.Context, name string) ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := r.usable(ctx); err != nil {
		return nil, err
	}
	if err := replica.CheckObject(name); err != nil {
		return nil, err
	}
	s, ok := r.objects[name]
	switch {
	case !ok:
		return nil, fmt.Errorf("memory: %s: %w", name, replica.ErrNotFound)
	case !s.whole():
		return nil, fmt.Errorf("memory: %s: %w", name, replica.ErrCorrupt)
	}
	return append([]byte{}, s.record...), nil
}

// SwapObject implements replica.Objects.
func (r *Replica) SwapObject(ctx context.Context, name string, was, now []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(ctx); err != nil {
		return err
	}
	if err := (replica.Object{Name: name, Data: now}).Check(); err != nil {
		return err
	}
	if s, ok := r.objects[name]; ok != (was != nil) || ok && (!s.whole() || !bytes.Equal(s.record, was)) {
		return fmt.Errorf("memory: %s: %w", name, replica.ErrConflict)
	}
	r.objects[name] = store(now)
	return nil
}

// DeleteObjects implements replica.Objects.
func (r *Replica) DeleteObjects(ctx context.Context, names []string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.usable(ctx); err != nil {
		return err
	}
	if err := replica.CheckObjectNames(names); err != nil {
		return err
	}
	for _, name := range names {
		delete(r.objects, name)
	}
	return nil
}

// ListObjects implements replica.Objects.
func (r *Replica) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		var names []string
		r.mu.RLock()
		err := r.usable(ctx)
		for name := range r.objects {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		r.mu.RUnlock()
		if err != nil {
			yield("", err)
			return
		}
		for _, name := range names {
			if !yield(name, ctx.Err()) || ctx.Err() != nil {
				return
			}
		}
	}
}

// CorruptObject is Corrupt for an object.
func (r *Replica) CorruptObject(name string, bytes []byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, ok := r.objects[name]
	if ok {
		s.record = bytes
		r.objects[name] = s
	}
	return ok
}
