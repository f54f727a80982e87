package breaker

import (
	"context"
	"errors"
	"iter"

	"github.com/eventseal/eventseal/host/replica"
)

var _ replica.Objects = (*core)(nil)

// nameBytes is what a name that is sent counts for in a deadline.
const nameBytes = 4 << 10

// PutObjects implements replica.Objects, in portions as PutBatch does.
func (c *core) PutObjects(ctx context.Context, os []replica.Object) []error {
	inner, ok := replica.As[replica.Objects](c.inner)
	if !ok {
		return replica.EachError(len(os), errors.ErrUnsupported)
	}
	// What no place can keep is not this one's fault.
	return replica.PutObjects(os, func(os []replica.Object) []error { return c.cutObjects(ctx, inner, os) })
}

func (c *core) cutObjects(ctx context.Context, inner replica.Objects, os []replica.Object) []error {
	errs := make([]error, len(os))
	size := func(i int) int { return nameBytes + len(os[i].Data) }
	c.cut(ctx, c.objs, len(os), size, func(which []int, bytes int) {
		part, largest := make([]replica.Object, len(which)), 0
		for k, i := range which {
			part[k], largest = os[i], max(largest, size(i))
		}
		got, err := c.putObjects(ctx, inner, part, bytes, largest)
		for k, i := range which {
			if errs[i] = err; err == nil {
				errs[i] = got[k]
			}
		}
	}, func(i int, err *error) error {
		if err != nil {
			errs[i] = *err
		}
		return errs[i]
	})
	return errs
}

// putObjects stores a portion when there is room for it.
func (c *core) putObjects(ctx context.Context, inner replica.Objects, os []replica.Object, bytes, largest int) ([]error, error) {
	sent, err := c.enter(ctx, bytes, largest)
	if err != nil {
		return nil, err
	}
	defer c.leave(bytes)
	return call(ctx, c, putObjects, span{sent: sent},
		func(ctx context.Context) ([]error, error) {
			errs := inner.PutObjects(ctx, os)
			return errs, counted(len(errs), len(os))
		},
		func(errs []error, err error) error {
			return verdict(err, len(errs), func(i int) error { return errs[i] })
		})
}

// GetObject implements replica.Objects.
func (c *core) GetObject(ctx context.Context, name string) ([]byte, error) {
	inner, ok := replica.As[replica.Objects](c.inner)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	if err := replica.CheckObject(name); err != nil {
		return nil, err
	}
	return call(ctx, c, "get_object", span{sent: replica.MaxObject},
		func(ctx context.Context) ([]byte, error) { return inner.GetObject(ctx, name) }, one[[]byte])
}

// SwapObject implements replica.Objects.
func (c *core) SwapObject(ctx context.Context, name string, was, now []byte) error {
	inner, ok := replica.As[replica.Objects](c.inner)
	if !ok {
		return errors.ErrUnsupported
	}
	if err := (replica.Object{Name: name, Data: now}).Check(); err != nil {
		return err
	}
	return call0(ctx, c, swapObject, span{sent: len(was) + len(now)}, func(ctx context.Context) error { return inner.SwapObject(ctx, name, was, now) })
}

// DeleteObjects implements replica.Objects.
func (c *core) DeleteObjects(ctx context.Context, names []string) error {
	inner, ok := replica.As[replica.Objects](c.inner)
	if !ok {
		return errors.ErrUnsupported
	}
	if err := replica.CheckObjectNames(names); err != nil {
		return err
	}
	return call0(ctx, c, "delete_objects", span{sent: len(names) * nameBytes}, func(ctx context.Context) error { return inner.DeleteObjects(ctx, names) })
}

// ListObjects implements replica.Objects, with the patience of List.
func (c *core) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	inner, ok := replica.As[replica.Objects](c.inner)
	if !ok {
		return func(yield func(string, error) bool) { yield("", errors.ErrUnsupported) }
	}
	return listed(ctx, c, listObjects, func(ctx context.Context) iter.Seq2[string, error] { return inner.ListObjects(ctx, prefix) })
}
