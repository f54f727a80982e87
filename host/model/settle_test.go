package model

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/scrub"
)

// settle ends all faults, has the host look after itself and a scrub after
// everything, and then wants all that anybody has to be everywhere, and what
// nobody has to be said to be lost.
func (m *model) settle(r *rand.Rand) (string, error) {
	name := ""
	for _, s := range m.sites {
		s.feel(well)
	}
	m.host.mu.Lock()
	m.host.failing = false
	m.host.mu.Unlock()
	synctest.Wait()
	restart := r.IntN(2) == 0 || m.host.journal.Failure() != nil
	for _, s := range m.sites {
		restart = restart || s.broken
	}
	if restart || m.stale {
		if err := m.close(); err != nil {
			return name, err
		}
		if err := m.acted(); err != nil {
			return name, err
		}
		if m.stale {
			what, err := m.reindex(r)
			if name += what; err != nil {
				return name, err
			}
			if m.stale {
				return name, fmt.Errorf("every place works, and not every one could be reindexed")
			}
		}
		if err := m.start(); err != nil {
			return name, err
		}
	}
	pause := func(d time.Duration) error {
		time.Sleep(d)
		synctest.Wait()
		return m.acted()
	}
	if err := pause(2 * time.Minute); err != nil {
		return name, err
	}
	saved := make([]bool, len(m.events)) // whoever has it
	for i := range m.events {
		saved[i] = m.view.bytes[i]
		for k := range m.sites {
			saved[i] = saved[i] || m.view.copies[i][k].good()
		}
	}
	if r.IntN(3) == 0 {
		name += " imported again"
		if err := m.importAll(saved); err != nil {
			return name, err
		}
	}
	for n := 0; ; n++ {
		report, err := m.host.runner.Run(ctx, scrub.Request{})
		if err != nil {
			return name, fmt.Errorf("the scrub was cut short: %w", err)
		}
		if err := pause(30 * time.Second); err != nil {
			return name, err
		}
		if err = m.complete(saved); err == nil && n > 0 { // the first one may have gone on with an interrupted one
			break
		}
		if n == 3 && err != nil {
			return name, fmt.Errorf("after %d scrubs and two minutes more: %w; the last scrub: %+v", n+1, err, report)
		}
	}
	return name, m.believes(saved)
}

// importAll stores everything that was ever journaled again, as from an export.
func (m *model) importAll(saved []bool) error {
	for i := range m.events[:own] {
		if !m.journaled[i] {
			continue
		}
		variant := 0
		if k := m.view.entry[i]; k.good() {
			variant = int(k - firstOne)
		}
		could := m.could(i, variant)
		receipt, err := m.host.intake.Store(ctx, m.events[i].variants[variant].Record(), intake.Quorum)
		synctest.Wait()
		if e := m.acted(); e != nil {
			return e
		}
		if e := m.answered(i, receipt, err, intake.Quorum); e != nil {
			return fmt.Errorf("importing: %w", e)
		}
		if err != nil && could {
			return fmt.Errorf("event %d could not be imported again: %w", i, err)
		}
		var short *intake.InsufficientError
		saved[i] = saved[i] || err == nil || errors.As(err, &short) && m.view.bytes[i]
	}
	return nil
}

// complete wants every place that lasts to have what anybody had.
func (m *model) complete(saved []bool) error {
	for i := range m.events {
		if !saved[i] {
			continue
		}
		if m.view.entry[i] == nothing {
			if i >= own || m.onlyCached(i) {
				continue // another host's, whose place was put here; or what a cache happens to have
			}
			return fmt.Errorf("the journal does not know event %d: %v", i, m.view.copies[i])
		}
		for k, s := range m.sites {
			if c := m.view.copies[i][k]; !s.cache() && !c.good() {
				return fmt.Errorf("%s has no good copy of event %d: %v (journal: %v)", s.name, i, m.view.copies[i], m.view.entry[i])
			}
		}
	}
	return nil
}

func (m *model) onlyCached(i int) bool {
	for k, s := range m.sites {
		if !s.cache() && m.view.copies[i][k].good() {
			return false
		}
	}
	return !m.view.bytes[i]
}

// believes wants the journal to know what is so.
func (m *model) believes(saved []bool) error {
	gone := map[int]bool{}
	es, total, err := m.host.journal.Lost(ctx, 0, 1000)
	if err != nil || total != uint64(len(es)) {
		return fmt.Errorf("%d of %d lost events: %w", len(es), total, err)
	}
	for _, e := range es {
		i := m.find(e)
		if gone[i] = true; saved[i] {
			return fmt.Errorf("event %d is said to be lost: %v, in the journal: %v", i, m.view.copies[i], m.view.bytes[i])
		}
	}
	if h := m.host.health.Health(ctx); (h.Status == health.Failing) != (total > 0) {
		return fmt.Errorf("%d events are lost, and health is %q: %v", total, h.Status, h.Warnings)
	}
	for i := range m.events {
		if m.view.entry[i] == nothing {
			continue
		}
		if !saved[i] && !gone[i] {
			return fmt.Errorf("nobody has event %d, and it is not said to be lost", i)
		}
		_, copies, err := m.host.journal.Get(ctx, m.events[i].hash)
		if err != nil {
			return err
		}
		for k, s := range m.sites {
			state := m.state(copies, s)
			switch c := m.view.copies[i][k]; {
			case state.State.Held() && c != m.view.entry[i] && !s.cache():
				return fmt.Errorf("event %d is believed to be at %s, which has %v (journal: %v): %+v", i, s.name, c, m.view.entry[i], copies)
			case saved[i] && state.State.Owed() && !(c.good() && m.having(i) < m.required): // another record is at the place, and keeps the journal's there
				return fmt.Errorf("%s is owed event %d for ever: it has %v (journal: %v): %+v", s.name, i, c, m.view.entry[i], state)
			}
		}
	}
	return nil
}

// having counts the counting places that have the journal's record.
func (m *model) having(i int) (n int) {
	for k, s := range m.sites {
		if s.counts && m.view.copies[i][k] == m.view.entry[i] {
			n++
		}
	}
	return n
}

func (m *model) state(copies []journal.Copy, s *site) (c journal.Copy) {
	for _, c := range copies {
		if c.Replica == s.name {
			return c
		}
	}
	return c
}
