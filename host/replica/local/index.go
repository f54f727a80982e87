package local

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"github.com/eventseal/eventseal/wasm/digest"
)

// A place says where a frame is: the segment's slot, the frame's offset and its
// size, rounded up, in 20, 27 and 17 bits. Zero is no place.
type place uint64

const (
	slotBits, offsetBits, unitBits = 20, 27, 17
	unit                           = 64 // bytes
	maxSlots                       = 1 << slotBits
	maxOffset                      = 1 << offsetBits
)

func placeOf(slot int, offset, size int64) place {
	units := (size + unit - 1) / unit
	return place(uint64(slot)<<(offsetBits+unitBits) | uint64(offset)<<unitBits | uint64(units))
}

func (p place) slot() int     { return int(p >> (offsetBits + unitBits)) }
func (p place) offset() int64 { return int64(p >> unitBits & (maxOffset - 1)) }

// size is the frame's, at most unit-1 bytes too large.
func (p place) size() int64 { return int64(p&(1<<unitBits-1)) * unit }

// inSlot returns the place with another slot.
func (p place) inSlot(slot int) place {
	return p&(1<<(offsetBits+unitBits)-1) | place(slot)<<(offsetBits+unitBits)
}

// prefixOf is what the index knows of a hash. Two events may share it, by
// someone's effort at least, so every match is checked against the disk.
func prefixOf(h digest.Hash) uint64 { return binary.BigEndian.Uint64(h[:8]) }

type entry struct {
	prefix uint64
	place  place
}

const shards = 256

// An index holds an entry for every held event, 18 to 23 bytes each. It grows
// by shards, so that no growing takes long. It has no lock of its own.
type index struct {
	seed   uint64
	shards [shards]shard
	count  int
}

// A shard is an open-addressed table with linear probing.
type shard struct {
	entries []entry
	count   int
}

func newIndex() *index { return &index{seed: rand.Uint64()} }

// home returns the shard and, as a fraction of 2^64, the position in it. The
// seed keeps those who choose hashes from choosing positions, too.
func (x *index) home(prefix uint64) (*shard, uint64) {
	hi, lo := bits.Mul64(prefix^x.seed, 0x9e3779b97f4a7c15)
	h := hi ^ lo
	return &x.shards[h>>56], h << 8
}

func (s *shard) at(fraction uint64) int {
	hi, _ := bits.Mul64(fraction, uint64(len(s.entries)))
	return int(hi)
}

func (s *shard) next(i int) int {
	if i++; i == len(s.entries) {
		return 0
	}
	return i
}

// find appends the places that hashes of the prefix are at to dst: none, one,
// or in the rarest case several.
func (x *index) find(prefix uint64, dst []place) []place {
	s, fraction := x.home(prefix)
	if s.count == 0 {
		return dst
	}
	for i := s.at(fraction); s.entries[i].place != 0; i = s.next(i) {
		if s.entries[i].prefix == prefix {
			dst = append(dst, s.entries[i].place)
		}
	}
	return dst
}

// has reports whether there is exactly this entry.
func (x *index) has(prefix uint64, p place) bool {
	_, i := x.locate(prefix, p)
	return i >= 0
}

func (x *index) locate(prefix uint64, p place) (*shard, int) {
	s, fraction := x.home(prefix)
	if s.count == 0 {
		return s, -1
	}
	for i := s.at(fraction); s.entries[i].place != 0; i = s.next(i) {
		if s.entries[i] == (entry{prefix, p}) {
			return s, i
		}
	}
	return s, -1
}

func (x *index) add(prefix uint64, p place) {
	s, fraction := x.home(prefix)
	if (s.count+1)*8 > len(s.entries)*7 {
		x.grow(s)
	}
	s.put(fraction, entry{prefix, p})
	s.count++
	x.count++
}

func (s *shard) put(fraction uint64, e entry) {
	i := s.at(fraction)
	for s.entries[i].place != 0 {
		i = s.next(i)
	}
	s.entries[i] = e
}

func (x *index) grow(s *shard) {
	old := s.entries
	s.entries = make([]entry, max(8, len(old)+len(old)/4))
	for _, e := range old {
		if e.place != 0 {
			_, fraction := x.home(e.prefix)
			s.put(fraction, e)
		}
	}
}

// remove takes the entry out; it reports whether it was there.
func (x *index) remove(prefix uint64, p place) bool {
	s, i := x.locate(prefix, p)
	if i < 0 {
		return false
	}
	// Later entries of the run move up where that brings them nearer to their
	// homes, so that no mark is needed for what was removed.
	n := len(s.entries)
	for j := s.next(i); s.entries[j].place != 0; j = s.next(j) {
		_, fraction := x.home(s.entries[j].prefix)
		if (j-s.at(fraction)+n)%n >= (j-i+n)%n {
			s.entries[i] = s.entries[j]
			i = j
		}
	}
	s.entries[i] = entry{}
	s.count--
	x.count--
	return true
}

// all calls f for every entry.
func (x *index) all(f func(entry)) {
	for i := range x.shards {
		for _, e := range x.shards[i].entries {
			if e.place != 0 {
				f(e)
			}
		}
	}
}

// drop removes all entries whose places are gone.
func (x *index) drop(gone func(place) bool) {
	for i := range x.shards {
		s := &x.shards[i]
		old := s.entries
		x.count -= s.count
		s.entries, s.count = make([]entry, len(old)), 0
		for _, e := range old {
			if e.place != 0 && !gone(e.place) {
				_, fraction := x.home(e.prefix)
				s.put(fraction, e)
				s.count++
			}
		}
		x.count += s.count
	}
}
