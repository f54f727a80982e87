package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

// readers is how many queries run at once; more wait.
const readers = 8

func openReaders(path, guard string, cache int) (*sql.DB, error) {
	name, err := dsn(path, "mode=ro&"+guard, "busy_timeout(10000)", "query_only(1)", "mmap_size(0)", fmt.Sprintf("cache_size(-%d)", cache>>10), "temp_store(memory)")
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	// All at once, so that none is missing when there are no more files to open.
	var held []*sql.Conn
	for range readers {
		c, e := db.Conn(context.Background())
		if e != nil {
			err = e
			break
		}
		if held = append(held, c); err == nil {
			err = c.PingContext(context.Background())
		}
	}
	for _, c := range held {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

const entryColumns = `seq, hash, digest, type, author, key, created, admitted, parents`

// A rawEntry has the columns of entryColumns, valid until the next row.
type rawEntry struct {
	seq               int64
	hash, digest      []byte
	kind              int64
	author, key       []byte
	created, admitted int64
	parents           []byte
}

func makeEntry(n *names, r rawEntry) journal.Entry {
	kind := n.byID[r.kind]
	return journal.Entry{
		Meta: module.Meta{
			Hash: digest.Hash(r.hash), RecordDigest: digest.Hash(r.digest), Type: kind.text, TypeCode: kind.code,
			Author: string(r.author), AuthorKey: [34]byte(r.key), CreatedAt: uint64(r.created), Parents: unpackHashes(r.parents),
		},
		Sequence: uint64(r.seq), AdmittedAt: time.UnixMilli(r.admitted).UTC(),
	}
}

// prepare returns a text of a small fixed set as a statement, prepared once per
// connection: parsing it would cost more than running it.
func (j *Journal) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	s, ok := j.prepared.Load(text)
	if !ok {
		made, err := j.read.PrepareContext(ctx, text)
		if err != nil {
			return nil, err
		}
		var twice bool
		if s, twice = j.prepared.LoadOrStore(text, made); twice {
			_ = made.Close() // another caller was first
		}
	}
	return s.(*sql.Stmt), nil
}

// query runs a text that prepare takes. tx is nil outside a transaction; inside
// one the text must have been prepared before it began.
func (j *Journal) query(ctx context.Context, tx *sql.Tx, text string, args ...any) (*sql.Rows, error) {
	s, err := j.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	if tx != nil {
		return tx.StmtContext(ctx, s).QueryContext(ctx, args...)
	}
	return s.QueryContext(ctx, args...)
}

// queryRow scans the only row of a query, or returns sql.ErrNoRows.
func (j *Journal) queryRow(ctx context.Context, tx *sql.Tx, text string, args []any, into ...any) error {
	rows, err := j.query(ctx, tx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return err
		}
		return sql.ErrNoRows
	}
	return rows.Scan(into...)
}

// entries runs a query for entryColumns.
func (j *Journal) entries(ctx context.Context, q *sql.Tx, query string, args ...any) ([]journal.Entry, error) {
	rows, err := j.query(ctx, q, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var es []journal.Entry
	var hash, sum, author, key, parents sql.RawBytes
	var r rawEntry
	for rows.Next() {
		if err := rows.Scan(&r.seq, &hash, &sum, &r.kind, &author, &key, &r.created, &r.admitted, &parents); err != nil {
			return nil, err
		}
		r.hash, r.digest, r.author, r.key, r.parents = hash, sum, author, key, parents
		if err := r.check(); err != nil {
			return nil, err
		}
		es = append(es, makeEntry(j.known(r.kind), r))
	}
	return es, rows.Err()
}

// known returns the published names, at least those that a row that was read
// refers to: the commit that readers see is ahead of its publication by a
// moment, in which a new name's row is visible and its number is not.
func (j *Journal) known(id int64) *names {
	n := j.names.Load()
	for range 1000 {
		if _, ok := n.byID[id]; ok || id == 0 {
			break
		}
		time.Sleep(time.Millisecond)
		n = j.names.Load()
	}
	return n
}

// bySequence returns the entries with these numbers, ascending.
func (j *Journal) bySequence(ctx context.Context, q *sql.Tx, seqs []uint64) ([]journal.Entry, error) {
	var es []journal.Entry
	for chunk := range slices.Chunk(seqs, inChunk) {
		args := make([]any, inChunk)
		for i := range args {
			args[i] = int64(chunk[min(i, len(chunk)-1)])
		}
		got, err := j.entries(ctx, q, `SELECT `+entryColumns+` FROM events WHERE seq IN `+inMarks+` ORDER BY seq`, args...)
		if err != nil {
			return nil, err
		}
		if len(got) < len(chunk) {
			return nil, fmt.Errorf("%w: %d of the events from %d to %d are missing", journal.ErrDamaged, len(chunk)-len(got), chunk[0], chunk[len(chunk)-1])
		}
		es = append(es, got...)
	}
	return es, nil
}

const inChunk = 64

var inMarks = values(inChunk, 1)

// Entries implements journal.Journal.
func (j *Journal) Entries(ctx context.Context, hs []digest.Hash) ([]*journal.Entry, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	found := make(map[digest.Hash]*journal.Entry, len(hs))
	for chunk := range slices.Chunk(hs, inChunk) {
		query, args := `SELECT `+entryColumns+` FROM events WHERE prefix = ?`, []any{prefix(chunk[0])}
		if len(chunk) > 1 {
			query, args = `SELECT `+entryColumns+` FROM events WHERE prefix IN `+inMarks, make([]any, inChunk)
			for i := range args {
				args[i] = prefix(chunk[min(i, len(chunk)-1)])
			}
		}
		es, err := j.entries(ctx, nil, query, args...)
		if err != nil {
			return nil, j.reading("entries", err)
		}
		for i := range es {
			found[es[i].Hash] = &es[i]
		}
	}
	out := make([]*journal.Entry, len(hs))
	for i, h := range hs {
		out[i] = found[h]
	}
	return out, nil
}

// Scan implements journal.Journal.
func (j *Journal) Scan(ctx context.Context, after uint64, limit int) ([]journal.Entry, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	last := j.last.Load()
	if limit <= 0 || after >= last {
		return nil, nil
	}
	es, err := j.between(ctx, &search{}, after+1, last, limit, false)
	return es, j.reading("scan", err)
}

// Record implements journal.Journal.
func (j *Journal) Record(ctx context.Context, h digest.Hash) (record []byte, err error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	err = j.queryRow(ctx, nil, `SELECT p.record FROM events e JOIN pending p ON p.seq = e.seq WHERE e.prefix = ? AND e.hash = ?`,
		[]any{prefix(h), h[:]}, &record)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, journal.ErrNotFound
	}
	return record, j.reading("record", err)
}

// Get implements journal.Journal. It shows news that are not durable yet, too.
func (j *Journal) Get(ctx context.Context, h digest.Hash) (journal.Entry, []journal.Copy, error) {
	if err := j.usable(ctx); err != nil {
		return journal.Entry{}, nil, err
	}
	e, cs, err := j.get(ctx, h)
	if err != nil {
		return journal.Entry{}, nil, j.reading("get", err)
	}
	slices.SortFunc(cs, func(a, b journal.Copy) int { return strings.Compare(a.Replica, b.Replica) })
	return e, cs, nil
}

// What get reads of an event in one transaction.
const (
	copiesText = `SELECT (SELECT state FROM copies WHERE seq = ?1), (SELECT owed FROM fresh WHERE seq = ?1)`
	owedText   = `SELECT replica, due, attempts, error, updated, state FROM owed WHERE seq = ?`
)

func (j *Journal) get(ctx context.Context, h digest.Hash) (e journal.Entry, out []journal.Copy, err error) {
	es, err := j.entries(ctx, nil, `SELECT `+entryColumns+` FROM events WHERE prefix = ? AND hash = ?`, prefix(h), h[:])
	if err != nil {
		return e, nil, err
	}
	if len(es) == 0 {
		return e, nil, journal.ErrNotFound
	}
	e = es[0]
	// Preparing takes a connection. If it were done while holding one, as many
	// callers as there are connections could wait for each other.
	for _, text := range []string{copiesText, owedText} {
		if _, err := j.prepare(ctx, text); err != nil {
			return e, nil, err
		}
	}
	waiting := j.waiting(e.Sequence) // before the tables are read, so that nothing is in neither
	tx, err := j.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return e, nil, err
	}
	defer tx.Rollback() // nothing was written
	var packed []byte
	var set sql.NullInt64
	if err := j.queryRow(ctx, tx, copiesText, []any{int64(e.Sequence)}, &packed, &set); err != nil {
		return e, nil, err
	}
	stored, err := parseCopies(packed)
	if err != nil {
		return e, nil, err
	}
	rows, err := j.query(ctx, tx, owedText, int64(e.Sequence))
	if err != nil {
		return e, nil, err
	}
	defer rows.Close()
	var owed []copyState
	for rows.Next() {
		var c copyState
		if err := rows.Scan(&c.replica, &c.due, &c.attempts, &c.err, &c.updated, &c.state); err != nil {
			return e, nil, err
		}
		owed = append(owed, c)
	}
	if err := rows.Err(); err != nil {
		return e, nil, err
	}
	n := j.known(set.Int64)
	for _, c := range append(stored[:len(stored):len(stored)], owed...) {
		n = j.known(c.replica)
	}
	byName := map[string]copyState{}
	for r, c := range n.derive(e.Sequence, set.Int64, j.clock.since(e.Sequence), stored, owed) {
		byName[n.places[r].name] = c
	}
	for _, u := range waiting {
		// Older news were committed in between. What is owed and was never tried
		// has no news yet, even if it became owed in this very millisecond.
		c := byName[u.Replica]
		if c.updated > u.at && (!c.state.Owed() || c.attempts > 0) {
			continue
		}
		// Of the same millisecond it may be what was committed, which is not to
		// count twice, or newer.
		next := c.apply(u)
		if c.updated == u.at && c.state == next.state && c.location == next.location && c.err == next.err {
			continue
		}
		if byName[u.Replica] = next; u.State == custody.None {
			delete(byName, u.Replica)
		}
	}
	for replica, c := range byName {
		out = append(out, journal.Copy{
			Replica: replica, State: c.state, Location: c.location, Attempts: int(c.attempts), LastError: c.err, UpdatedAt: time.UnixMilli(c.updated).UTC(),
		})
	}
	return e, out, nil
}
