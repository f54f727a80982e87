package retrieve

import (
	"context"
	"slices"
	"time"

	"github.com/eventseal/eventseal/host/module"
)

// Caches that missed an event get it afterwards, beside the answer; when too
// much waits the newest is dropped, and the next read fills them.
const (
	maxAfter     = 1024
	afterWorkers = 2
	fillTime     = 5 * time.Second
)

// An aftermath is what a read leaves to do.
type aftermath struct {
	v      module.Verified
	caches []*place
}

// fill leaves the caches that a target's read missed to the background.
func (r *Reader) fill(v module.Verified, t *target) {
	var caches []*place
	for _, p := range t.missing {
		if p.cache {
			caches = append(caches, p)
		}
	}
	if len(caches) == 0 {
		return
	}
	select {
	case r.after <- aftermath{v, caches}:
	default:
	}
}

func (r *Reader) clean() {
	for {
		select {
		case <-r.base.Done():
			return
		case a := <-r.after:
			ctx, cancel := context.WithTimeout(r.base, fillTime)
			for _, p := range a.caches {
				p.missing.Add(1)
				if err := p.filler.Fill(ctx, a.v); err == nil {
					r.m.fills.WithLabelValues(p.Name).Inc()
				}
			}
			cancel()
		}
	}
}

// reportable reports whether a target's search found something wrong. What a
// cache lacks is, when nobody has it.
func (t *target) reportable() bool {
	return t.entry != nil && (len(t.bad)+len(t.others) > 0 || slices.ContainsFunc(t.missing, func(p *place) bool { return t.nowhere || !p.cache }))
}
