package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
)

const (
	cursorSetting = "anchor cursor" // how far events were looked at
	targetSetting = "anchor target" // where posts are put
)

// PutPosts implements journal.Anchored.
func (j *Journal) PutPosts(ctx context.Context, c journal.PostChange) error {
	if err := j.usable(ctx); err != nil {
		return err
	}
	last := j.last.Load()
	for i := range c.Put {
		if err := checkPost(&c.Put[i], last); err != nil {
			return err
		}
	}
	if err := errors.Join(checkEvents(c.Pass, last), checkEvents(c.Unpass, last)); err != nil {
		return err
	}
	if c.Cursor != nil && *c.Cursor > last {
		return fmt.Errorf("%w: a cursor at %d of %d", journal.ErrNotFound, *c.Cursor, last)
	}
	return j.do(ctx, func(w *writer) error { return w.putPosts(&c) })
}

func (w *writer) putPosts(c *journal.PostChange) error {
	for i := range c.Drop {
		if err := w.dropPost(&c.Drop[i]); err != nil {
			return err
		}
	}
	for i := range c.Put {
		if err := w.putPost(&c.Put[i]); err != nil {
			return err
		}
	}
	for _, seq := range c.Pass {
		if err := w.pass(`INSERT OR IGNORE INTO passed VALUES (?) RETURNING 1`, seq, 1); err != nil {
			return err
		}
	}
	for _, seq := range c.Unpass {
		if err := w.pass(`DELETE FROM passed WHERE seq = ? RETURNING 1`, seq, -1); err != nil {
			return err
		}
	}
	if c.Cursor == nil {
		return nil
	}
	return w.c.exec(`INSERT OR REPLACE INTO settings VALUES (?, ?)`, cursorSetting, int64(*c.Cursor))
}

// pass changes whether an event is passed; n is by how many there are more if
// it was not so before.
func (w *writer) pass(text string, seq uint64, n int64) error {
	return w.c.query(text, []driver.Value{int64(seq)}, func([]driver.Value) error {
		w.passed += n
		return nil
	})
}

var (
	insertAnchors  = `INSERT INTO anchors (` + postColumns + `) VALUES ` + values(15, 1)
	insertAnchored = [2]string{`INSERT OR REPLACE INTO anchored VALUES ` + values(3, 1), `INSERT OR REPLACE INTO anchored VALUES ` + values(3, rowsPerInsert)}
)

// putPost writes a post in the place of what is there under its kind and number.
func (w *writer) putPost(p *journal.Post) error {
	was, err := w.eventsOf(p)
	if err != nil {
		return err
	}
	v, err := packPost(p)
	if err != nil {
		return err
	}
	if err := w.c.exec(`DELETE FROM anchors WHERE kind = ? AND number = ?`, v[0], v[1]); err != nil {
		return err
	}
	if err := w.c.exec(insertAnchors, v...); err != nil {
		return err
	}
	if !slices.Equal(was, p.Events) { // most changes are of its state
		if err := w.unmap(p.Number, was); err != nil {
			return err
		}
	}
	return w.mapEvents(p)
}

// mapEvents notes which post has each of its events.
func (w *writer) mapEvents(p *journal.Post) error {
	rows := make([]driver.Value, 0, 3*len(p.Events))
	for i, seq := range p.Events {
		rows = append(rows, int64(seq), int64(p.Number), int64(p.Number)+int64(i))
	}
	return w.rows(insertAnchored, 3, rows)
}

func (w *writer) dropPost(p *journal.Post) error {
	was, err := w.eventsOf(p)
	if err != nil {
		return err
	}
	if err := w.unmap(p.Number, was); err != nil {
		return err
	}
	return w.c.exec(`DELETE FROM anchors WHERE kind = ? AND number = ?`, int64(p.Kind), int64(p.Number))
}

// eventsOf returns the events of what is kept under p's kind and number.
func (w *writer) eventsOf(p *journal.Post) (seqs []uint64, err error) {
	if p.Kind != journal.PostEvents {
		return nil, nil
	}
	err = w.c.query(`SELECT events FROM anchors WHERE kind = ? AND number = ?`, []driver.Value{int64(p.Kind), int64(p.Number)}, func(v []driver.Value) error {
		b, _ := v[0].([]byte)
		seqs, err = parseEvents(b)
		return err
	})
	return seqs, err
}

// unmap takes events out of a post, but those that another has by now.
func (w *writer) unmap(post uint64, seqs []uint64) error {
	for _, seq := range seqs {
		if err := w.c.exec(`DELETE FROM anchored WHERE seq = ? AND post = ?`, int64(seq), int64(post)); err != nil {
			return err
		}
	}
	return nil
}

// Texts of the queries for posts; a test holds their plans.
const (
	openPosts   = `SELECT ` + postColumns + ` FROM anchors INDEXED BY anchors_open WHERE kind = ? AND state <> 3 ORDER BY number`
	postsBefore = `SELECT ` + postColumns + ` FROM anchors WHERE kind = ? AND number < ? ORDER BY number DESC LIMIT ?`
	coverText   = `SELECT ` + postColumns + ` FROM anchors INDEXED BY anchors_cover WHERE kind = 1 AND state = 3 AND tx IS NOT NULL AND size >= ? ORDER BY size LIMIT 1`
	postOfText  = `SELECT ` + postColumns + `, at FROM anchored JOIN anchors ON kind = 2 AND number = post WHERE seq = ?`
	passedText  = `SELECT seq FROM passed WHERE seq > ? ORDER BY seq LIMIT ?`
)

// rows reads all rows of a query.
func (j *Journal) rows(ctx context.Context, tx *sql.Tx, text string, args ...any) (out [][]driver.Value, err error) {
	rows, err := j.query(ctx, tx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		v, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range v {
			into[i] = &v[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]driver.Value, len(columns))
		for i := range v {
			row[i] = v[i]
		}
		out = append(out, row)
	}
	return out, rows.Err()
}

// posted runs a query for postColumns.
func (j *Journal) posted(ctx context.Context, what, text string, args ...any) (ps []journal.Post, err error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	rows, err := j.rows(ctx, nil, text, args...)
	for i := 0; i < len(rows) && err == nil; i++ {
		var p journal.Post
		p, err = parsePost(rows[i])
		ps = append(ps, p)
	}
	if err != nil {
		return nil, j.reading(what, err)
	}
	return ps, nil
}

// Target implements journal.Anchored.
func (j *Journal) Target(ctx context.Context, target string) (was string, err error) {
	if err := j.usable(ctx); err != nil {
		return "", err
	}
	err = j.queryRow(ctx, nil, `SELECT value FROM settings WHERE name = ?`, []any{targetSetting}, &was)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", j.reading("target", err)
	}
	if was == target {
		return was, nil
	}
	return was, j.do(ctx, func(w *writer) error {
		if was != "" {
			if err := w.forgetPosts(); err != nil {
				return err
			}
		}
		return w.c.exec(`INSERT OR REPLACE INTO settings VALUES (?, ?)`, targetSetting, target)
	})
}

// forgetPosts drops all posts, and passes the events of those that are not final.
func (w *writer) forgetPosts() error {
	var open []uint64
	err := w.c.query(`SELECT events FROM anchors WHERE kind = 2 AND state <> 3`, nil, func(v []driver.Value) error {
		b, _ := v[0].([]byte)
		seqs, err := parseEvents(b)
		open = append(open, seqs...)
		return err
	})
	if err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM anchored`, `DELETE FROM anchors`} {
		if err := w.c.exec(text); err != nil {
			return err
		}
	}
	return w.putPosts(&journal.PostChange{Pass: open})
}

// Unfinished implements journal.Anchored.
func (j *Journal) Unfinished(ctx context.Context, kind journal.PostKind) ([]journal.Post, error) {
	return j.posted(ctx, "unfinished posts", openPosts, int64(kind))
}

// Posts implements journal.Anchored.
func (j *Journal) Posts(ctx context.Context, kind journal.PostKind, before uint64, limit int) ([]journal.Post, error) {
	if before == 0 || before > math.MaxInt64 {
		before = math.MaxInt64
	}
	return j.posted(ctx, "posts", postsBefore, int64(kind), int64(before), max(limit, 0))
}

// Covering implements journal.Anchored.
func (j *Journal) Covering(ctx context.Context, size uint64) (journal.Post, error) {
	ps, err := j.posted(ctx, "covering", coverText, int64(min(size, math.MaxInt64)))
	if err == nil && len(ps) == 0 {
		err = journal.ErrNotFound
	}
	if err != nil {
		return journal.Post{}, err
	}
	return ps[0], nil
}

// PostOf implements journal.Anchored.
func (j *Journal) PostOf(ctx context.Context, sequence uint64) (p journal.Post, number uint64, err error) {
	if err := j.usable(ctx); err != nil {
		return p, 0, err
	}
	rows, err := j.rows(ctx, nil, postOfText, int64(min(sequence, math.MaxInt64)))
	if err == nil && len(rows) == 0 {
		err = journal.ErrNotFound
	}
	if err == nil {
		p, err = parsePost(rows[0])
	}
	if err != nil {
		return journal.Post{}, 0, j.reading("post of", err)
	}
	return p, uint64(rows[0][len(rows[0])-1].(int64)), nil
}

// Cursor implements journal.Anchored.
func (j *Journal) Cursor(ctx context.Context) (upto uint64, ok bool, err error) {
	if err := j.usable(ctx); err != nil {
		return 0, false, err
	}
	err = j.queryRow(ctx, nil, `SELECT value FROM settings WHERE name = ?`, []any{cursorSetting}, &upto)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return upto, err == nil, j.reading("cursor", err)
}

// Passed implements journal.Anchored.
func (j *Journal) Passed(ctx context.Context, after uint64, limit int) (sequences []uint64, total uint64, err error) {
	if err := j.usable(ctx); err != nil {
		return nil, 0, err
	}
	total = uint64(j.passed.Load())
	if limit <= 0 || after > math.MaxInt64 {
		return nil, total, nil
	}
	rows, err := j.rows(ctx, nil, passedText, int64(after), limit)
	if err != nil {
		return nil, 0, j.reading("passed", err)
	}
	for _, v := range rows {
		sequences = append(sequences, uint64(v[0].(int64)))
	}
	return sequences, total, nil
}
