package sqlite

import (
	"cmp"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/eventseal/eventseal/host/module"
)

// A block holds what a search compares of 512 events that follow each other,
// column by column: some 5 KB instead of an index entry per event and filter,
// written once, when its last event is admitted. Whatever filters are
// combined, the work for a million events is bounded by a pass over two
// thousand blocks, and posts leaves out those that cannot match. Blocks never
// change. One in which a number is reserved is open: it is written when the last
// of its events has come, and searched event by event until then.
//
// Columns, integers little-endian:
//
//	types, authors: number n of different values (2 bytes), the values (8 bytes
//	                each), then for each event the value's place (1 byte while n ≤ 256, else 2)
//	created:        least value (8 bytes), width (1 byte), then for each event
//	                its distance from the least (width bytes: 1, 2, 4 or 8)
//	parents:        for each parent of each event: the event's place (2 bytes), term (8 bytes)
const blockEvents = 512

// A row is what a search compares of one event.
type row struct {
	kind    int64 // names.id of the type
	created uint64
	author  int64 // term
	parents []int64
	none    bool // the number is reserved
}

// A termKey makes terms: 64-bit digests under a random key of this journal,
// so that nobody can make two authors or parents that share one.
type termKey [32]byte

const (
	termAuthor = 'a'
	termParent = 'p'
	termType   = 't'
)

func (k *termKey) term(kind byte, value []byte) int64 {
	b := make([]byte, 0, 80)
	b = append(b, k[:]...)
	b = append(b, kind)
	b = append(b, value...)
	sum := sha256.Sum256(b)
	return int64(binary.LittleEndian.Uint64(sum[:]))
}

func (k *termKey) typeTerm(id int64) int64 {
	return k.term(termType, binary.LittleEndian.AppendUint64(nil, uint64(id)))
}

func (k *termKey) row(kind int64, m *module.Meta) row {
	r := row{kind: kind, created: m.CreatedAt, author: k.term(termAuthor, m.AuthorKey[:])}
	for _, p := range m.Parents {
		r.parents = append(r.parents, k.term(termParent, p[:]))
	}
	return r
}

func (w *writer) loadTerms() error {
	return w.c.query(`SELECT value FROM settings WHERE name = 'term key'`, nil, func(v []driver.Value) error {
		copy(w.j.terms[:], v[0].([]byte))
		return nil
	})
}

// loadTail reads the term key and the events that no block holds yet.
func (w *writer) loadTail() error {
	if err := w.loadTerms(); err != nil {
		return err
	}
	packed := int64(0)
	err := w.c.query(`SELECT max(block) FROM blocks`, nil, func(v []driver.Value) error {
		if b, ok := v[0].(int64); ok {
			packed = b + 1
		}
		return nil
	})
	if err != nil {
		return err
	}
	if packed, err = w.loadOpen(packed); err != nil {
		return err
	}
	w.j.packed.Store(packed)
	for low := packed*blockEvents + 1; low <= int64(w.last); low += blockEvents {
		rows, err := w.readRows(low, min(low+blockEvents-1, int64(w.last)))
		if err != nil {
			return err
		}
		w.tail = append(w.tail, rows...)
	}
	return nil
}

// pack moves full blocks of the tail to the tables, and open ones whose last
// event has come.
func (w *writer) pack() error {
	for len(w.tail) >= blockEvents {
		rows := w.tail[:blockEvents]
		block := (int64(w.last) - int64(len(w.tail))) / blockEvents
		if n := holes(rows); n > 0 {
			w.opened[block] = n
		} else if err := w.packRows(block, rows); err != nil {
			return err
		}
		// The array is kept until the transaction's end: a rollback takes the tail back.
		w.tail = w.tail[blockEvents:]
	}
	for block, n := range w.opened {
		if n >= 0 || w.j.open[block]+n > 0 {
			continue
		}
		rows, err := w.readRows(block*blockEvents+1, (block+1)*blockEvents)
		if damaged(err) {
			continue // it stays open
		}
		if err == nil {
			err = w.packRows(block, rows)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// packRows writes a block.
func (w *writer) packRows(block int64, rows []row) error {
	b := encode(rows)
	w.blocks[block] = &b
	if err := w.c.exec(`INSERT INTO blocks VALUES (?,?,?,?,?,?,?)`, block, int64(b.low), int64(b.high), b.types, b.created, b.authors, b.parents); err != nil {
		return err
	}
	terms := termsOf(&w.j.terms, rows)
	posts := make([]driver.Value, 0, 2*len(terms))
	for _, t := range terms {
		posts = append(posts, t, block)
	}
	return w.rows(insertPosts, 2, posts)
}

// termsOf returns what occurs in rows, each once and in order: neighbours in
// the tree are written together.
func termsOf(k *termKey, rows []row) []int64 {
	terms := make([]int64, 0, 2*blockEvents)
	for _, r := range rows {
		terms = append(append(terms, k.typeTerm(r.kind), r.author), r.parents...)
	}
	slices.Sort(terms)
	return slices.Compact(terms)
}

// columns are a block's bytes, or some of them.
type columns struct {
	has                              columnSet
	low, high                        uint64
	types, created, authors, parents []byte
}

type columnSet int

const (
	hasTypes columnSet = 1 << iota
	hasCreated
	hasAuthors
	hasParents
	hasAll = 1<<iota - 1
)

func encode(rows []row) columns {
	c := columns{has: hasAll, low: rows[0].created, parents: []byte{}}
	types, authors := make([]int64, len(rows)), make([]int64, len(rows))
	for i, r := range rows {
		types[i], authors[i] = r.kind, r.author
		c.low, c.high = min(c.low, r.created), max(c.high, r.created)
		for _, p := range r.parents {
			c.parents = binary.LittleEndian.AppendUint16(c.parents, uint16(i))
			c.parents = binary.LittleEndian.AppendUint64(c.parents, uint64(p))
		}
	}
	c.types, c.authors = encodeValues(types), encodeValues(authors)
	width := byte(8)
	for _, w := range []byte{4, 2, 1} {
		if c.high-c.low < 1<<(8*w) {
			width = w
		}
	}
	c.created = append(binary.LittleEndian.AppendUint64(nil, c.low), width)
	for _, r := range rows {
		c.created = append(c.created, binary.LittleEndian.AppendUint64(nil, r.created-c.low)[:width]...)
	}
	return c
}

func encodeValues(vs []int64) []byte {
	dict := slices.Clone(vs)
	slices.Sort(dict)
	dict = slices.Compact(dict)
	b := binary.LittleEndian.AppendUint16(nil, uint16(len(dict)))
	for _, v := range dict {
		b = binary.LittleEndian.AppendUint64(b, uint64(v))
	}
	for _, v := range vs {
		i, _ := slices.BinarySearchFunc(dict, v, cmp.Compare[int64])
		b = append(b, byte(i))
		if len(dict) > 256 {
			b = append(b, byte(i>>8))
		}
	}
	return b
}

var errBlock = errors.New("a block of the index is damaged")

// A mask has a bit for each event of a block that still may match.
type mask [blockEvents / 64]uint64

func (m *mask) set(i int) { m[i>>6] |= 1 << (i & 63) }
func (m *mask) and(o *mask) {
	for i := range m {
		m[i] &= o[i]
	}
}

// valuesIn marks the events whose value is one of want, which is sorted.
func valuesIn(b []byte, want []int64, m *mask) error {
	if len(b) < 2 {
		return errBlock
	}
	n := int(binary.LittleEndian.Uint16(b))
	width := 1
	if n > 256 {
		width = 2
	}
	if n > blockEvents || len(b) != 2+8*n+width*blockEvents {
		return errBlock
	}
	var wanted [blockEvents]bool
	found := 0
	for i := range n {
		if _, ok := slices.BinarySearch(want, int64(binary.LittleEndian.Uint64(b[2+8*i:]))); ok {
			wanted[i] = true
			found++
		}
	}
	if found == 0 {
		return nil
	}
	places := b[2+8*n:]
	for i := range blockEvents {
		var p int
		if width == 1 {
			p = int(places[i])
		} else {
			p = int(binary.LittleEndian.Uint16(places[2*i:]))
		}
		if p < n && wanted[p] {
			m.set(i)
		}
	}
	return nil
}

// createdIn marks the events created at since … until, both included.
func createdIn(b []byte, since, until uint64, m *mask) error {
	if len(b) < 9 {
		return errBlock
	}
	low, width := binary.LittleEndian.Uint64(b), int(b[8])
	if width < 1 || width > 8 || len(b) != 9+width*blockEvents {
		return errBlock
	}
	b = b[9:]
	for i := range blockEvents {
		var d uint64
		for k := width - 1; k >= 0; k-- {
			d = d<<8 | uint64(b[i*width+k])
		}
		if at := low + d; since <= at && at <= until {
			m.set(i)
		}
	}
	return nil
}

// parentsIn marks the events that have one of want as a parent.
func parentsIn(b []byte, want []int64, m *mask) error {
	if len(b)%10 != 0 {
		return errBlock
	}
	for ; len(b) > 0; b = b[10:] {
		if _, ok := slices.BinarySearch(want, int64(binary.LittleEndian.Uint64(b[2:]))); ok {
			i := int(binary.LittleEndian.Uint16(b))
			if i >= blockEvents {
				return errBlock
			}
			m.set(i)
		}
	}
	return nil
}
