package health

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
)

// Anchor is the part of it about what is put on a chain.
type Anchor struct {
	State         string         `json:"state"` // starting, anchoring, waiting, stopped; off: nothing is anchored
	Why           string         `json:"why,omitempty"`
	Backlog       uint64         `json:"backlog"`        // events that no final head covers
	EventsBacklog uint64         `json:"events_backlog"` // events to be anchored on their own, and not final
	LastFinalAt   *time.Time     `json:"last_final_at"`  // null: nothing is final yet
	AgeSeconds    *int64         `json:"age_seconds"`    // of that
	Stuck         []anchor.Stuck `json:"stuck"`          // events that are held back for no longer
}

// Off is the state of a host that anchors nothing.
const Off = "off"

// anchorPatience is how long what is due may not become final before that is
// told, where ten times anchor.every is less.
const anchorPatience = 10 * time.Minute

// anchored fills the anchor's part in, and reports whether something is out of
// order with it. Nothing else depends on it.
func (m *Monitor) anchored(ctx context.Context, h *Health) (late bool) {
	h.Anchor = Anchor{State: Off, Stuck: []anchor.Stuck{}}
	if m.o.Anchor == nil {
		return false
	}
	s := m.o.Anchor(ctx)
	a := Anchor{State: s.State, Why: s.Why, Backlog: s.Heads.Backlog, LastFinalAt: s.LastFinalAt, Stuck: s.Stuck}
	if s.Events != nil {
		a.EventsBacklog = s.Events.Backlog
	}
	since := m.started
	if s.LastFinalAt != nil {
		age := int64(max(0, time.Since(*s.LastFinalAt)) / time.Second)
		a.AgeSeconds = &age
		if s.LastFinalAt.After(since) {
			since = *s.LastFinalAt
		}
	}
	h.Anchor = a
	warn := func(format string, args ...any) {
		h.Warnings = append(h.Warnings, fmt.Sprintf(format, args...))
		late = true
	}
	patience := max(10*m.o.AnchorEvery, anchorPatience)
	switch {
	case s.State == anchor.Stopped:
		warn("anchoring is stopped: %s", s.Why)
	case refused(s) != "":
		warn("the chain refuses what is to be anchored: %s", refused(s))
	case s.State == anchor.Waiting && time.Since(s.Since) > time.Minute:
		warn("anchoring waits: %s", s.Why)
	case a.Backlog+a.EventsBacklog > 0 && time.Since(since) > patience && len(s.Requests) > 0:
		warn("%d events are not anchored: a wallet has to sign what eventseal anchor status and the page show", max(a.Backlog, a.EventsBacklog))
	case a.Backlog+a.EventsBacklog > 0 && time.Since(since) > patience:
		warn("nothing has become final on the chain for %s, and %d events are not anchored", time.Since(since).Round(time.Second), max(a.Backlog, a.EventsBacklog))
	}
	if n := len(s.Stuck); n > 0 {
		var names []string
		for _, e := range s.Stuck[:min(n, 3)] {
			names = append(names, fmt.Sprintf("%d %s (%s)", e.Sequence, e.Hash, e.Why))
		}
		more := ""
		if n > len(names) {
			more = ", …"
		}
		warn("what is anchored waits no longer for events: %s%s", strings.Join(names, ", "), more)
	}
	return late
}

// refused returns why the chain refuses what is to be posted; "" where it does not.
func refused(s anchor.State) string {
	for _, p := range s.Posts {
		if p.State == anchor.Failed {
			return p.Reason
		}
	}
	return ""
}
