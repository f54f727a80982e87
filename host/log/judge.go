package log

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// facts are all that it depends on whether something may be published: what the
// journal says, and which heads by this host's key were seen in the places.
type facts struct {
	log      string   // of the journal's head; "" where it has none by this key
	size     uint64   // of that head
	last     uint64   // the journal's last event
	places   []string // that get the log
	unread   []string // of them: it is not known which head they hold
	required int
	heads    []seen
}

// seen is a head by this host's key in a place.
type seen struct {
	place  string
	log    string
	size   uint64
	agrees bool // the journal's first size events have its root
}

// A verdict is what follows from facts.
type verdict struct {
	state string // Publishing, Waiting or Stopped
	why   string
	adopt *seen // the journal's head is to become this one
	begin bool  // a log is to begin
}

// reindexing is what to do about a journal that is behind its log.
const reindexing = "events are stored and served as ever. Stop the host, move the journal and its -wal and -shm files away, and run eventseal reindex, " +
	"which restores the order from the log in the replicas; where that cannot be done, eventseal reindex --new-log begins a new log"

func contradicted(err error) string {
	return fmt.Sprintf("%v, and another head would contradict what was published; %s", err, reindexing)
}

// judge decides. A head that was published is in at least required places. So
// when all but required-1 were read, each such head, or a later one of its log,
// is among those seen: nothing is published that does not agree with them all.
func judge(f facts) verdict {
	stop := func(format string, args ...any) verdict {
		return verdict{state: Stopped, why: fmt.Sprintf(format, args...) + "; " + reindexing}
	}
	var newest *seen
	for i := range f.heads {
		h := &f.heads[i]
		switch {
		case f.log == "" && !h.agrees:
			continue // of a log that the journal knows nothing of: see below
		case f.log == "" || h.log != f.log: // a former log of this host
		case h.size > f.last:
			return stop("replica %s holds a published head of %d events and the journal has %d: it is an older copy, or has lost some", h.place, h.size, f.last)
		case !h.agrees:
			return stop("replica %s holds a published head of %d events that the journal's do not lead to", h.place, h.size)
		}
		if (f.log == "" || h.log == f.log) && (newest == nil || h.size > newest.size) {
			newest = h
		}
	}
	if f.log == "" && newest == nil && len(f.heads) > 0 {
		h := slices.MaxFunc(f.heads, func(a, b seen) int { return cmp.Compare(a.size, b.size) })
		return stop("replica %s holds log %s of this host, %d events long, of which the journal knows nothing: the journal was lost, or is an older copy", h.place, h.log, h.size)
	}
	if len(f.places) < f.required {
		return verdict{state: Waiting, why: fmt.Sprintf("%d counting replicas keep objects, and min_redundancy asks for %d", len(f.places), f.required)}
	}
	if len(f.unread) >= f.required {
		return verdict{state: Waiting, why: fmt.Sprintf("it is not known what was published last before replicas have said it, all but %d of them; not yet: %s", f.required-1, strings.Join(f.unread, ", "))}
	}
	switch {
	case newest != nil && (f.log == "" || newest.size > f.size):
		return verdict{state: Publishing, adopt: newest}
	case f.log == "":
		return verdict{state: Publishing, begin: true}
	}
	return verdict{state: Publishing}
}
