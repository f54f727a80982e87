package breaker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// trip opens the breaker. c.mu is held.
func (c *core) trip(err error) {
	if c.state == Closed {
		c.o.Log.Warn("a replica keeps failing and is not asked for now", "replica", c.o.Name, "error", err)
	}
	c.state = Open
	c.trips++
	c.openErr = fmt.Errorf("%w (%s)", ErrOpen, err)
	if c.pause <= 0 {
		c.pause = c.o.Cooldown
	}
	select {
	case c.tripped <- struct{}{}:
	default:
	}
	if !c.probing && !c.closed {
		c.probing = true
		c.done.Go(c.probe)
	}
}

// heal closes the breaker. c.mu is held.
func (c *core) heal(why string) {
	c.o.Log.Info("a replica is asked again", "replica", c.o.Name, "because", why)
	c.state, c.row, c.pause = Closed, 0, 0
}

// probe asks the place with Check until the breaker is closed. When Check
// succeeds, the next real call may try the place; when none comes, the breaker
// closes with the next Check, and one failure opens it again.
func (c *core) probe() {
	type result struct {
		trip int
		err  error
	}
	results := make(chan result, maxProbes)
	outstanding := 0
	timer := time.NewTimer(time.Hour) // until c.tripped is taken
	defer timer.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-c.tripped:
			timer.Reset(c.nextPause())
		case r := <-results:
			outstanding--
			if c.probed(r.trip, r.err) {
				timer.Reset(c.nextPause())
			}
		case <-timer.C:
			trip, room, on := c.goOn()
			if !on {
				return
			}
			if room && outstanding < maxProbes {
				outstanding++
				go func() {
					begun := time.Now()
					_, err := run(c.ctx, c, span{}, func(ctx context.Context) (struct{}, error) { return struct{}{}, c.inner.Check(ctx) })
					c.observe("probe", time.Since(begun), err)
					results <- result{trip, err}
				}()
			}
			timer.Reset(c.nextPause())
		}
	}
}

// goOn returns how often the breaker has opened, whether there is room for one
// more call that may hang, and false when the prober is not needed any more.
func (c *core) goOn() (trips int, room, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state == Closed {
		c.probing = false
	}
	return c.trips, c.hung < maxHung, c.probing
}

// nextPause returns how long to wait before a probe, and makes the pause after
// it longer. Hosts that lost the same place do not come back in step.
func (c *core) nextPause() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	pause := c.pause
	if c.state == HalfOpen || pause <= 0 {
		pause = c.o.Cooldown
	} else {
		c.pause = min(2*pause, max(maxCooldown, c.o.Cooldown))
	}
	return pause*3/4 + rand.N(pause/4+1)
}

// probed learns from a probe that was sent when the breaker had opened trip
// times. It returns true when that made it half-open: then the next probe is soon.
func (c *core) probed(trip int, err error) (halfOpen bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case trip != c.trips || c.closed:
	case judge(err, false) != works:
		c.known.LastError, c.known.LastErrorAt = err.Error(), time.Now()
	case c.state == Open && c.hung < maxHung:
		c.state, c.since, c.trying = HalfOpen, time.Now(), false
		return true
	case c.state == HalfOpen && !c.trying && time.Since(c.since) >= c.o.Cooldown/2:
		c.heal("its check succeeds")
		c.row = c.o.Failures - 1
	}
	return false
}
