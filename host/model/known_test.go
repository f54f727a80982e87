package model

import (
	"errors"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// lately is how long a copy that the host has confirmed may be believed in
// (SECURITY.md), with what a test needs on top.
const lately = 1100 * time.Millisecond

// settling is how long after its mood or its contents have changed a place may
// still be taken for what it was: breakers probe, and what nobody had is not
// asked for again for a while.
const settling = 8 * time.Second

// A view is what is in the world at one moment.
type view struct {
	copies [][]copyKind // by event and site
	entry  []copyKind   // by event: the record that the journal knows; nothing: it does not know the event
	bytes  []bool       // by event: the journal has its record
}

// A model is what is known of a world beside what can be seen in it.
type model struct {
	*world
	events []event
	view   view

	begun      time.Time     // of the step that is under way
	journaled  []bool        // by event: some host said that it has it
	injured    [][]time.Time // by event and site: when somebody took a good copy away, unless there is one again
	numbers    map[string][]int
	walked     uint64 // numbers of the present epoch that were looked at
	epoch      string
	oldJournal string // a snapshot's folder; "": none
	stale      bool   // the journal was lost or replaced, and nothing was reindexed since
	replaced   bool   // the journal was, and no host has started since
}

func newModel(w *world, es []event) *model {
	m := &model{world: w, events: es, journaled: make([]bool, len(es)), numbers: map[string][]int{}}
	m.injured = make([][]time.Time, len(es))
	for i := range m.injured {
		m.injured[i] = make([]time.Time, len(w.sites))
	}
	m.view = m.blank()
	return m
}

func (m *model) blank() view {
	v := view{make([][]copyKind, len(m.events)), make([]copyKind, len(m.events)), make([]bool, len(m.events))}
	for i := range v.copies {
		v.copies[i] = make([]copyKind, len(m.sites))
	}
	return v
}

// look sees what is there.
func (m *model) look() (view, error) {
	v := m.blank()
	for k, s := range m.sites {
		for i := range m.events {
			var b []byte
			if s.folder != nil {
				var err error
				if b, err = s.folder.get(m.events[i].hash); err != nil {
					return v, fmt.Errorf("looking at %s: %w", s.name, err)
				}
			} else {
				s.mu.Lock()
				if c, ok := s.box.get(m.events[i].hash); ok {
					b = c.record
				}
				s.mu.Unlock()
			}
			v.copies[i][k] = m.events[i].kind(b)
		}
	}
	if m.host == nil {
		copy(v.entry, m.view.entry)
		copy(v.bytes, m.view.bytes)
		return v, nil
	}
	for i := range m.events {
		e, _, err := m.host.journal.Get(ctx, m.events[i].hash)
		if errors.Is(err, journal.ErrNotFound) {
			continue
		}
		if err != nil {
			return v, err
		}
		v.entry[i] = m.events[i].of(e.RecordDigest)
		b, err := m.host.journal.Record(ctx, m.events[i].hash)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return v, err
		}
		v.bytes[i] = err == nil && m.events[i].kind(b) == v.entry[i]
	}
	return v, nil
}

// touched notes what somebody other than the host did: what was good and is
// not is nobody's fault.
func (m *model) touched() error {
	v, err := m.look()
	if err != nil {
		return err
	}
	m.note(v)
	for i := range v.copies {
		for k, c := range v.copies[i] {
			if m.view.copies[i][k].good() && c != m.view.copies[i][k] {
				m.injured[i][k] = time.Now()
			}
		}
	}
	m.view = v
	return nil
}

// note forgets injuries that have healed.
func (m *model) note(v view) {
	for i := range v.copies {
		for k, c := range v.copies[i] {
			if c.good() && (v.entry[i] == nothing || c == v.entry[i]) {
				m.injured[i][k] = time.Time{}
			}
		}
	}
}

// lied reports whether the site swallowed the event not longer ago than that,
// and since it had it last.
func (m *model) lied(i, k int, ago time.Duration) bool {
	s := m.sites[k]
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.lied[m.events[i].hash]
	return ok && m.begun.Sub(at) <= ago
}

// acted checks what hosts did since the last look: none of it may have lost
// anything.
func (m *model) acted() error {
	v, err := m.look()
	if err != nil {
		return err
	}
	old := m.view
	m.note(v)
	m.view = v
	for i, e := range m.events {
		had, has := old.bytes[i], v.bytes[i]
		for k, s := range m.sites {
			was, is := old.copies[i][k], v.copies[i][k]
			had = had || was.good() && !s.cache()
			has = has || is.good()
			if was.good() && !is.good() && !s.cache() && s.now() != flaky {
				return fmt.Errorf("the host took the good copy of event %d away from %s, which holds %v now", e.number, s.name, is)
			}
		}
		if had && !has && m.believed(i) < m.required {
			return fmt.Errorf("the host has lost the last copy of event %d", e.number)
		}
		if old.bytes[i] && !v.bytes[i] && v.entry[i] == old.entry[i] && v.entry[i] != nothing {
			if n := m.believed(i); n < m.required {
				return fmt.Errorf("the record of event %d has left the journal, and only %d of %d counting places were ever given it: %v (journal: %v)", e.number, n, m.required, v.copies[i], v.entry[i])
			}
		}
	}
	return m.follow()
}

// believed counts the counting places that have the journal's record, or had
// it until somebody took it away.
func (m *model) believed(i int) (n int) {
	for k, s := range m.sites {
		if s.counts && (m.view.copies[i][k] == m.view.entry[i] || !m.injured[i][k].IsZero() || m.lied(i, k, 1<<62)) {
			n++
		}
	}
	return n
}

// holders counts the counting places that have the journal's record, or had it
// a moment ago, or say so.
func (m *model) holders(i int) (n int) {
	for k, s := range m.sites {
		if s.counts && (m.view.copies[i][k] == m.view.entry[i] ||
			!m.injured[i][k].IsZero() && m.begun.Sub(m.injured[i][k]) <= lately || m.lied(i, k, lately)) {
			n++
		}
	}
	return n
}

// follow reads the journal's order as far as it was not read before: no number
// of an epoch may ever stand for another event, and none is left out.
func (m *model) follow() error {
	if m.host == nil {
		return nil
	}
	j := m.host.journal
	if e := j.Epoch(); e != m.epoch {
		m.epoch, m.walked = e, 0
	}
	for {
		es, err := j.Scan(ctx, m.walked, 1000)
		if err != nil {
			return err
		}
		if len(es) == 0 {
			return nil
		}
		for _, e := range es {
			m.walked++
			if e.Sequence != m.walked {
				return fmt.Errorf("number %d follows %d in epoch %s", e.Sequence, m.walked-1, m.epoch)
			}
			known := m.numbers[m.epoch]
			at := m.find(e)
			if at < 0 {
				return fmt.Errorf("number %d is of an event that nobody has stored: %s", e.Sequence, e.Hash)
			}
			switch n := uint64(len(known)); {
			case e.Sequence <= n && known[e.Sequence-1] != at:
				return fmt.Errorf("number %d of epoch %s was event %d and is event %d", e.Sequence, m.epoch, known[e.Sequence-1], at)
			case e.Sequence > n:
				m.numbers[m.epoch] = append(known, at)
			}
		}
	}
}

func (m *model) find(e journal.Entry) int {
	for i := range m.events {
		if m.events[i].hash == e.Hash {
			return i
		}
	}
	return -1
}

// again has the whole order read once more, as after a start.
func (m *model) again() { m.epoch, m.walked = "", 0 }

// reachable reports whether a host that runs can be expected to have what the
// site holds.
func (m *model) reachable(s *site) bool {
	switch s.now() {
	case well, full, lying, unsynced:
	default:
		return false
	}
	return time.Since(s.changed) >= settling && time.Since(s.touched) >= settling && (s.folder == nil || !s.folder.estranged)
}

// steady reports whether the site can be expected to store.
func (m *model) steady(s *site) bool {
	return s.now() == well && !s.broken && time.Since(s.changed) >= 2*settling && time.Since(s.touched) >= 2*settling && (s.folder == nil || !s.folder.estranged)
}
