package model

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/local"
)

// mood has a place behave in another way, until it is healed.
func (m *model) mood(r *rand.Rand) (string, error) {
	s := m.sites[r.IntN(len(m.sites))]
	to := mood(1 + r.IntN(int(moods)-1))
	if to == unsynced {
		if s.folder == nil {
			to = down
		} else {
			s.broken = true
		}
	}
	s.feel(to)
	return fmt.Sprintf("%s is %v", s.name, to), nil
}

// heal ends the moods of some place, or of all.
func (m *model) heal(r *rand.Rand) (string, error) {
	k := r.IntN(2 * len(m.sites))
	if k < len(m.sites) {
		m.sites[k].feel(well)
		return m.sites[k].name, nil
	}
	for _, s := range m.sites {
		s.feel(well)
	}
	return "all", nil
}

// A harm is what somebody does to a place's contents. It returns "" where there
// was nothing to do it to.
var harms = []struct {
	weight int
	run    func(m *model, s *site, r *rand.Rand) (string, error)
}{
	{3, (*model).lose}, {3, (*model).loseOne}, {5, (*model).damage}, {2, (*model).forge}, {2, (*model).resign}, {1, (*model).unpin},
	{3, (*model).rollBack}, {2, (*model).swap}, {1, (*model).duplicate}, {2, (*model).replace},
}

func (m *model) harm(r *rand.Rand) (string, error) {
	synctest.Wait()
	if err := m.acted(); err != nil {
		return "", err
	}
	sum := 0
	for _, h := range harms {
		sum += h.weight
	}
	n, s := r.IntN(sum), m.sites[r.IntN(len(m.sites))]
	for _, h := range harms {
		if n -= h.weight; n >= 0 {
			continue
		}
		what, err := h.run(m, s, r)
		if err != nil || what == "" {
			return "none", err
		}
		s.touched, s.marking = time.Now(), false
		return s.name + " " + what, m.touched()
	}
	panic("unreachable")
}

func (m *model) lose(s *site, r *rand.Rand) (string, error) {
	switch way := r.IntN(2); {
	case s.folder == nil:
		s.box = newBox()
		return "is emptied", nil
	case way == 0:
		return "is moved away", s.folder.become("")
	}
	return "is emptied", s.folder.empty()
}

// some returns an event of which the site has a copy that pleases, -1 for none.
func (m *model) some(s *site, r *rand.Rand, pleases func(copyKind) bool) int {
	k := slices.Index(m.sites, s)
	for _, i := range r.Perm(len(m.events)) {
		if pleases(m.view.copies[i][k]) {
			return i
		}
	}
	return -1
}

func (m *model) loseOne(s *site, r *rand.Rand) (string, error) {
	i := m.some(s, r, func(c copyKind) bool { return c != nothing })
	if i < 0 || s.folder != nil {
		return "", nil
	}
	delete(s.box.copies, m.events[i].hash)
	return fmt.Sprintf("loses event %d", i), nil
}

func (m *model) damage(s *site, r *rand.Rand) (string, error) {
	i := m.some(s, r, copyKind.good)
	if i < 0 {
		return "", nil
	}
	record := m.record(i, m.view.copies[i][slices.Index(m.sites, s)])
	at := r.IntN(len(record))
	if s.folder != nil {
		if found, err := s.folder.harm(record, at); err != nil || !found {
			return "", err
		}
	} else {
		m.overwrite(s, i, func(b []byte) { b[at] ^= 4 })
	}
	return fmt.Sprintf("has a bit of event %d wrong", i), nil
}

func (m *model) record(i int, k copyKind) []byte { return m.events[i].variants[k-firstOne].Record() }

func (m *model) overwrite(s *site, i int, change func(b []byte)) {
	c := s.box.copies[m.events[i].hash]
	c.record = bytes.Clone(c.record)
	change(c.record)
	s.box.copies[m.events[i].hash] = c
}

// forge changes the signature alone: only the module can tell.
func (m *model) forge(s *site, r *rand.Rand) (string, error) {
	i := m.some(s, r, copyKind.good)
	if i < 0 || s.folder != nil || s.kind == "ipfs" {
		return "", nil
	}
	m.overwrite(s, i, func(b []byte) {
		at := bytes.Index(b, []byte(`"sig":"SIG_`)) + 30
		if b[at]++; !strings.Contains("23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", string(b[at])) {
			b[at] = '2'
		}
	})
	return fmt.Sprintf("has a signature of event %d forged", i), nil
}

// resign puts the other valid signature there, as another host of the bucket does.
func (m *model) resign(s *site, r *rand.Rand) (string, error) {
	k := slices.Index(m.sites, s)
	var those []int
	for i, e := range m.events {
		if len(e.variants) > 1 && m.view.copies[i][k].good() {
			those = append(those, i)
		}
	}
	if len(those) == 0 || s.folder != nil {
		return "", nil
	}
	i := those[r.IntN(len(those))]
	other := firstOne + secondOne - m.view.copies[i][k]
	delete(s.box.copies, m.events[i].hash)
	mood := s.mood
	s.mood = well
	err := s.put(m.events[i].hash, m.record(i, other), 0)
	s.mood = mood
	return fmt.Sprintf("has event %d under the other signature", i), err
}

func (m *model) unpin(s *site, r *rand.Rand) (string, error) {
	i := m.some(s, r, copyKind.good)
	if i < 0 || s.kind != "ipfs" {
		return "", nil
	}
	c := s.box.copies[m.events[i].hash]
	c.kept = false
	s.box.copies[m.events[i].hash] = c
	return fmt.Sprintf("has event %d unpinned", i), nil
}

// snapshot keeps what a place, or the journal, is now.
func (m *model) snapshot(r *rand.Rand) (string, error) {
	synctest.Wait()
	k := r.IntN(len(m.sites) + 1)
	if k == len(m.sites) {
		m.oldJournal = filepath.Join(m.base, "old-journal")
		return "the journal", m.copyJournal(m.oldJournal, m.data)
	}
	s := m.sites[k]
	if s.folder == nil {
		s.old = s.box.clone()
		return s.name, nil
	}
	s.oldFolder = filepath.Join(m.base, "old-"+s.name)
	return s.name, s.folder.snapshot(s.oldFolder)
}

func (m *model) rollBack(s *site, _ *rand.Rand) (string, error) {
	switch {
	case s.folder == nil && s.old != nil:
		s.box = s.old.clone()
	case s.folder != nil && s.oldFolder != "":
		if err := s.folder.become(s.oldFolder); err != nil {
			return "", err
		}
	default:
		return "", nil
	}
	m.stale = m.stale || len(m.numbers) > 1 // it may have what another journal knew
	return "is rolled back", nil
}

// swap exchanges two places of a kind.
func (m *model) swap(s *site, r *rand.Rand) (string, error) {
	other := m.sibling(s, r)
	if other == nil {
		return "", nil
	}
	other.touched, other.marking = time.Now(), false
	if s.folder == nil {
		s.box, other.box = other.box, s.box
		return "is swapped with " + other.name, nil
	}
	return "is swapped with " + other.name, s.folder.swap(other.folder)
}

func (m *model) sibling(s *site, r *rand.Rand) *site {
	for _, k := range r.Perm(len(m.sites)) {
		if o := m.sites[k]; o != s && o.kind == s.kind && o.counts == s.counts {
			return o
		}
	}
	return nil
}

// duplicate makes the place a copy of another one.
func (m *model) duplicate(s *site, r *rand.Rand) (string, error) {
	other := m.sibling(s, r)
	if other == nil {
		return "", nil
	}
	if s.folder == nil {
		s.box = other.box.clone()
		return "is replaced by a copy of " + other.name, nil
	}
	at := filepath.Join(m.base, "duplicate")
	return "is replaced by a copy of " + other.name, cmpErr(other.folder.snapshot(at), s.folder.become(at), os.RemoveAll(at))
}

// replace makes the place that of another host.
func (m *model) replace(s *site, _ *rand.Rand) (string, error) {
	const id = "0123456789abcdef0123456789abcdef"
	if s.folder == nil {
		s.box = newBox()
		s.box.id = id
		for i := own; i < all; i++ {
			if err := (&site{kind: s.kind, box: s.box}).put(m.events[i].hash, m.record(i, firstOne), 0); err != nil {
				return "", err
			}
		}
		return "is replaced by another host's", nil
	}
	at := filepath.Join(m.base, "anothers")
	if err := os.RemoveAll(at); err != nil {
		return "", err
	}
	l, err := local.Open(at, local.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return "", err
	}
	for i := own; i < all && err == nil; i++ {
		_, err = l.Put(ctx, m.events[i].variants[0])
	}
	if d, ok := replica.Replica(l).(replica.Identified); ok && err == nil {
		err = d.Identify(ctx, id)
	}
	return "is replaced by another host's", cmpErr(err, l.Close(), s.folder.become(at))
}

// copyJournal puts the journal's files of one folder in the place of those of another.
func (m *model) copyJournal(dst, src string) error {
	if err := os.MkdirAll(dst, 0o700); err != nil {
		return err
	}
	if err := removeJournal(dst); err != nil {
		return err
	}
	for _, name := range []string{"journal.db", "journal.db-wal"} {
		b, err := os.ReadFile(filepath.Join(src, name))
		if os.IsNotExist(err) {
			continue
		}
		if err := cmpErr(err, os.WriteFile(filepath.Join(dst, name), b, 0o600)); err != nil {
			return err
		}
	}
	return nil
}

func removeJournal(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "journal.db*"))
	for _, f := range files {
		err = cmpErr(err, os.Remove(f))
	}
	return err
}

// harmJournal loses the journal, or puts another one in its place. No host runs.
func (m *model) harmJournal(r *rand.Rand) (what string, err error) {
	switch r.IntN(3) {
	case 0:
		what, err = "the journal is lost", removeJournal(m.data)
	case 1:
		if m.oldJournal == "" {
			return "", nil
		}
		what, err = "the journal is rolled back", m.copyJournal(m.data, m.oldJournal)
	case 2:
		at := filepath.Join(m.base, "anothers-journal")
		if _, e := os.Stat(at); e != nil {
			var names []string
			for _, s := range m.sites {
				names = append(names, s.name)
			}
			if err := cmpErr(os.MkdirAll(at, 0o700), anothersJournal(at, m.events[own:], names)); err != nil {
				return "", err
			}
		}
		what, err = "the journal is another host's", m.copyJournal(m.data, at)
	}
	m.stale, m.replaced = true, true
	for i := range m.events {
		m.view.entry[i], m.view.bytes[i] = nothing, false
	}
	return what, err
}
