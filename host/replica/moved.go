package replica

import "context"

type movedKey struct{}

// WithMoved returns a context under which Moved calls f, which has to be safe
// for concurrent use.
func WithMoved(ctx context.Context, f func(bytes int)) context.Context {
	return context.WithValue(ctx, movedKey{}, f)
}

// Moved tells whoever set the deadline of a Get or GetBatch that so many bytes
// of the answer have come, so that one that is long on its way is not taken for
// one that does not come. Kinds that cannot tell need not.
func Moved(ctx context.Context, bytes int) {
	if f, ok := ctx.Value(movedKey{}).(func(int)); ok {
		f(bytes)
	}
}
