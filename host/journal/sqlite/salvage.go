package sqlite

import (
	"database/sql/driver"
	"sort"
)

// highest returns the greatest sequence number that anything in the file tells
// of, and whether it is sure that there was no greater one.
func (b *rebuilder) highest() (high int64, sure bool, err error) {
	if high, sure, err = b.lastRow("events"); err != nil {
		return 0, false, err
	}
	tables := []string{"fresh", "copies", "pending"}
	if b.version >= reservedSchema {
		tables = append(tables, "reserved")
	}
	for _, t := range tables {
		n, _, err := b.lastRow(t)
		if err != nil {
			return 0, false, err
		}
		high = max(high, n)
	}
	n, _, err := b.lastRow("blocks")
	if err != nil {
		return 0, false, err
	}
	if n >= 0 {
		var any bool
		err = b.from.query(`SELECT 1 FROM blocks WHERE block = ?`, []driver.Value{n}, func([]driver.Value) error {
			any = true
			return nil
		})
		if any {
			high = max(high, (n+1)*blockEvents)
		}
	}
	if damaged(err) {
		err = nil
	}
	return high, sure, err
}

// lastRow returns the greatest row id that can be read, and whether it is the last.
func (b *rebuilder) lastRow(table string) (last int64, sure bool, err error) {
	below := func(id int64) error {
		last = 0
		return b.from.query(`SELECT rowid FROM `+table+` WHERE rowid <= ? ORDER BY rowid DESC LIMIT 1`, []driver.Value{id}, func(v []driver.Value) error {
			last = v[0].(int64)
			return nil
		})
	}
	if err := below(1<<62 - 1); err == nil || !damaged(err) {
		return last, true, err
	}
	// The end cannot be read: look for the last place that can.
	found := int64(0)
	n := sort.Search(62, func(i int) bool {
		e := below(1 << (61 - i))
		if e == nil {
			found = max(found, last)
		} else if !damaged(e) {
			err = e
		}
		return e == nil
	})
	low, high := int64(0), int64(1)<<62
	if n < 62 {
		low, high = int64(1)<<(61-n), int64(1)<<(62-n)
	}
	for low+1 < high && err == nil {
		middle := low + (high-low)/2
		switch e := below(middle); {
		case e == nil:
			low, found = middle, max(found, last)
		case damaged(e):
			high = middle
		default:
			err = e
		}
	}
	return max(found, low), false, err
}

// rank returns how many of the numbers up to an old one are left.
func (b *rebuilder) rank(seq int64) int64 {
	left := seq
	for _, s := range b.closed {
		if s.low <= seq {
			left -= min(s.high, seq) - s.low + 1
		}
	}
	return left
}

// moved returns the new number of an event, 0 when it was lost.
func (b *rebuilder) moved(seq int64) int64 {
	if _, lost := within(b.lost, seq); lost {
		return 0
	}
	return b.renumbered(seq)
}

// renumbered returns the new number of one that may be of a lost event, 0 when
// it was given up.
func (b *rebuilder) renumbered(seq int64) int64 {
	i, closed := within(b.closed, seq)
	if i > 0 {
		seq -= b.before[i-1]
	}
	if closed || seq <= 0 || seq > int64(b.w.last) {
		return 0
	}
	return seq
}

// within returns the first of spans that does not end before a key, and whether
// the key is in it.
func within(ss []span, key int64) (i int, found bool) {
	i = sort.Search(len(ss), func(i int) bool { return ss[i].high >= key })
	return i, i < len(ss) && ss[i].low <= key
}

// table copies what is known besides the events, as far as it can be read. A
// column seq is a sequence number.
func (b *rebuilder) table(name string) error {
	seq := -1
	columns, err := b.texts(`SELECT name FROM pragma_table_info('` + name + `') ORDER BY cid`)
	if err != nil {
		return err
	}
	for i, c := range columns {
		if c == "seq" {
			seq = i
		}
	}
	insert := `INSERT OR IGNORE INTO ` + name + ` VALUES ` + values(len(columns), 1)
	put := func(v []driver.Value) error {
		if seq >= 0 {
			at, ok := v[seq].(int64)
			if at = b.moved(at); !ok || at == 0 {
				return nil // of an event that is lost
			}
			v[seq] = at
		}
		return b.to.exec(insert, v...)
	}
	unread, err := b.each(name, put)
	b.rows += unread
	return err
}

// each calls put with each row of a table that can be read, and returns how
// many there are, at least, that cannot.
func (b *rebuilder) each(name string, put func(v []driver.Value) error) (unread int, err error) {
	high, sure, err := b.lastRow(name)
	if err != nil {
		return 0, err
	}
	if !sure {
		unread++
	}
	for low := int64(1); low <= high; {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		// From the next row on, where that can be found: numbers may be far apart.
		next := low
		err := b.from.query(`SELECT rowid FROM `+name+` WHERE rowid >= ? ORDER BY rowid LIMIT 1`, []driver.Value{low}, func(v []driver.Value) error {
			next = v[0].(int64)
			return nil
		})
		if err != nil && !damaged(err) {
			return 0, err
		}
		end := min(high, next+walkAtOnce-1)
		var rows [][]driver.Value
		bad, err := past(next, end, func(low, high int64) error {
			n := len(rows)
			err := b.from.query(`SELECT * FROM `+name+` WHERE rowid BETWEEN ? AND ? ORDER BY rowid`, []driver.Value{low, high}, func(v []driver.Value) error {
				rows = append(rows, cloned(v))
				return nil
			})
			if err != nil {
				rows = rows[:n]
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		for _, s := range bad {
			unread += int(s.high - s.low + 1)
		}
		for _, v := range rows {
			if err := put(v); err != nil {
				return 0, err
			}
		}
		low = end + 1
	}
	return unread, nil
}
