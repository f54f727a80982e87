package intake

import "sync"

// One admission of single events takes at most so much.
const (
	gatherEvents = 256
	gatherBytes  = 4 << 20
)

// gathering holds single events that are judged and not with the journal yet.
// One admission of them is under way at a time, and the next takes all that
// came meanwhile: a commit, and a sync in every place, cost nearly as much for
// one event as for many.
type gathering struct {
	mu      sync.Mutex
	waiting []*item
	running bool
}

// gather hands valid single events on to the journal.
func (in *Intake) gather(items []*item) {
	g := &in.gathering
	g.mu.Lock()
	g.waiting = append(g.waiting, items...)
	start := !g.running
	g.running = true
	g.mu.Unlock()
	if start {
		in.running.Go(in.gatherer)
	}
}

// gatherer admits what is gathered until nothing is.
func (in *Intake) gatherer() {
	for items := in.gathering.take(); items != nil; items = in.gathering.take() {
		in.admit(items)
	}
}

// take removes what one admission takes; nil ends the gatherer.
func (g *gathering) take() []*item {
	g.mu.Lock()
	defer g.mu.Unlock()
	size, n := 0, 0
	for n < len(g.waiting) && n < gatherEvents && (n == 0 || size+len(g.waiting[n].event) <= gatherBytes) {
		size += len(g.waiting[n].event)
		n++
	}
	if n == 0 {
		g.running = false
		return nil
	}
	items := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	return items
}
