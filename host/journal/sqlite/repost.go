package sqlite

import (
	"database/sql/driver"
)

// keptRows is how many of its last rows of each kind the contract keeps: what is in
// them can be found there again.
const keptRows = 1024

// An orphan is an event of a post that is not in the new file, with the number
// that it has, or was to have, in the contract.
type orphan struct{ seq, at int64 }

// anchors copies what was put on a chain. A post that cannot be read, or one of
// whose events has no number any more, is dropped, and with it all that are not
// final: what is in the contract is found there again, and what is not would wait
// for a number that nobody fills. Events of theirs that may not be in it are to
// be looked at later. Those before a final post are in it, and so are those
// whose rows it does not keep any more.
func (b *rebuilder) anchors() error {
	if b.version < anchorSchema {
		return nil
	}
	var orphans []orphan
	unread, err := b.each("anchors", func(v []driver.Value) error {
		p, err := parsePost(v[1:])
		if err != nil {
			b.posts++
			return nil
		}
		kept := make([]uint64, 0, len(p.Events))
		var left []orphan
		for i, seq := range p.Events {
			if now := b.renumbered(int64(seq)); now > 0 {
				kept = append(kept, uint64(now))
				left = append(left, orphan{now, int64(p.Number) + int64(i)})
			}
		}
		if len(kept) < len(p.Events) {
			orphans = append(orphans, left...)
			b.posts++
			return nil
		}
		p.Events = kept
		return b.w.putPost(&p)
	})
	if err != nil {
		return err
	}
	b.posts += unread
	// Of what is dropped, this table tells the events.
	unread, err = b.each("anchored", func(v []driver.Value) error {
		seq, ok1 := v[0].(int64)
		at, ok2 := v[2].(int64)
		if seq = b.renumbered(seq); ok1 && ok2 && seq > 0 {
			orphans = append(orphans, orphan{seq, at})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if b.posts > 0 {
		b.posts += unread
		if orphans, err = b.dropUnfinished(orphans); err == nil {
			err = b.passOrphans(orphans)
		}
		if err != nil {
			return err
		}
	}
	if b.version < passedSchema {
		return nil
	}
	unread, err = b.each("passed", func(v []driver.Value) error {
		if seq := b.renumbered(v[0].(int64)); seq > 0 {
			return b.to.exec(`INSERT OR IGNORE INTO passed VALUES (?)`, seq)
		}
		return nil
	})
	b.posts += unread
	return err
}

// dropUnfinished drops the posts that are not final, and adds their events to orphans.
func (b *rebuilder) dropUnfinished(orphans []orphan) ([]orphan, error) {
	err := b.to.query(`SELECT seq, at FROM anchors JOIN anchored ON post = number WHERE kind = 2 AND state <> 3`, nil, func(v []driver.Value) error {
		orphans = append(orphans, orphan{v[0].(int64), v[1].(int64)})
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := b.to.exec(`DELETE FROM anchored WHERE post IN (SELECT number FROM anchors WHERE kind = 2 AND state <> 3)`); err != nil {
		return nil, err
	}
	return orphans, b.to.query(`DELETE FROM anchors WHERE state <> 3 RETURNING 1`, nil, func([]driver.Value) error {
		b.posts++
		return nil
	})
}

// passOrphans has those events that are in no post, and may not be in the
// contract, be looked at later.
func (b *rebuilder) passOrphans(orphans []orphan) error {
	final, last := int64(0), int64(0)
	err := b.to.query(`SELECT coalesce(max(at), 0) FROM anchored`, nil, func(v []driver.Value) error {
		final = v[0].(int64)
		return nil
	})
	for _, o := range orphans {
		last = max(last, o.at)
	}
	for _, o := range orphans {
		if err == nil && o.at > max(final, last-keptRows) {
			err = b.to.exec(`INSERT OR IGNORE INTO passed SELECT ?1 WHERE NOT EXISTS (SELECT 1 FROM anchored WHERE seq = ?1)`, o.seq)
		}
	}
	return err
}

// rankSetting has a setting that is a number be of the new order.
func (b *rebuilder) rankSetting(name string) error {
	value := int64(-1)
	err := b.to.query(`SELECT value FROM settings WHERE name = ?`, []driver.Value{name}, func(v []driver.Value) error {
		value = v[0].(int64)
		return nil
	})
	if err != nil || value < 0 {
		return err
	}
	return b.to.exec(`UPDATE settings SET value = ? WHERE name = ?`, b.rank(value), name)
}
