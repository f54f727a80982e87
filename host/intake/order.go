package intake

import "sync"

// A line keeps the events of one StoreBatch in their order on the way from the
// module to the journal, although its instances overtake each other: at most
// one admission of the line is under way at a time, and it takes what is judged
// up to the first event that is not. The zero line is that of a single event,
// which has nobody to overtake.
type line struct {
	mu        sync.Mutex
	items     []*item // all that entered, in their order
	judged    int     // those before it are judged
	ready     []*item // valid and judged, in order, not with the journal yet
	admitting bool
}

// admitAtOnce bounds one admission of a line.
const admitAtOnce = 512

// forward sends the valid ones of a judged batch to the journal.
func (in *Intake) forward(batch, valid []*item) {
	for _, it := range valid {
		it.valid = true
	}
	var alone []*item
	for from := 0; from < len(batch); {
		c, to := batch[from].call, from+1
		for to < len(batch) && batch[to].call == c {
			to++
		}
		switch items := batch[from:to]; {
		case c.line.items != nil:
			if c.line.pass(items) {
				in.running.Go(func() { in.admitLine(&c.line) })
			}
		case items[0].valid:
			alone = append(alone, items[0])
		}
		from = to
	}
	if len(alone) > 0 {
		in.gather(alone)
	}
}

// pass notes that items are judged and reports whether the caller is to start
// admitLine.
func (l *line) pass(items []*item) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range items {
		it.judged = true
	}
	for ; l.judged < len(l.items) && l.items[l.judged].judged; l.judged++ {
		if it := l.items[l.judged]; it.valid {
			l.ready = append(l.ready, it)
		}
	}
	start := len(l.ready) > 0 && !l.admitting
	l.admitting = l.admitting || start
	return start
}

// admitLine admits what is ready until nothing is.
func (in *Intake) admitLine(l *line) {
	for {
		l.mu.Lock()
		n := min(len(l.ready), admitAtOnce)
		items := l.ready[:n:n]
		l.ready = l.ready[n:]
		l.admitting = n > 0
		l.mu.Unlock()
		if n == 0 {
			return
		}
		in.admit(items)
	}
}
