package intake

import (
	"cmp"
	"math/rand/v2"
	"time"
)

// A pace is how long things wait, and how many may; tests are in more of a hurry.
type pace struct {
	retry    time.Duration // the first, doubled by each failure
	maxRetry time.Duration // the longest: a place that has healed is complete again after at most half as much more
	conflict time.Duration // the first where the place holds another record, doubled by each attempt
	rare     time.Duration // the longest of those that are likely to end as before
	probe    time.Duration // between looks at a place that fails
	sweep    time.Duration // between looks into the journal for what nobody told of
	put      time.Duration // a batch, whatever the place's own deadlines, which grow with its bytes
	held     int           // events between Store's entry and its end
	queued   int           // events in a place's queue
}

func (p *pace) fill() {
	p.retry = cmp.Or(p.retry, 250*time.Millisecond)
	p.maxRetry = cmp.Or(p.maxRetry, 20*time.Second)
	p.conflict = cmp.Or(p.conflict, 5*time.Minute)
	p.rare = cmp.Or(p.rare, 6*time.Hour)
	p.probe = cmp.Or(p.probe, 500*time.Millisecond)
	p.sweep = cmp.Or(p.sweep, 5*time.Second)
	p.put = cmp.Or(p.put, 10*time.Minute)
	p.held = cmp.Or(p.held, 16384)
	p.queued = cmp.Or(p.queued, 8192)
}

// backoff returns how long to wait after so many failures, between half and one
// and a half of it, so that what failed together does not come back together.
func (p *pace) backoff(failures int) time.Duration {
	d := p.maxRetry
	if failures < 20 {
		d = min(d, p.retry<<failures)
	}
	return jitter(d)
}

// rarely is backoff for what hardly changes by itself: from first on, up to hours.
func (p *pace) rarely(first time.Duration, failures int) time.Duration {
	d := p.rare
	if failures < 20 {
		d = min(d, first<<failures)
	}
	return jitter(d)
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d+1) }
