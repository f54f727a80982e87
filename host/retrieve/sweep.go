package retrieve

import "context"

type sweepKey struct{}

// Sweep returns a context for Events that go over a great many events once,
// such as an export's. What is read is not kept in memory and no cache is
// filled with it: it would take the room of what is read often. Places that lack a
// copy or hold a bad one are reported as after every read.
func Sweep(ctx context.Context) context.Context { return context.WithValue(ctx, sweepKey{}, true) }

func sweeping(ctx context.Context) bool { return ctx.Value(sweepKey{}) != nil }
