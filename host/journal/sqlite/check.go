package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A checker compares the parts of the file with each other. What it compares
// never changes once it was written, so it looks at a part at a time, and holds
// back nobody's checkpoint for long but for SQLite's own check.
type checker struct {
	ctx   context.Context
	j     *Journal
	c     *conn
	names *names
	seed  maphash.Seed
	found []string
}

// maxFound bounds what one Check says.
const maxFound = 100

func (k *checker) say(format string, args ...any) {
	if len(k.found) < maxFound {
		k.found = append(k.found, fmt.Sprintf(format, args...))
	}
}

// Check implements journal.Walker.
func (j *Journal) Check(ctx context.Context) ([]string, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	name, err := dsn(j.path, "mode=ro&"+j.guarded, "busy_timeout(1000)", "query_only(1)", "mmap_size(0)", "cache_size(-8192)")
	if err != nil {
		return nil, err
	}
	c, err := connect(name)
	if err != nil {
		return nil, j.reading("check", err)
	}
	defer c.close()
	k := &checker{ctx: ctx, j: j, c: c, names: j.names.Load(), seed: maphash.MakeSeed()}
	for _, part := range []func() error{k.pages, k.quick, k.events, k.copies, k.posts} {
		if err := part(); err != nil && !damaged(err) {
			return k.found, j.reading("check", err)
		} else if err != nil {
			k.say("%v", err)
		}
	}
	return k.found, nil
}

// pages compares each page of the file with its sum, also those that nothing uses.
func (k *checker) pages() error {
	f := k.j.file
	p := make([]byte, pageBytes)
	if _, err := f.ReadAt(p[:headerBytes], 0); err != nil || !hasSums(p) {
		return err // from before there were sums
	}
	for page := uint32(1); k.ctx.Err() == nil; page++ {
		var v verdict
		for range 4 { // a checkpoint may be writing it
			n, err := f.ReadAt(p, int64(page-1)*pageBytes)
			if n == 0 && err == io.EOF {
				return nil
			}
			if n < pageBytes && err != io.EOF {
				return err
			}
			if v = judge(p[:n:pageBytes][:pageBytes], page); n == pageBytes && v == pageGood {
				break
			}
		}
		switch {
		case v == pageMended:
			k.say("page %d has one wrong bit", page)
		case v == pageForeign:
			k.say("page %d has no sum: another program wrote it, or its end was never written", page)
		case v == pageBad && len(bytes.TrimLeft(p, "\x00")) > 0: // what was never used may be empty
			k.say("page %d is not what its sum says", page)
		}
	}
	return k.ctx.Err()
}

// quick is SQLite's own check of the structure of the file.
func (k *checker) quick() error {
	return k.c.query(`PRAGMA quick_check(10)`, nil, func(v []driver.Value) error {
		if s, ok := v[0].(string); ok && s != "ok" {
			k.say("%s", s)
		}
		return k.ctx.Err()
	})
}

// A tally is the same for the same pairs in any order.
type tally struct {
	seed  maphash.Seed
	sum   uint64
	count uint64
}

func (t *tally) add(a, b int64) {
	var x [16]byte
	binary.LittleEndian.PutUint64(x[:], uint64(a))
	binary.LittleEndian.PutUint64(x[8:], uint64(b))
	t.sum += maphash.Bytes(t.seed, x[:])
	t.count++
}

// events goes through all events, and compares what is derived from them.
func (k *checker) events() error {
	last, packed := int64(k.j.last.Load()), k.j.packed.Load()
	index, posts := tally{seed: k.seed}, tally{seed: k.seed}
	whole := true
	absent, err := k.reserved(last)
	if err != nil {
		return err
	}
	var rows []row
	for low := int64(1); low <= last; low += blockEvents {
		if err := k.ctx.Err(); err != nil {
			return err
		}
		high := min(last, low+blockEvents-1)
		rows = rows[:0]
		numbers := map[int64]bool{}
		err := k.c.query(reservedText, []driver.Value{low, high}, func(v []driver.Value) error {
			numbers[v[0].(int64)] = true
			return nil
		})
		if err != nil {
			return err
		}
		bad, err := past(low, high, func(low, high int64) error {
			n, before := len(rows), index
			want := low
			err := k.c.query(`SELECT * FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`, []driver.Value{low, high}, func(v []driver.Value) error {
				for numbers[want] && v[0] != want {
					want++
				}
				r, err := parseRow(k.j.names.Load(), &k.j.terms, v, want)
				if err == nil {
					index.add(v[1].(int64), want)
					rows = append(rows, r)
				}
				want++
				return err
			})
			for numbers[want] {
				want++
			}
			if err == nil && want <= high {
				err = fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, want)
			}
			if err != nil {
				rows, index = rows[:n], before
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, s := range bad {
			whole = false
			k.say("%v", journal.Damage{From: uint64(s.low), To: uint64(s.high), Err: fmt.Errorf("cannot be read")})
		}
		if block := (low - 1) / blockEvents; block < packed && len(rows) == blockEvents {
			if err := k.block(block, rows, &posts); err != nil {
				return err
			}
		}
	}
	if !whole {
		return nil // what is derived cannot be compared
	}
	got := tally{seed: k.seed}
	err = k.pairs(`SELECT prefix, seq FROM events INDEXED BY events_prefix WHERE (prefix, seq) > (?, ?) ORDER BY prefix, seq LIMIT 4096`, func(prefix, seq int64) {
		if seq <= last {
			got.add(prefix, seq)
		}
	})
	if err != nil {
		return err
	}
	if now, err := k.reserved(last); err != nil || now != absent {
		return err // events took their numbers meanwhile
	}
	if got != index {
		k.say("the index of hashes has %d entries that are not those of the %d events", got.count, index.count)
	}
	got = tally{seed: k.seed}
	err = k.pairs(`SELECT term, block FROM posts WHERE (term, block) > (?, ?) ORDER BY term, block LIMIT 4096`, func(term, block int64) {
		if block < packed {
			got.add(term, block)
		}
	})
	if err != nil || got == posts {
		return err
	}
	if now, err := k.reserved(last); err != nil || now != absent {
		return err
	}
	k.say("the index of types, authors and parents has %d entries that are not those of the events", got.count)
	return nil
}

// reserved counts the numbers up to last that have no event, which is no damage.
func (k *checker) reserved(last int64) (n int64, err error) {
	err = k.c.query(`SELECT count(*) FROM reserved WHERE seq <= ?`, []driver.Value{last}, func(v []driver.Value) error {
		n = v[0].(int64)
		return nil
	})
	return n, err
}

// block compares what is stored of 512 events with what is made of them.
func (k *checker) block(block int64, rows []row, posts *tally) error {
	want := encode(rows)
	for _, t := range termsOf(&k.j.terms, rows) {
		posts.add(t, block)
	}
	same := false
	err := k.c.query(`SELECT low, high, types, created, authors, parents FROM blocks WHERE block = ?`, []driver.Value{block}, func(v []driver.Value) error {
		same = v[0] == int64(want.low) && v[1] == int64(want.high)
		for i, b := range [][]byte{want.types, want.created, want.authors, want.parents} {
			got, _ := v[2+i].([]byte)
			same = same && bytes.Equal(got, b)
		}
		return nil
	})
	if err != nil && !damaged(err) {
		return err
	}
	if !same {
		k.say("block %d of the index is not that of its events", block)
	}
	return nil
}

// pairs goes through an index of pairs, some at a time.
func (k *checker) pairs(text string, each func(a, b int64)) error {
	a, b := int64(-1<<63), int64(-1<<63)
	for {
		if err := k.ctx.Err(); err != nil {
			return err
		}
		n := 0
		err := k.c.query(text, []driver.Value{a, b}, func(v []driver.Value) error {
			a, b = v[0].(int64), v[1].(int64)
			each(a, b)
			n++
			return nil
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// copies reads what is known of copies.
func (k *checker) copies() error {
	last := int64(k.j.last.Load())
	for low := int64(1); low <= last; low += walkAtOnce {
		if err := k.ctx.Err(); err != nil {
			return err
		}
		bad, err := past(low, min(last, low+walkAtOnce-1), func(low, high int64) error {
			return k.c.query(`SELECT state FROM copies WHERE seq BETWEEN ? AND ?`, []driver.Value{low, high}, func(v []driver.Value) error {
				b, ok := v[0].([]byte)
				if !ok {
					return errCopies
				}
				_, err := parseCopies(b)
				return err
			})
		})
		if err != nil {
			return err
		}
		for _, s := range bad {
			k.say("what is known of the copies of the events %d to %d cannot be read", s.low, s.high)
		}
	}
	return nil
}

// parseRow makes of a row of events, which must be of the event want, what a
// block holds of it.
func parseRow(n *names, terms *termKey, v []driver.Value, want int64) (row, error) {
	bad := fmt.Errorf("%w: the row of event %d", journal.ErrDamaged, want)
	seq, ok1 := v[0].(int64)
	front, ok2 := v[1].(int64)
	hash, ok3 := v[2].([]byte)
	sum, ok4 := v[3].([]byte)
	kind, ok5 := v[4].(int64)
	_, ok6 := v[5].(string)
	key, ok7 := v[6].([]byte)
	created, ok8 := v[7].(int64)
	_, ok9 := v[8].(int64)
	parents, _ := v[9].([]byte)
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6 && ok7 && ok8 && ok9) || seq != want {
		return row{}, bad
	}
	raw := rawEntry{seq: seq, hash: hash, digest: sum, key: key, created: created, parents: parents}
	if raw.check() != nil || front != prefix(digest.Hash(hash)) || n.byID[kind].kind != kindType {
		return row{}, bad
	}
	e := makeEntry(n, raw)
	return terms.row(kind, &e.Meta), nil
}
