package retrieve

import (
	"encoding/binary"
	"sync"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// shards of the cache, each with its own lock and its part of the bytes. The
// hash is what chooses one, so an author could aim at one; that costs others
// cached records and nothing else.
const shards = 64

// overhead is about what an entry takes beside its record: metadata, texts, map.
const overhead = 600

// A cache holds the records that were read or stored last, up to a number of
// bytes.
type cache struct{ shards [shards]shard }

type shard struct {
	mu           sync.Mutex
	limit, bytes int
	entries      map[digest.Hash]*entry
	root         entry // of the ring: next is the most recent, prev the least
	hits, misses uint64
}

type entry struct {
	v          module.Verified
	prev, next *entry
}

func newCache(bytes int) *cache {
	c := &cache{}
	for i := range c.shards {
		s := &c.shards[i]
		s.limit, s.entries = bytes/shards, map[digest.Hash]*entry{}
		s.root.prev, s.root.next = &s.root, &s.root
	}
	return c
}

func (c *cache) shard(h digest.Hash) *shard {
	return &c.shards[binary.LittleEndian.Uint32(h[4:])%shards]
}

func (c *cache) get(h digest.Hash) (module.Verified, bool) {
	s := c.shard(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[h]
	if e == nil {
		s.misses++
		return module.Verified{}, false
	}
	s.hits++
	e.unlink()
	s.push(e)
	return e.v, true
}

func (c *cache) add(v module.Verified) {
	h := v.Hash()
	s := c.shard(h)
	size := overhead + len(v.Record())
	if size > s.limit {
		return // also: no cache
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[h]
	if e != nil {
		e.unlink()
		if e.v.Meta().RecordDigest == v.Meta().RecordDigest {
			s.push(e)
			return
		}
		// A journal that was lost may have got another signature first.
		s.bytes -= overhead + len(e.v.Record())
	}
	e = &entry{v: v}
	s.entries[h] = e
	s.push(e)
	for s.bytes += size; s.bytes > s.limit; {
		last := s.root.prev
		last.unlink()
		delete(s.entries, last.v.Hash())
		s.bytes -= overhead + len(last.v.Record())
	}
}

func (s *shard) push(e *entry) {
	e.prev, e.next = &s.root, s.root.next
	e.prev.next, e.next.prev = e, e
}

func (e *entry) unlink() { e.prev.next, e.next.prev = e.next, e.prev }

// stats sums up the shards.
func (c *cache) stats() (bytes int, hits, misses uint64) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		bytes, hits, misses = bytes+s.bytes, hits+s.hits, misses+s.misses
		s.mu.Unlock()
	}
	return bytes, hits, misses
}
