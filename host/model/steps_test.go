package model

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/placement"
	"github.com/eventseal/eventseal/host/scrub"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A step is something that happens. It returns what it was, for people.
type step struct {
	weight int
	name   string
	run    func(m *model, r *rand.Rand) (string, error)
}

// steps are those of hosts and their users; harms, those of everybody else.
var steps_ = []step{
	{30, "put", (*model).put},
	{7, "put batch", (*model).putBatch},
	{22, "read", (*model).read},
	{5, "read batch", (*model).readBatch},
	{3, "query", (*model).query},
	{12, "wait", (*model).wait},
	{9, "mood", (*model).mood},
	{9, "heal", (*model).heal},
	{9, "harm", (*model).harm},
	{2, "snapshot", (*model).snapshot},
	{2, "scrub", (*model).scrub},
	{1, "part of a scrub", (*model).scrubPart},
	{2, "restart", (*model).restart},
	{2, "kill in the middle", (*model).killWithin},
	{1, "clock", (*model).clock},
	{1, "failed commit", (*model).failCommit},
}

func choose(steps []step, r *rand.Rand) step {
	sum := 0
	for _, s := range steps {
		sum += s.weight
	}
	n := r.IntN(sum)
	for _, s := range steps {
		if n -= s.weight; n < 0 {
			return s
		}
	}
	panic("unreachable")
}

// own is how many events users of the host store.
const own = single + double2

// pick is an event and one of its records.
func (m *model) pick(r *rand.Rand) (i, variant int) {
	i = r.IntN(own)
	if n := r.IntN(4); n == 0 {
		i = single + r.IntN(double2)
	}
	return i, r.IntN(2) % len(m.events[i].variants)
}

func (m *model) put(r *rand.Rand) (string, error) {
	i, variant := m.pick(r)
	wait := []intake.Wait{intake.Quorum, intake.Quorum, intake.Quorum, intake.All, intake.Journaled}[r.IntN(5)]
	could := m.could(i, variant)
	receipt, err := m.host.intake.Store(ctx, m.events[i].variants[variant].Record(), wait)
	synctest.Wait()
	name := fmt.Sprintf("event %d.%d, wait=%s: durable %d, %v", i, variant+1, wait, receipt.Durable, err)
	if err := m.acted(); err != nil {
		return name, err
	}
	if err := m.answered(i, receipt, err, wait); err != nil {
		return name, err
	}
	if wait == intake.Quorum && err != nil && could {
		return name, fmt.Errorf("the store was refused although %d places work: %w", m.required, err)
	}
	return name, nil
}

// could reports whether a store of one of the event's records must succeed now.
func (m *model) could(i, variant int) bool {
	n, steady := 0, true
	first := m.view.bytes[i] || m.view.entry[i] == nothing || m.view.entry[i] == firstOne+copyKind(variant)
	for k, s := range m.sites {
		c := m.view.copies[i][k]
		steady = steady && m.steady(s)
		first = first || c == m.view.entry[i] && m.steady(s)
		if s.counts && m.steady(s) && !(c.good() && m.view.entry[i] != nothing && c != m.view.entry[i]) {
			n++
		}
	}
	if m.view.entry[i] == nothing {
		for k, s := range m.sites {
			if s.counts && m.view.copies[i][k].good() && len(m.events[i].variants) > 1 {
				return false // which record the journal will follow is not known yet
			}
			_ = k
		}
	}
	// The journal's record has to be found, or to be gone for certain.
	return n >= m.required && (first || steady) && m.host.journal.Failure() == nil && !m.host.failing
}

// answered checks what a store was answered.
func (m *model) answered(i int, r intake.Receipt, err error, wait intake.Wait) error {
	e := &m.events[i]
	if err != nil {
		var short *intake.InsufficientError
		if errors.As(err, &short) {
			m.journaled[i] = true
		}
		return nil
	}
	m.journaled[i] = true
	if m.view.entry[i] == nothing {
		return fmt.Errorf("event %d was acknowledged, and the journal does not know it", e.number)
	}
	n := m.holders(i)
	switch {
	case wait != intake.Journaled && n < m.required:
		return fmt.Errorf("event %d was acknowledged with durable %d, and only %d of %d counting places hold it: %v (journal: %v)", e.number, r.Durable, n, m.required, m.view.copies[i], m.view.entry[i])
	case wait == intake.Journaled && !m.view.bytes[i] && m.believed(i) < m.required && !slices.ContainsFunc(m.view.copies[i], copyKind.good):
		return fmt.Errorf("event %d was journaled, and nobody has it: %v (journal: %v)", e.number, m.view.copies[i], m.view.entry[i])
	}
	return nil
}

func (m *model) putBatch(r *rand.Rand) (string, error) {
	n := 1 + r.IntN(12)
	which := make([]int, n)
	var records [][]byte
	for k := range which {
		var variant int
		which[k], variant = m.pick(r)
		records = append(records, m.events[which[k]].variants[variant].Record())
	}
	out := m.host.intake.StoreBatch(ctx, records, intake.Quorum)
	synctest.Wait()
	failed := 0
	for _, s := range out {
		if s.Err != nil {
			failed++
		}
	}
	name := fmt.Sprintf("events %v: %d not acknowledged", which, failed)
	if err := m.acted(); err != nil {
		return name, err
	}
	for k, s := range out {
		if err := m.answered(which[k], s.Receipt, s.Err, intake.Quorum); err != nil {
			return name, err
		}
	}
	return name, nil
}

func (m *model) read(r *rand.Rand) (string, error) {
	i := r.IntN(all)
	v, err := m.host.reader.Event(ctx, m.events[i].hash)
	var record []byte
	if err == nil {
		record = v.Record()
	}
	name := fmt.Sprintf("event %d: %v", i, err)
	if err := m.served(i, record, err); err != nil {
		return name, err
	}
	synctest.Wait()
	return name, m.acted()
}

// served checks what a read was answered, by what was there before it.
func (m *model) served(i int, record []byte, err error) error {
	e := &m.events[i]
	if err == nil {
		if k := e.kind(record); !k.good() {
			return fmt.Errorf("event %d was served, and what was served is not it", e.number)
		}
		return nil
	}
	var there, at, away string
	if m.view.bytes[i] {
		at = "the journal"
	}
	for k, s := range m.sites {
		switch {
		case !m.view.copies[i][k].good() || s.folder != nil && s.folder.estranged:
		case m.view.entry[i] != nothing && m.view.copies[i][k] != m.view.entry[i]:
			there = s.name // served when nobody can have the journal's
		case m.reachable(s):
			at = s.name
		case !s.cache():
			there = s.name
		}
		if s.now() != well || time.Since(s.changed) < settling || time.Since(s.touched) < settling {
			away = s.name
		}
	}
	gone := errors.Is(err, &code.Error{Code: code.NotFound}) || errors.Is(err, &code.Error{Code: code.Corrupt})
	switch {
	case at != "":
		return fmt.Errorf("event %d was not served, and %s has it: %w", e.number, at, err)
	case there != "" && gone && time.Since(m.site(there).touched) >= settling:
		return fmt.Errorf("event %d is said to be gone, and %s, which is away, has it: %w", e.number, there, err)
	case there != "" && away == "":
		return fmt.Errorf("event %d was not served, and %s has it under another signature: %w", e.number, there, err)
	case !gone && away == "" && !errors.Is(err, &code.Error{Code: code.Unavailable}):
		return fmt.Errorf("event %d: every place works: %w", e.number, err)
	}
	return nil
}

func (m *model) readBatch(r *rand.Rand) (string, error) {
	n := 1 + r.IntN(10)
	var hs []digest.Hash
	which := make([]int, n)
	for k := range which {
		which[k] = r.IntN(all)
		hs = append(hs, m.events[which[k]].hash)
	}
	name, k := fmt.Sprintf("events %v", which), 0
	for v, err := range m.host.reader.Events(ctx, hs) {
		var record []byte
		if err == nil {
			record = v.Record()
		}
		if err := m.served(which[k], record, err); err != nil {
			return name, err
		}
		k++
	}
	if k != n {
		return name, fmt.Errorf("%d answers for %d", k, n)
	}
	synctest.Wait()
	return name, m.acted()
}

// query walks along, page by page.
func (m *model) query(r *rand.Rand) (string, error) {
	page := 1 + r.IntN(9)
	f := journal.Filter{Limit: page}
	if r.IntN(2) == 0 {
		f.Authors = [][34]byte{m.events[0].variants[0].Meta().AuthorKey}
	}
	seen := map[digest.Hash]bool{}
	for {
		es, err := m.host.journal.Query(ctx, f)
		if err != nil {
			return "", err
		}
		for _, e := range es {
			if e.Sequence <= f.After || seen[e.Hash] {
				return "", fmt.Errorf("number %d comes after %d, or twice", e.Sequence, f.After)
			}
			f.After, seen[e.Hash] = e.Sequence, true
		}
		if len(es) < page {
			break
		}
	}
	want := 0
	for i, k := range m.view.entry {
		if k != nothing && (f.Authors == nil || m.events[i].variants[0].Meta().AuthorKey == f.Authors[0]) {
			want++
		}
	}
	name := fmt.Sprintf("pages of %d: %d events", page, len(seen))
	if len(seen) != want {
		return name, fmt.Errorf("a reader who walks along finds %d of %d events", len(seen), want)
	}
	return name, nil
}

func (m *model) wait(r *rand.Rand) (string, error) {
	d := []time.Duration{10 * time.Millisecond, 300 * time.Millisecond, 1200 * time.Millisecond, 6 * time.Second, 15 * time.Second, time.Minute}[r.IntN(6)]
	time.Sleep(d)
	synctest.Wait()
	return d.String(), m.acted()
}

func (m *model) scrub(r *rand.Rand) (string, error) {
	report, err := m.host.runner.Run(ctx, scrub.Request{ReadOnly: r.IntN(5) == 0, FillCaches: r.IntN(3) == 0})
	synctest.Wait()
	name := fmt.Sprintf("%d events, %d lost, %d unread, %v", report.Events, report.Lost, report.Unread, err)
	if err != nil && m.host.journal.Failure() == nil {
		return name, fmt.Errorf("a scrub was cut short: %w", err)
	}
	return name, m.acted()
}

// scrubPart ends a scrub in the middle; the next one goes on.
func (m *model) scrubPart(r *rand.Rand) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m.host.gate.after(1+r.IntN(12), cancel)
	report, err := m.host.runner.Run(ctx, scrub.Request{})
	m.host.gate.after(1, func() {})
	synctest.Wait()
	return fmt.Sprintf("%d events, %v", report.Events, err), m.acted()
}

func (m *model) clock(r *rand.Rand) (string, error) {
	m.skew += time.Duration(r.Int64N(int64(4*time.Hour))) - 2*time.Hour
	return "it is " + m.wall().Format(time.TimeOnly), nil
}

func (m *model) failCommit(*rand.Rand) (string, error) {
	m.host.mu.Lock()
	m.host.failing = true
	m.host.mu.Unlock()
	return "the next one", nil
}

// restart ends the host, cleanly or not, lets things happen while it is down, and starts another one.
func (m *model) restart(r *rand.Rand) (string, error) {
	name := "cleanly"
	synctest.Wait()
	if r.IntN(2) == 0 {
		name = "killed"
		power := r.IntN(2) == 0
		if power {
			name = "power cut"
		}
		if err := m.kill(power); err != nil {
			return name, err
		}
	} else if err := m.close(); err != nil {
		return name, err
	}
	return m.down(name, r)
}

// down is what happens between one host and the next.
func (m *model) down(name string, r *rand.Rand) (string, error) {
	if err := m.acted(); err != nil {
		return name, err
	}
	if r.IntN(2) == 0 {
		time.Sleep([]time.Duration{time.Second, time.Minute}[r.IntN(2)])
	}
	for range r.IntN(3) {
		what, err := m.harm(r)
		if name += "; " + what; err != nil {
			return name, err
		}
	}
	if r.IntN(4) == 0 {
		what, err := m.harmJournal(r)
		if name += "; " + what; err != nil {
			return name, err
		}
	}
	if m.stale && r.IntN(2) == 0 {
		what, err := m.reindex(r)
		if name += "; " + what; err != nil {
			return name, err
		}
	}
	return name, m.start()
}

// mendDisks has folders work that a host could not open, which it would say.
func (m *model) mendDisks() {
	for _, s := range m.sites {
		if m := s.now(); s.folder != nil && (m == unsynced || m == full) {
			s.feel(well)
		}
	}
}

// insist opens a host. It may refuse while places that have to be told apart do not work.
func (m *model) insist(whole bool) error {
	err := m.open(whole)
	if err == nil {
		return nil
	}
	for _, s := range m.sites {
		if s.now() != well {
			s.feel(well)
			err = nil
		}
	}
	if err == nil {
		err = m.open(whole)
	}
	if err != nil {
		return fmt.Errorf("the host does not start although all places work: %w", err)
	}
	return nil
}

// start starts a host.
func (m *model) start() error {
	m.mendDisks()
	// Somebody has to tell how far the journal was: a place that was asked to keep
	// that when the last host ended, which a killed one did not.
	told := false
	for _, s := range m.sites {
		told = told || s.marking && s.now() == well
	}
	if m.replaced && !told {
		clear(m.numbers)
	}
	m.replaced = false
	if err := m.insist(true); err != nil {
		return err
	}
	m.again()
	synctest.Wait()
	return m.acted()
}

// reindex rebuilds what the journal lacks from every place that answers, one after the other.
func (m *model) reindex(r *rand.Rand) (string, error) {
	name := "reindexed"
	m.mendDisks()
	if err := m.insist(false); err != nil {
		return name, err
	}
	whole := true
	if err := placement.Bind(ctx, m.placing()); err != nil {
		return name + ": " + err.Error(), m.close() // as the command ends while a place that has to be told apart does not work
	}
	for _, k := range r.Perm(len(m.sites)) {
		done, err := scrub.Reindex(ctx, scrub.ReindexOptions{Module: m.pool, Journal: m.host.journal, From: m.host.places[k], Places: m.host.places, Log: m.log})
		whole = whole && err == nil
		name += fmt.Sprintf(" %s (%d)", m.sites[k].name, done.Restored)
	}
	m.stale = m.stale && !whole
	m.again()
	if err := m.acted(); err != nil {
		return name, err
	}
	return name, m.close()
}

// killWithin kills the host in the middle of a store or of a scrub: at some
// call to a place, or some step of a file.
func (m *model) killWithin(r *rand.Rand) (string, error) {
	i, variant := m.pick(r)
	var receipt intake.Receipt
	var err error
	m.host.gate.arm(1 + r.IntN(14))
	var done bool
	name := fmt.Sprintf("storing event %d.%d", i, variant+1)
	if r.IntN(3) == 0 {
		name = "scrubbing"
		done = m.call(func() { _, err = m.host.runner.Run(ctx, scrub.Request{}) })
	} else if done = m.call(func() { receipt, err = m.host.intake.Store(ctx, m.events[i].variants[variant].Record(), intake.Quorum) }); done && m.host.gate.disarm() {
		synctest.Wait()
		if e := m.acted(); e != nil {
			return name, e
		}
		if e := m.answered(i, receipt, err, intake.Quorum); e != nil {
			return name, e
		}
	}
	synctest.Wait()
	if done {
		name += ", and after it"
	}
	if err := m.kill(r.IntN(2) == 0); err != nil {
		return name, err
	}
	return m.down(name, r)
}
