// Package limit says who may store, and how much: signatures are the write
// permission, and these are limits on top of it.
package limit

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A Limiter bounds how many events each key may have per second. Its methods
// are safe for concurrent use; a nil Limiter allows everything.
//
// It remembers what the keys seen last have left, between keys and twice as
// many of them. A key that is forgotten begins anew, with a whole burst.
type Limiter[K comparable] struct {
	limit rate.Limit
	burst int
	keys  int

	mu       sync.Mutex
	recent   map[K]*rate.Limiter
	previous map[K]*rate.Limiter // not seen since recent was begun
}

// Keys is how many keys a Limiter remembers at least, about 100 bytes each.
const Keys = 1 << 15

// New returns a Limiter of so many events per second and, after a pause, what
// comes together in the time burst at once, one event at least. nil where
// perSecond is 0.
func New[K comparable](perSecond int, burst time.Duration) *Limiter[K] {
	if perSecond <= 0 {
		return nil
	}
	n := math.Ceil(float64(perSecond) * burst.Seconds())
	return &Limiter[K]{
		limit: rate.Limit(perSecond), burst: int(min(max(1, n), math.MaxInt32)), keys: Keys,
		recent: map[K]*rate.Limiter{},
	}
}

// Take reports whether the key may have one more event now, and counts it.
func (l *Limiter[K]) Take(k K) bool {
	if l == nil {
		return true
	}
	l.mu.Lock()
	r := l.recent[k]
	if r == nil {
		if r = l.previous[k]; r == nil {
			r = rate.NewLimiter(l.limit, l.burst)
		}
		if len(l.recent) >= l.keys {
			l.previous, l.recent = l.recent, make(map[K]*rate.Limiter, len(l.recent))
		}
		l.recent[k] = r
	}
	l.mu.Unlock()
	return r.Allow()
}
