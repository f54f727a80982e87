// Package health says how the host is: each place, the journal, the module,
// and whether an acknowledgement can be given. It looks at what the circuit
// breakers have seen, and asks a place itself only when nothing else did of late.
package health

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/anchor"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/log"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/breaker"
)

// The three words for a host's state.
const (
	OK       = "ok"       // everything works
	Degraded = "degraded" // events are taken and served, with something out of order
	Failing  = "failing"  // an acknowledgement cannot be given or trusted, or was given for an event that is lost
)

// Health is the document of GET /v1/health.
type Health struct {
	Status        string    `json:"status"` // OK, Degraded, Failing
	Healthy       bool      `json:"healthy"`
	Working       int       `json:"working"` // counting replicas that are up
	Required      int       `json:"required"`
	Replicas      []Replica `json:"replicas"`
	Journal       Journal   `json:"journal"`
	Module        Module    `json:"module"`
	Scrub         Scrub     `json:"scrub"`
	Lost          Lost      `json:"lost"`
	Log           Log       `json:"log"`
	Anchor        Anchor    `json:"anchor"`
	Disagreements uint64    `json:"disagreements"` // of the module and the reference implementation, since the start
	Warnings      []string  `json:"warnings"`
	Version       string    `json:"version"`
	UptimeSeconds int64     `json:"uptime_seconds"`

	// Ready: acknowledgements can be given. A host that has lost an event is not
	// healthy, and should be sent requests all the same: it serves what it has, and
	// storing the event again is what brings it back.
	Ready bool `json:"-"`
}

// A Replica is one place's part of it.
type Replica struct {
	Name        string     `json:"name"`
	Kind        string     `json:"kind"`
	Counts      bool       `json:"counts"`
	Up          bool       `json:"up"`         // false, too, where it can be read and is full or read-only
	Breaker     string     `json:"breaker"`    // closed, open, half-open
	LatencyMS   float64    `json:"latency_ms"` // of late, smoothed
	Backlog     int        `json:"backlog"`    // events that it is owed
	LastError   string     `json:"last_error,omitempty"`
	LastErrorAt *time.Time `json:"last_error_at,omitempty"`
	Findings

	calls, failures uint64
	refuses         bool // full or read-only
}

// Findings count what reads found wrong with a place since the start. A cache
// misses what it was not given or has forgotten, which is its right.
type Findings struct {
	BadCopies     uint64 `json:"bad_copies"`
	MissingCopies uint64 `json:"missing_copies"`
	LateReads     uint64 `json:"late_reads"` // that another place answered first, long after it was asked
}

// Journal is the journal's part of it.
type Journal struct {
	OK       bool   `json:"ok"`
	Epoch    string `json:"epoch"`    // of the order in which events have their numbers
	Sequence uint64 `json:"sequence"` // of the event admitted last
	Pending  int    `json:"pending"`  // copies that are owed, of all places
	Error    string `json:"error,omitempty"`
}

// Module is the module's part of it.
type Module struct {
	Version   string `json:"version"`
	SHA256    string `json:"sha256"`
	ABI       int    `json:"abi"`
	Instances int    `json:"instances"`

	stats module.Stats
}

// Scrub is what is known of scrubs: of the one that is under way, and of the
// last one that was complete, whichever process ran it.
type Scrub struct {
	Running  bool      `json:"running"`
	Sequence uint64    `json:"sequence"` // that it has come to, 0 when none is under way
	Target   uint64    `json:"target"`   // that it is to come to
	Last     *Scrubbed `json:"last"`     // nil: there was none
}

// Scrubbed is what came of a scrub.
type Scrubbed struct {
	Finished time.Time `json:"finished"`
	Clean    bool      `json:"clean"`    // every copy was found to be good
	Events   uint64    `json:"events"`   // looked at
	Lost     uint64    `json:"lost"`     // events of which no good copy was found anywhere
	Unread   uint64    `json:"unread"`   // events of which none was found where some place did not answer
	Invalid  uint64    `json:"invalid"`  // events that the module or the second opinion refuses now
	Repaired uint64    `json:"repaired"` // copies
	Failed   uint64    `json:"failed"`   // copies that could not be repaired, and are owed
}

// Options say what to look at. All but Findings, Scrub, Transparency, Anchor,
// Folders and Log are needed.
type Options struct {
	Places        []replica.Place
	Journal       journal.Journal
	Module        *module.Pool
	MinRedundancy int
	Disagreements func() uint64
	Findings      func(place string) Findings        // nil: nothing is found
	Scrub         func() Scrub                       // nil: there are none
	Transparency  func(context.Context) log.State    // nil: there is no log
	Anchor        func(context.Context) anchor.State // nil: nothing is anchored
	AnchorEvery   time.Duration                      // between two heads that are
	Notices       func() []string                    // of what is out of order elsewhere, in words; nil: nothing is
	Folders       map[string]string                  // of places that are folders of this machine, by name
	Version       string
	Log           *slog.Logger // nil: slog.Default()
}

// How old what is told may be, how long a place may have been silent before it
// is asked, and how long it has to answer. A probe of a breaker has its own time.
const (
	fresh        = time.Second
	silent       = 2 * time.Second
	checkTimeout = 2 * time.Second
)

// A Monitor tells the Health of one host. It is safe for concurrent use.
type Monitor struct {
	o       Options
	started time.Time
	module  Module
	shared  []string // warnings that hold for as long as the host runs

	mu     sync.Mutex // one look at a time; the others wait for it and share it
	seen   Health
	seenAt time.Time
	asked  map[string]asked
}

// asked is what a place said when it was asked directly.
type asked struct {
	at   time.Time
	took time.Duration
	err  error
}

// New returns a monitor. It tells the log at once what is wrong with the setup.
func New(o Options) *Monitor {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	m := &Monitor{o: o, started: time.Now(), module: describe(o.Module), asked: map[string]asked{}}
	m.shared = sharedDevices(o.Places, o.Folders)
	for _, w := range m.shared {
		o.Log.Warn(w)
	}
	if l, err := m.lost(context.Background()); err == nil && l.Events > 0 {
		o.Log.Error("events are lost: nobody has a good copy of them; "+heal, "first", l.First, "total", l.Events)
	}
	return m
}

// Health returns how the host is, at most a second old. It takes no longer
// than the slowest place that has to be asked, and ctx.
func (m *Monitor) Health(ctx context.Context) Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seenAt.IsZero() || time.Since(m.seenAt) >= fresh {
		// A caller that leaves must not leave a wrong picture to the others.
		look, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*checkTimeout)
		m.seen = m.look(look)
		cancel()
		m.seenAt = time.Now()
	}
	h := m.seen
	h.UptimeSeconds = int64(time.Since(m.started) / time.Second)
	h.Replicas, h.Warnings = slices.Clone(h.Replicas), slices.Clone(h.Warnings)
	return h
}

func (m *Monitor) look(ctx context.Context) Health {
	h := Health{
		Required: m.o.MinRedundancy, Version: m.o.Version, Module: m.module, Disagreements: m.o.Disagreements(),
		Warnings: append([]string{}, m.shared...), Replicas: make([]Replica, len(m.o.Places)),
	}
	h.Module.stats = m.o.Module.Stats()
	h.Module.Instances = h.Module.stats.Instances
	backlog := m.journal(ctx, &h)
	m.ask(ctx)
	for i, p := range m.o.Places {
		r := m.place(p)
		r.Backlog = backlog[p.Name]
		if r.refuses {
			h.Warnings = append(h.Warnings, fmt.Sprintf("%s stores nothing, and can be read: %s", p.Name, r.LastError))
		}
		if r.Up && r.Counts {
			h.Working++
		}
		h.Replicas[i] = r
	}
	h.Ready = h.Working >= h.Required && h.Journal.OK && h.Disagreements == 0
	late := m.transparency(ctx, &h)
	late = m.anchored(ctx, &h) || late
	h.Healthy = h.Ready && h.Lost.Events == 0 && h.Log.State != log.Stopped
	h.Status = OK
	switch {
	case !h.Healthy:
		h.Status = Failing
	case late, slices.ContainsFunc(h.Replicas, func(r Replica) bool { return !r.Up }):
		h.Status = Degraded
	}
	if m.o.Notices != nil {
		if notices := m.o.Notices(); len(notices) > 0 {
			h.Warnings = append(h.Warnings, notices...)
			if h.Status == OK {
				h.Status = Degraded
			}
		}
	}
	if j, ok := m.o.Journal.(interface{ Reserved() uint64 }); ok && j.Reserved() > 0 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("%d events of the log are not here, only their numbers: no replica had them when the journal was rebuilt; "+
			"eventseal reindex --from one that has them, or storing them again, brings them back", j.Reserved()))
		if h.Status == OK {
			h.Status = Degraded
		}
	}
	if n := h.Lost.Events; n > 0 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("%d events are lost: this host took them, and no replica has a good copy any more; %s", n, heal))
	}
	if m.o.Scrub != nil {
		h.Scrub = m.o.Scrub()
	}
	if l := h.Scrub.Last; l != nil && l.Lost+l.Invalid > 0 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("the scrub of %s found %d events without a good copy and %d that are refused now; its log names them",
			l.Finished.Format(time.RFC3339), l.Lost, l.Invalid))
	}
	if h.Disagreements > 0 {
		h.Warnings = append(h.Warnings, fmt.Sprintf("the module and the reference implementation disagreed on %d events", h.Disagreements))
	}
	return h
}

// journal fills the journal's part in and returns what each place is owed.
func (m *Monitor) journal(ctx context.Context, h *Health) map[string]int {
	last, err := m.o.Journal.Last(ctx)
	var backlog map[string]int
	if err == nil {
		backlog, err = m.o.Journal.Backlog(ctx)
	}
	var lost error
	if h.Lost, lost = m.lost(ctx); err == nil {
		err = lost
	}
	if j, ok := m.o.Journal.(interface{ Failure() error }); ok && err == nil {
		err = j.Failure()
	}
	h.Journal = Journal{OK: err == nil, Epoch: m.o.Journal.Epoch(), Sequence: last}
	if err != nil {
		h.Journal.Error = err.Error()
	}
	known := map[string]bool{}
	for _, p := range m.o.Places {
		known[p.Name] = true
	}
	for name, n := range backlog {
		h.Journal.Pending += n
		if !known[name] && n > 0 {
			h.Warnings = append(h.Warnings, fmt.Sprintf("%d events are owed to %s, which is not configured", n, name))
		}
	}
	slices.Sort(h.Warnings[len(m.shared):])
	return backlog
}

// lost asks the journal which events are.
func (m *Monitor) lost(ctx context.Context) (Lost, error) {
	l := Lost{First: []string{}}
	loser, ok := m.o.Journal.(journal.Loser)
	if !ok {
		return l, nil
	}
	es, total, err := loser.Lost(ctx, 0, firstLost)
	l.Events = total
	for _, e := range es {
		l.First = append(l.First, e.Hash.String())
	}
	return l, err
}

// ask checks the places of which nothing was heard of late, all at once. A
// place whose breaker is open is not asked: the breaker probes it.
func (m *Monitor) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var wg sync.WaitGroup
	answers := make([]asked, len(m.o.Places)) // Health holds m.mu: the map is not for these goroutines
	for i, p := range m.o.Places {
		s, watched := breaker.StateOf(p.Replica)
		if watched && (s.Breaker != breaker.Closed || time.Since(s.LastSuccessAt) < silent) {
			continue
		}
		if a := m.asked[p.Name]; a.err == nil && time.Since(a.at) < silent/2 {
			continue
		}
		wg.Go(func() {
			began := time.Now()
			err := p.Replica.Check(ctx)
			answers[i] = asked{at: began, took: time.Since(began), err: err}
		})
	}
	wg.Wait()
	for i, p := range m.o.Places {
		if !answers[i].at.IsZero() {
			m.asked[p.Name] = answers[i]
		}
	}
}

// place puts together what the breaker saw and what the place said.
func (m *Monitor) place(p replica.Place) Replica {
	r := Replica{Name: p.Name, Kind: p.Kind, Counts: p.Counts, Breaker: breaker.Closed, Up: true}
	a := m.asked[p.Name]
	s, watched := breaker.StateOf(p.Replica)
	if watched {
		r.Breaker, r.calls, r.failures = s.Breaker, s.Calls, s.Failures
		r.LatencyMS = milliseconds(s.Latency)
		r.LastError = s.LastError
		if !s.LastErrorAt.IsZero() {
			at := s.LastErrorAt.UTC()
			r.LastErrorAt = &at
		}
		r.Up = s.Breaker == breaker.Closed
		if s.Refuses != "" { // it can be read, and no acknowledgement can be had from it
			r.Up, r.LastError, r.refuses = false, s.Refuses, true
		}
	}
	if a.err != nil && (!watched || a.at.After(s.LastSuccessAt)) {
		r.Up = false
		at := a.at.UTC()
		r.LastError, r.LastErrorAt = cmp.Or(r.LastError, a.err.Error()), &at
	}
	if !watched {
		r.LatencyMS = milliseconds(a.took)
	}
	if m.o.Findings != nil {
		r.Findings = m.o.Findings(p.Name)
	}
	r.LastError = strings.ToValidUTF8(r.LastError, "�")
	return r
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
