package model

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Moods of a place: how it treats those who call it.
type mood uint8

const (
	well     mood = iota
	down          // every call fails at once
	silent        // no call returns
	slow          // every call takes two seconds
	full          // nothing can be stored
	flaky         // every third call fails, half of those after they were done
	lying         // puts say yes and store nothing
	unsynced      // of a folder: syncs fail
	moods
)

var moodNames = [...]string{"well", "down", "silent", "slow", "full", "flaky", "lying", "unsynced"}

func (m mood) String() string { return moodNames[m] }

var errDown = errors.New("model: connection refused")

// A site is a place of the world: it outlives the hosts, and the test may look
// at what it holds, and do anything to it.
type site struct {
	name, kind string
	counts     bool
	folder     *folder // of kind local; nil: a double, whose contents are box

	mu    sync.Mutex
	mood  mood
	calls int
	box   *box
	lied  map[digest.Hash]time.Time // when a put of it was swallowed last

	changed time.Time // when the mood was, last
	touched time.Time // when somebody other than the host changed what it holds, last
	marking bool      // when the last host ended well, it knew how far the journal was
	broken  bool      // its syncs failed: it may store nothing until a host opens it anew

	old       *box   // a snapshot; nil: none
	oldFolder string // "": none
}

// cache reports whether the site may forget what it was given.
func (s *site) cache() bool { return s.kind == "redis" && !s.counts }

// A box is what a double holds.
type box struct {
	id     string
	copies map[digest.Hash]held
	marks  map[string]string
}

type held struct {
	record  []byte
	sum     [sha256.Size]byte // of what was put
	kept    bool              // an IPFS node has pinned it
	expires time.Time         // zero: never
}

func newBox() *box { return &box{copies: map[digest.Hash]held{}, marks: map[string]string{}} }

func (b *box) clone() *box { return &box{b.id, maps.Clone(b.copies), maps.Clone(b.marks)} }

// get returns what is held now.
func (b *box) get(h digest.Hash) (held, bool) {
	c, ok := b.copies[h]
	if ok && !c.expires.IsZero() && !time.Now().Before(c.expires) {
		delete(b.copies, h)
		return held{}, false
	}
	return c, ok
}

func newSite(name, kind string, counts bool) *site {
	s := &site{name: name, kind: kind, counts: counts, lied: map[digest.Hash]time.Time{}}
	if kind != "local" {
		s.box = newBox()
	}
	return s
}

// feel sets the mood.
func (s *site) feel(m mood) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mood != m {
		s.mood, s.changed = m, time.Now()
	}
}

// now is the mood.
func (s *site) now() mood {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mood
}

// enter is the beginning of a call of a host; after is its error when it was done all the same.
func (s *site) enter(ctx context.Context, g *gate) (before, after error) {
	if err := ctx.Err(); err != nil {
		return err, nil
	}
	if err := g.pass(); err != nil {
		return err, nil
	}
	s.mu.Lock()
	m := s.mood
	s.calls++
	n := s.calls
	s.mu.Unlock()
	switch {
	case m == down:
		return errDown, nil
	case m == silent:
		<-ctx.Done()
		return ctx.Err(), nil
	case m == slow:
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return ctx.Err(), nil
		}
	case m == flaky && n%6 == 0:
		return errDown, nil
	case m == flaky && n%6 == 3:
		return nil, errDown
	}
	return nil, nil
}

// put stores one record in the box, as a place does.
func (s *site) put(h digest.Hash, record []byte, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.mood {
	case full:
		return fmt.Errorf("model: %w", replica.ErrFull)
	case lying:
		s.lied[h] = time.Now()
		return nil
	}
	old, ok := s.box.get(h)
	if ok && !replica.Damaged(h, old.record) && !bytes.Equal(old.record, record) && (s.kind != "ipfs" || sha256.Sum256(old.record) == old.sum) {
		return fmt.Errorf("model: %w", replica.ErrConflict)
	}
	c := held{record: bytes.Clone(record), sum: sha256.Sum256(record), kept: true}
	if ttl > 0 {
		c.expires = time.Now().Add(ttl)
	}
	s.box.copies[h] = c
	return nil
}

// get reads one record from the box.
func (s *site) get(h digest.Hash) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.box.get(h)
	switch {
	case !ok:
		return nil, fmt.Errorf("model: %w", replica.ErrNotFound)
	case s.kind == "ipfs" && sha256.Sum256(c.record) != c.sum:
		return nil, fmt.Errorf("model: %w", replica.ErrCorrupt) // a block is checked against its name
	}
	return bytes.Clone(c.record), nil
}

// hashes lists the box in the order of the hashes.
func (s *site) hashes() []digest.Hash {
	s.mu.Lock()
	defer s.mu.Unlock()
	var hs []digest.Hash
	for h := range s.box.copies {
		if _, ok := s.box.get(h); ok {
			hs = append(hs, h)
		}
	}
	slices.SortFunc(hs, func(a, b digest.Hash) int { return bytes.Compare(a[:], b[:]) })
	return hs
}
