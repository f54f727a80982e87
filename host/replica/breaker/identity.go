package breaker

import (
	"context"
	"errors"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

var (
	_ replica.Identified = (*core)(nil)
	_ replica.Marked     = (*core)(nil)
	_ replica.Recent     = (*core)(nil)
	_ replica.Suffered   = (*core)(nil)
)

// Identity implements replica.Identified.
func (c *core) Identity(ctx context.Context, known []string) (string, error) {
	inner, ok := replica.As[replica.Identified](c.inner)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return call(ctx, c, "identity", span{}, func(ctx context.Context) (string, error) { return inner.Identity(ctx, known) }, one[string])
}

// Identify implements replica.Identified.
func (c *core) Identify(ctx context.Context, id string) error {
	inner, ok := replica.As[replica.Identified](c.inner)
	if !ok {
		return errors.ErrUnsupported
	}
	return call0(ctx, c, "identify", span{}, func(ctx context.Context) error { return inner.Identify(ctx, id) })
}

// Mark implements replica.Marked.
func (c *core) Mark(ctx context.Context, name string) (string, error) {
	inner, ok := replica.As[replica.Marked](c.inner)
	if !ok {
		return "", errors.ErrUnsupported
	}
	return call(ctx, c, "mark", span{}, func(ctx context.Context) (string, error) { return inner.Mark(ctx, name) }, one[string])
}

// SetMark implements replica.Marked.
func (c *core) SetMark(ctx context.Context, name, text string) error {
	inner, ok := replica.As[replica.Marked](c.inner)
	if !ok {
		return errors.ErrUnsupported
	}
	return call0(ctx, c, "set_mark", span{}, func(ctx context.Context) error { return inner.SetMark(ctx, name, text) })
}

// Newest implements replica.Recent.
func (c *core) Newest(ctx context.Context, n int) ([]digest.Hash, error) {
	inner, ok := replica.As[replica.Recent](c.inner)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return call(ctx, c, "newest", span{}, func(ctx context.Context) ([]digest.Hash, error) { return inner.Newest(ctx, n) }, one[[]digest.Hash])
}

// Suffered implements replica.Suffered. It asks the replica whatever the
// breaker's state is: the place itself is not touched.
func (c *core) Suffered() uint64 {
	inner, ok := replica.As[replica.Suffered](c.inner)
	if !ok {
		return 0
	}
	return inner.Suffered()
}
