package sqlite

import (
	"database/sql/driver"

	"github.com/eventseal/eventseal/host/journal"
)

// posts reads what was put on a chain, and compares with it what is derived: its
// indexes, and which post each event is in. Posts change: each look is a
// transaction.
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
	return k.c.query(`SELECT seq FROM anchored WHERE NOT EXISTS (SELECT 1 FROM anchors WHERE kind = 2 AND number = post) LIMIT 1`, nil, func(v []driver.Value) error {
		k.say("event %d is in a post that is not there", v[0])
		return nil
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
		err = k.mapped(&ps[i])
	}
	return err
}

// mapped compares a post with what is noted of its events.
func (k *checker) mapped(p *journal.Post) error {
	for _, seq := range p.Events {
		same := p.State == journal.PostFailed // its events may have been in another one since, which was dropped
		err := k.c.query(`SELECT post, at FROM anchored WHERE seq = ?`, []driver.Value{int64(seq)}, func(v []driver.Value) error {
			post, at := v[0].(int64), v[1].(int64)
			i := at - post
			same = post != int64(p.Number) || i >= 0 && i < int64(len(p.Events)) && p.Events[i] == seq
			return nil
		})
		if err != nil {
			return err
		}
		if !same {
			k.say("of event %d it is not noted that post %d has it", seq, p.Number)
		}
	}
	return nil
}
