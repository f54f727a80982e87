package sqlite

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
)

// Texts of the searching queries; a test holds their plans.
const (
	rangeUp   = `SELECT ` + entryColumns + ` FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`
	rangeDown = `SELECT ` + entryColumns + ` FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?`
	postsUp   = `SELECT block FROM posts WHERE term = ? AND block >= ? ORDER BY block LIMIT ?`
	postsDown = `SELECT block FROM posts WHERE term = ? AND block <= ? ORDER BY block DESC LIMIT ?`
	timesUp   = `SELECT block FROM blocks INDEXED BY blocks_time WHERE high >= ? AND low <= ? AND block >= ? ORDER BY block LIMIT ?`
	timesDown = `SELECT block FROM blocks INDEXED BY blocks_time WHERE high >= ? AND low <= ? AND block <= ? ORDER BY block DESC LIMIT ?`
	// reservedText reads which numbers of a range have no event.
	reservedText = `SELECT seq FROM reserved WHERE seq BETWEEN ? AND ? ORDER BY seq`
)

// A search is a Filter in the terms of the tables.
type search struct {
	j                       *journal.Filter
	types, authors, parents []int64 // sorted; empty: any
	since, until            uint64
	timed                   bool
	low, high               uint64  // sequences, both included
	packed                  int64   // blocks below it are there
	open                    []int64 // or are these, in the order of the search
	lists                   [][]*blockList
	want                    columnSet
	walks                   bool   // what is reserved is gone past, and noted:
	reserved                []span // in the order of the search
}

// search resolves f. ok is false when nothing can match.
func (j *Journal) search(f *journal.Filter) (s *search, ok bool) {
	s = &search{j: f, low: f.After + 1, high: j.last.Load(), packed: j.packed.Load(), until: math.MaxInt64}
	if f.After == math.MaxUint64 {
		return s, false
	}
	if f.Before > 0 {
		s.high = min(s.high, f.Before-1)
	}
	if f.Since != nil {
		s.since, s.timed = *f.Since, true
	}
	if f.Until != nil {
		s.until, s.timed = min(*f.Until, math.MaxInt64), true
	}
	if s.low > s.high || s.since > s.until {
		return s, false
	}
	n := j.names.Load()
	var terms []int64
	for _, t := range f.Types {
		for _, id := range n.typeIDs(t) {
			s.types = append(s.types, id)
			terms = append(terms, j.terms.typeTerm(id))
		}
	}
	if len(f.Types) > 0 && len(s.types) == 0 {
		return s, false // nothing of these types was ever admitted
	}
	for i := range f.Authors {
		s.authors = append(s.authors, j.terms.term(termAuthor, f.Authors[i][:]))
	}
	for i := range f.Parents {
		s.parents = append(s.parents, j.terms.term(termParent, f.Parents[i][:]))
	}
	for _, terms := range [][]int64{s.parents, s.authors, terms} { // the rarest first
		var group []*blockList
		for _, t := range terms {
			group = append(group, j.posts(t, f.Descending))
		}
		if group != nil {
			s.lists = append(s.lists, group)
		}
	}
	if s.timed {
		s.lists = append(s.lists, []*blockList{j.times(s.since, s.until, f.Descending)})
	}
	s.open = j.openBlocks(s)
	for i, v := range [][]int64{s.types, s.authors, s.parents} {
		slices.Sort(v)
		if len(v) > 0 {
			s.want |= []columnSet{hasTypes, hasAuthors, hasParents}[i]
		}
	}
	if s.timed {
		s.want |= hasCreated
	}
	return s, true
}

// Query implements journal.Finder.
func (j *Journal) Query(ctx context.Context, f journal.Filter) ([]journal.Entry, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	if f.Limit < 1 || f.Limit > journal.MaxPage {
		f.Limit = journal.MaxPage
	}
	s, ok := j.search(&f)
	if !ok {
		return nil, nil
	}
	es, err := j.find(ctx, s, f.Limit)
	return es, j.reading("query", err)
}

func (j *Journal) find(ctx context.Context, s *search, limit int) ([]journal.Entry, error) {
	if len(s.lists) == 0 {
		return j.between(ctx, s, s.low, s.high, limit, s.j.Descending)
	}
	var out []journal.Entry
	tail := func() error {
		es, err := j.tail(ctx, s)
		out = s.add(out, es, limit)
		return err
	}
	if s.j.Descending {
		if err := tail(); err != nil || len(out) == limit {
			return out, err
		}
	}
	var seqs []uint64
	load := func() error {
		slices.Sort(seqs)
		es, err := j.bySequence(ctx, nil, seqs)
		if s.j.Descending {
			slices.Reverse(es)
		}
		out = s.add(out, es, limit) // two terms that collide find too much
		seqs = seqs[:0]
		return err
	}
	err := j.walk(ctx, s, func(block int64, m *mask) (more bool, err error) {
		if m == nil { // open
			if err := load(); err != nil || len(out) == limit {
				return false, err
			}
			low, high := s.within(block)
			es, err := j.between(ctx, s, low, high, blockEvents, s.j.Descending)
			out = s.add(out, es, limit)
			return len(out) < limit, err
		}
		marked := appendBits(nil, uint64(block)*blockEvents+1, m, s.j.Descending)
		for len(marked) > 0 && len(out) < limit {
			n := min(limit-len(out)-len(seqs), len(marked))
			seqs, marked = append(seqs, marked[:n]...), marked[n:]
			if len(seqs)+len(out) < limit {
				break
			}
			if err := load(); err != nil {
				return false, err
			}
		}
		return len(out) < limit, nil
	})
	if err == nil && len(out) < limit {
		err = load()
	}
	if err == nil && len(out) < limit && !s.j.Descending {
		err = tail()
	}
	return out, err
}

// add appends those of es that match to out, up to limit.
func (s *search) add(out, es []journal.Entry, limit int) []journal.Entry {
	for i := range es {
		if len(out) < limit && s.matches(&es[i]) {
			out = append(out, es[i])
		}
	}
	return out
}

// within returns which numbers of a block are searched.
func (s *search) within(block int64) (low, high uint64) {
	return max(s.low, uint64(block)*blockEvents+1), min(s.high, uint64(block+1)*blockEvents)
}

// openBlocks returns the open blocks of what s searches, in its order. They are
// looked for after what s goes by: one that has been packed since is still found
// row by row.
func (j *Journal) openBlocks(s *search) (bs []int64) {
	first, last := int64(s.low-1)/blockEvents, min(int64(s.high-1)/blockEvents, s.packed-1)
	j.mu.Lock()
	for b := range j.open {
		if first <= b && b <= last {
			bs = append(bs, b)
		}
	}
	j.mu.Unlock()
	slices.Sort(bs)
	if s.j.Descending {
		slices.Reverse(bs)
	}
	return bs
}

// Count implements journal.Finder. For a filter of types, authors or parents
// it relies on 64-bit terms: two of a million authors share one with a chance
// of one in thirty million.
func (j *Journal) Count(ctx context.Context, f journal.Filter) (uint64, error) {
	if err := j.usable(ctx); err != nil {
		return 0, err
	}
	s, ok := j.search(&f)
	if !ok {
		return 0, nil
	}
	if len(s.lists) == 0 {
		reserved, err := j.reservedIn(ctx, s.low, s.high)
		n := s.high - s.low + 1 // sequence numbers have no other gaps
		for _, r := range reserved {
			n -= uint64(r.high - r.low + 1)
		}
		return n, j.reading("count", err)
	}
	s.walks = true // what is not there is not counted
	es, err := j.tail(ctx, s)
	n := uint64(len(es))
	if err == nil {
		err = j.walk(ctx, s, func(block int64, m *mask) (bool, error) {
			if m == nil {
				low, high := s.within(block)
				es, err := j.between(ctx, s, low, high, blockEvents, false)
				n += uint64(len(s.add(nil, es, blockEvents)))
				return true, err
			}
			for _, w := range m {
				n += uint64(bits.OnesCount64(w))
			}
			return true, nil
		})
	}
	return n, j.reading("count", err)
}

// tail returns what matches of the events that are in no block, at most 511
// and those of the last commit.
func (j *Journal) tail(ctx context.Context, s *search) ([]journal.Entry, error) {
	low := max(s.low, uint64(s.packed)*blockEvents+1)
	if low > s.high {
		return nil, nil
	}
	es, err := j.between(ctx, s, low, s.high, math.MaxInt32, s.j.Descending)
	return slices.DeleteFunc(es, func(e journal.Entry) bool { return !s.matches(&e) }), err
}

// between reads low … high, at most limit of them. What is reserved among them
// is an error, unless s walks: then it notes it.
func (j *Journal) between(ctx context.Context, s *search, low, high uint64, limit int, down bool) (es []journal.Entry, err error) {
	text := rangeUp
	if down {
		text = rangeDown
	}
	for range 3 { // an event may take its number between the two looks
		if es, err = j.entries(ctx, nil, text, int64(low), int64(high), limit); err != nil {
			return nil, err
		}
		from, to := low, high // what es tells of
		if n := len(es); n == limit && down {
			from = es[n-1].Sequence
		} else if n == limit && n > 0 {
			to = es[n-1].Sequence
		}
		gaps := gaps(es, from, to, down)
		if len(gaps) == 0 {
			return es, nil
		}
		var reserved []span
		if reserved, err = j.reservedIn(ctx, from, to); err != nil {
			return nil, err
		}
		switch {
		case !slices.Equal(gaps, reserved):
			err = fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, gaps[0].low)
			continue
		case !s.walks:
			return nil, fmt.Errorf("%w: %d", journal.ErrReserved, gaps[0].low)
		}
		s.note(gaps, down)
		return es, nil
	}
	return nil, err
}

// note notes reserved numbers in the order of the search.
func (s *search) note(ascending []span, down bool) {
	if down {
		slices.Reverse(ascending)
	}
	for _, g := range ascending {
		switch n := len(s.reserved); {
		case n > 0 && !down && s.reserved[n-1].high+1 == g.low:
			s.reserved[n-1].high = g.high
		case n > 0 && down && s.reserved[n-1].low == g.high+1:
			s.reserved[n-1].low = g.low
		default:
			s.reserved = append(s.reserved, g)
		}
	}
}

// reservedIn returns which numbers of a range are reserved.
func (j *Journal) reservedIn(ctx context.Context, low, high uint64) (out []span, err error) {
	if j.reserved.Load() == 0 {
		return nil, nil
	}
	rows, err := j.query(ctx, nil, reservedText, int64(low), int64(high))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		if n := len(out); n > 0 && out[n-1].high+1 == seq {
			out[n-1].high = seq
		} else {
			out = append(out, span{seq, seq})
		}
	}
	return out, rows.Err()
}

// walk calls visit with each block in which something matches, and, without a
// mask, with each open one, in the order of the search, until it returns false.
func (j *Journal) walk(ctx context.Context, s *search, visit func(int64, *mask) (bool, error)) error {
	first, last, step := int64(s.low-1)/blockEvents, int64(s.high-1)/blockEvents, int64(1)
	last = min(last, s.packed-1)
	if s.j.Descending {
		first, last, step = last, first, -1
	}
	previous := int64(-2)
	for b := first; (last-b)*step >= 0; b += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, ok, err := s.next(ctx, b, step)
		if err != nil {
			return err
		}
		if len(s.open) > 0 && (!ok || (next-s.open[0])*step >= 0) {
			b, s.open = s.open[0], s.open[1:]
			if more, err := visit(b, nil); err != nil || !more {
				return err
			}
			continue
		}
		if !ok || (last-next)*step < 0 {
			return nil
		}
		b = next
		c, err := j.block(ctx, b, step, s.want, b == previous+step, s.packed)
		if err != nil {
			return err
		}
		previous = b
		m, err := s.mask(c, b)
		if err != nil {
			return err
		}
		if m == (mask{}) {
			continue
		}
		if more, err := visit(b, &m); err != nil || !more {
			return err
		}
	}
	return nil
}

// next returns the first block from b on that all lists name.
func (s *search) next(ctx context.Context, b, step int64) (int64, bool, error) {
	for {
		at := b
		for _, group := range s.lists {
			best, found := int64(0), false
			for _, l := range group {
				got, ok, err := l.seek(ctx, at)
				if err != nil {
					return 0, false, err
				}
				if ok && (!found || (best-got)*step > 0) {
					best, found = got, true
				}
			}
			if !found {
				return 0, false, nil
			}
			at = best
		}
		if at == b {
			return b, true, nil
		}
		b = at
	}
}

// mask marks the events of a block that match.
func (s *search) mask(c *columns, block int64) (mask, error) {
	var m mask
	first := uint64(block)*blockEvents + 1
	for i := range m {
		m[i] = math.MaxUint64
	}
	if s.low > first || s.high < first+blockEvents-1 {
		m = mask{}
		for i := range uint64(blockEvents) {
			if first+i >= s.low && first+i <= s.high {
				m.set(int(i))
			}
		}
	}
	narrow := func(marked func(*mask) error) error {
		if m == (mask{}) {
			return nil
		}
		var o mask
		err := marked(&o)
		m.and(&o)
		return err
	}
	var err error
	if len(s.parents) > 0 {
		err = narrow(func(o *mask) error { return parentsIn(c.parents, s.parents, o) })
	}
	if len(s.types) > 0 && err == nil {
		err = narrow(func(o *mask) error { return valuesIn(c.types, s.types, o) })
	}
	if len(s.authors) > 0 && err == nil {
		err = narrow(func(o *mask) error { return valuesIn(c.authors, s.authors, o) })
	}
	if s.timed && err == nil {
		err = narrow(func(o *mask) error { return createdIn(c.created, s.since, s.until, o) })
	}
	return m, err
}

// matches compares an entry with the filter itself.
func (s *search) matches(e *journal.Entry) bool {
	f := s.j
	if len(f.Types) > 0 && !slices.Contains(f.Types, e.Type) || len(f.Authors) > 0 && !slices.Contains(f.Authors, e.AuthorKey) {
		return false
	}
	if e.CreatedAt < s.since || e.CreatedAt > s.until {
		return false
	}
	if len(f.Parents) == 0 {
		return true
	}
	for _, p := range e.Parents {
		if slices.Contains(f.Parents, p) {
			return true
		}
	}
	return false
}

// appendBits appends the sequence numbers that m marks.
func appendBits(seqs []uint64, first uint64, m *mask, down bool) []uint64 {
	for k := range m {
		i := k
		if down {
			i = len(m) - 1 - k
		}
		for w := m[i]; w != 0; {
			bit := bits.TrailingZeros64(w)
			if down {
				bit = 63 - bits.LeadingZeros64(w)
			}
			w &^= 1 << bit
			seqs = append(seqs, first+uint64(i*64+bit))
		}
	}
	return seqs
}
