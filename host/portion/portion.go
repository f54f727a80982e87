// Package portion remembers how much of a batch passes at once, for whoever
// sends batches somewhere that may find them too large or take too long over
// them.
package portion

import "sync"

// after is how many portions in a row have to pass after one that failed before
// a larger one is tried.
const after = 32

// A Size bounds the portions that a batch is sent in, by bytes and by items.
// What fails halves it; what passes doubles it, but not soon after a failure. It
// is safe for concurrent use.
type Size struct {
	most bounds

	mu     sync.Mutex
	now    bounds
	before bounds // what it was before it was halved; zero: it was not, lately
	passed int    // since then
}

type bounds struct{ items, bytes int }

// New returns a size of so many items and bytes that grows up to the most.
func New(items, bytes, mostItems, mostBytes int) *Size {
	most := bounds{mostItems, mostBytes}
	return &Size{most: most, now: bounds{min(items, mostItems), min(bytes, mostBytes)}}
}

// Bytes returns the bound of a portion; a single item has none.
func (s *Size) Bytes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now.bytes
}

// Take returns how many of n items, of which each has a size, make the next
// portion, at least one where there are any, and their bytes.
func (s *Size) Take(n int, size func(i int) int) (items, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for items < n && items < s.now.items {
		b := size(items)
		if items > 0 && bytes+b > s.now.bytes {
			break
		}
		items++
		bytes += b
	}
	return items, bytes
}

// Passed is told of a portion that passed with time to spare: twice as much may.
func (s *Size) Passed(items, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != (bounds{}) {
		if s.passed++; s.passed < after {
			return
		}
		s.before = bounds{}
	}
	s.now.items = max(s.now.items, min(2*items, s.most.items))
	s.now.bytes = max(s.now.bytes, min(2*bytes, s.most.bytes))
}

// Failed is told of a portion that did not pass: half of it may. Several that
// were under way at once and fail together halve it once.
func (s *Size) Failed(items, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before == (bounds{}) {
		s.before = s.now
	}
	s.passed = 0
	s.now.items = min(s.now.items, max(items/2, 1))
	s.now.bytes = min(s.now.bytes, max(bytes/2, 1))
}

// Blame is told that an item alone is refused: what failed of late failed
// because of it, and not because it was too much.
func (s *Size) Blame() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != (bounds{}) {
		s.now, s.before = s.before, bounds{}
	}
}
