package sqlite

import (
	"context"
	"errors"
	"sync"
)

// A blockList is a sorted list of blocks that is read piece by piece, in the
// direction of a search.
type blockList struct {
	read func(ctx context.Context, from int64, limit int) ([]int64, error)
	down bool
	got  []int64
	end  bool // got is the last piece
	size int
}

// A first page should not pay for a long list, nor a pass for short pieces.
const (
	firstPiece = 32
	lastPiece  = 2048
)

// seek returns the first block of the list from b on, in its direction. Calls
// must not go back.
func (l *blockList) seek(ctx context.Context, b int64) (int64, bool, error) {
	for {
		for len(l.got) > 0 {
			if x := l.got[0]; x >= b && !l.down || x <= b && l.down {
				return x, true, nil
			}
			l.got = l.got[1:]
		}
		if l.end {
			return 0, false, nil
		}
		l.size = min(max(firstPiece, l.size*4), lastPiece)
		var err error
		if l.got, err = l.read(ctx, b, l.size); err != nil {
			return 0, false, err
		}
		l.end = len(l.got) < l.size
	}
}

func (j *Journal) list(ctx context.Context, text string, args ...any) (bs []int64, err error) {
	rows, err := j.query(ctx, nil, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var b int64
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		bs = append(bs, b)
	}
	return bs, rows.Err()
}

// posts lists the blocks in which a term occurs.
func (j *Journal) posts(term int64, down bool) *blockList {
	text := postsUp
	if down {
		text = postsDown
	}
	return &blockList{down: down, read: func(ctx context.Context, from int64, limit int) ([]int64, error) {
		return j.list(ctx, text, term, from, limit)
	}}
}

// times lists the blocks whose span of created_at meets since … until.
func (j *Journal) times(since, until uint64, down bool) *blockList {
	text := timesUp
	if down {
		text = timesDown
	}
	return &blockList{down: down, read: func(ctx context.Context, from int64, limit int) ([]int64, error) {
		return j.list(ctx, text, int64(min(since, 1<<62)), int64(until), from, limit)
	}}
}

// A blockCache holds blocks that were read. They never change.
type blockCache struct {
	mu    sync.Mutex
	held  map[int64]*columns
	bytes int
	limit int
}

// get returns a block that has all the wanted columns.
func (c *blockCache) get(b int64, want columnSet) *columns {
	c.mu.Lock()
	defer c.mu.Unlock()
	if x := c.held[b]; x != nil && x.has&want == want {
		return x
	}
	return nil
}

// put adds what x has of a block and returns all that is held of it.
func (c *blockCache) put(b int64, x *columns) *columns {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.held[b]; old != nil {
		x = x.and(old)
		c.bytes -= old.size()
	}
	c.held[b] = x
	c.bytes += x.size()
	for old, y := range c.held { // whichever comes: a pass over all would defeat any order of age
		if c.bytes <= c.limit {
			break
		}
		delete(c.held, old)
		c.bytes -= y.size()
	}
	return x
}

func (c *columns) size() int {
	return 200 + len(c.types) + len(c.created) + len(c.authors) + len(c.parents)
}

// and returns x with what y has besides.
func (x *columns) and(y *columns) *columns {
	z := *x
	for _, c := range []struct {
		set  columnSet
		z, y *[]byte
	}{{hasTypes, &z.types, &y.types}, {hasCreated, &z.created, &y.created}, {hasAuthors, &z.authors, &y.authors}, {hasParents, &z.parents, &y.parents}} {
		if z.has&c.set == 0 {
			*c.z = *c.y
		}
	}
	z.has |= y.has
	return &z
}

// blockTexts read the columns of a set, NULL for the others: a column that no
// one looks at is some kilobytes not read.
var blockTexts = func() (texts [hasAll + 1]string) {
	for set := range texts {
		text := `SELECT block`
		for i, name := range []string{"types", "created", "authors", "parents"} {
			if columnSet(set)&(1<<i) == 0 {
				name = "NULL"
			}
			text += ", " + name
		}
		texts[set] = text + ` FROM blocks WHERE block BETWEEN ? AND ?`
	}
	return texts
}()

// warm reads the newest blocks until the cache is full: the first search that
// has to pass over all of them would wait some 50 ms per million events.
func (j *Journal) warm(ctx context.Context) error {
	for high := j.packed.Load() - 1; high >= 0; high -= readAhead {
		if j.blocks.full() {
			return nil
		}
		if _, err := j.block(ctx, high, -1, hasAll, true, high+1); err != nil && !errors.Is(err, errBlock) { // an open one is not there
			return err
		}
	}
	return nil
}

func (c *blockCache) full() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes > c.limit-c.limit/8
}

// readAhead blocks are read at once when a search goes from block to block.
const readAhead = 32

// block returns a block below packed, from the cache or the table.
func (j *Journal) block(ctx context.Context, b, step int64, want columnSet, ahead bool, packed int64) (*columns, error) {
	if c := j.blocks.get(b, want); c != nil {
		return c, nil
	}
	low, high := b, b
	if ahead {
		if step > 0 {
			high = min(b+readAhead-1, packed-1)
		} else {
			low = max(b-readAhead+1, 0)
		}
	}
	rows, err := j.query(ctx, nil, blockTexts[want], low, high)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var wanted *columns
	for rows.Next() {
		var at int64
		c := &columns{has: want}
		if err := rows.Scan(&at, &c.types, &c.created, &c.authors, &c.parents); err != nil {
			return nil, err
		}
		c = j.blocks.put(at, c)
		if at == b {
			wanted = c
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if wanted == nil {
		return nil, errBlock
	}
	return wanted, nil
}
