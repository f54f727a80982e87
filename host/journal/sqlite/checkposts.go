package sqlite

import (
	"database/sql/driver"

	"github.com/eventseal/eventseal/host/journal"
)

// posts reads what was put on a chain, and compares with it what is derived: its
// indexes, and which post each event is in. Posts change: each look is of one
// moment.
func (k *checker) posts() error {
	err := k.c.query(`PRAGMA integrity_check(anchors)`, nil, func(v []driver.Value) error {
		if s, ok := v[0].(string); ok && s != "ok" {
			k.say("what was put on a chain: %s", s)
		}
		return k.ctx.Err()
	})
	if err != nil {
		return err
	}
	high := int64(0)
	err = k.c.query(`SELECT coalesce(max(id), 0) FROM anchors`, nil, func(v []driver.Value) error {
		high = v[0].(int64)
		return nil
	})
	for low := int64(1); low <= high && err == nil; low += walkAtOnce {
		err = k.snapshot(func() error { return k.postsIn(low, low+walkAtOnce-1) })
	}
	if err != nil {
		return err
	}
	return k.c.query(`SELECT seq, post, at, events FROM anchored LEFT JOIN anchors ON kind = 2 AND number = post ORDER BY seq`, nil, func(v []driver.Value) error {
		seq, post, at := v[0].(int64), v[1].(int64), v[2].(int64)
		b, _ := v[3].([]byte)
		events, err := parseEvents(b)
		if i := at - post; err != nil || i < 0 || i >= int64(len(events)) || events[i] != uint64(seq) {
			k.say("event %d is not in the post %d that is noted for it", seq, post)
		}
		return k.ctx.Err()
	})
}

// snapshot runs a look at the file as it is at one moment.
func (k *checker) snapshot(look func() error) error {
	if err := k.ctx.Err(); err != nil {
		return err
	}
	if err := k.c.exec(`BEGIN`); err != nil {
		return err
	}
	err := look()
	if e := k.c.exec(`ROLLBACK`); err == nil {
		err = e
	}
	return err
}

// postsIn compares some posts with what is noted of their events.
func (k *checker) postsIn(low, high int64) error {
	var ps []journal.Post
	err := k.c.query(`SELECT `+postColumns+` FROM anchors WHERE id BETWEEN ? AND ? ORDER BY id`, []driver.Value{low, high}, func(v []driver.Value) error {
		p, err := parsePost(v)
		ps = append(ps, p)
		return err
	})
	for i := 0; i < len(ps) && err == nil; i++ {
		if ps[i].State != journal.PostFailed { // its events may have been in another one since, which was dropped
			err = k.mapped(&ps[i])
		}
	}
	return err
}

// mapped says which events of a post are noted to be in none.
func (k *checker) mapped(p *journal.Post) error {
	for _, seq := range p.Events {
		found := false
		err := k.c.query(`SELECT 1 FROM anchored WHERE seq = ?`, []driver.Value{int64(seq)}, func([]driver.Value) error {
			found = true
			return nil
		})
		if err != nil {
			return err
		}
		if !found {
			k.say("of event %d it is not noted that post %d has it", seq, p.Number)
		}
	}
	return nil
}
