package breaker

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// What is on its way to a place at once shares the way there. It is bounded, so
// that each has its part of it before its deadline: to a few portions, or one
// event that is larger.
const (
	portions  = 4
	leastRoom = 256 << 10 // a bound of fewer bytes would be one of requests
)

// A room counts the bytes that are being stored. Who does not fit in waits its
// turn.
type room struct {
	mu      sync.Mutex
	used    int
	waiting []*guest
}

type guest struct {
	bytes int
	in    chan struct{} // closed when it is in
}

// errNoRoom: the turn did not come.
var errNoRoom = fmt.Errorf("breaker: the way to the replica is taken: %w", context.DeadlineExceeded)

// enter returns when there is room for bytes among at most most, or for them
// alone, and how many there are then; leave must be called. It waits for half
// of the time that the context leaves, so that who gets in can get through;
// then it returns errNoRoom, or the context's error.
func (r *room) enter(ctx context.Context, bytes int, most func() int) (used int, err error) {
	r.mu.Lock()
	if len(r.waiting) == 0 && r.fits(bytes, most()) {
		r.used += bytes
		used = r.used
		r.mu.Unlock()
		return used, nil
	}
	g := &guest{bytes, make(chan struct{})}
	r.waiting = append(r.waiting, g)
	r.mu.Unlock()
	wait := ctx
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		wait, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	select {
	case <-g.in:
	case <-wait.Done():
		r.mu.Lock()
		if i := slices.Index(r.waiting, g); i >= 0 {
			r.waiting = slices.Delete(r.waiting, i, i+1)
			r.admit(most())
			r.mu.Unlock()
			return 0, cmp.Or(ctx.Err(), errNoRoom)
		}
		r.mu.Unlock() // both at once
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used, nil
}

// leave makes room.
func (r *room) leave(bytes, most int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= bytes
	r.admit(most)
}

// admit lets in who fits. r.mu is held.
func (r *room) admit(most int) {
	for len(r.waiting) > 0 && r.fits(r.waiting[0].bytes, most) {
		r.used += r.waiting[0].bytes
		close(r.waiting[0].in)
		r.waiting = r.waiting[1:]
	}
}

func (r *room) fits(bytes, most int) bool { return r.used == 0 || r.used+bytes <= most }

// most is how much may be under way to the place.
func (c *core) most() int { return max(leastRoom, portions*c.puts.Bytes()) }

// passes is what a place that works takes without being given longer for it.
const passes = 1 << 20

// enter returns when there is room for a portion of so many bytes, the largest
// event of which has so many, and how many bytes its deadline is for: of what
// is under way, more than a MiB is there only because so much passed quickly,
// or because it is one event.
func (c *core) enter(ctx context.Context, bytes, largest int) (sent int, err error) {
	used, err := c.room.enter(ctx, bytes, c.most)
	return min(used, max(passes, largest)), err
}

func (c *core) leave(bytes int) { c.room.leave(bytes, c.most()) }
