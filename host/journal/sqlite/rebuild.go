package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/journal"
)

// Rebuilt is what Rebuild did.
type Rebuilt struct {
	Events uint64           // in the new file
	Lost   []journal.Damage // events of which nothing could be read, by their old numbers
	Rows   int              // of what is known of events' copies, at least so many that could not be read
	Aside  string           // where the old file is
}

// Rebuild writes the journal in the file path anew, with everything that can be
// read of it, its index made of the events; nothing may have it open. The old
// file is kept beside it.
//
// Where every event can be read, each keeps its sequence number. Otherwise those
// after the first gap move up: numbers without events would be a trap for every
// reader and every count, and an event that is brought back from a replica comes at
// the end anyway. Then the order has changed, and with it the epoch.
func Rebuild(ctx context.Context, path string, log *slog.Logger) (r Rebuilt, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("journal %s: %w", path, asDamage(err))
		}
	}()
	lock, err := lockFile(path)
	if err != nil {
		return r, err
	}
	defer lock.close()
	if err := finishSwap(path); err != nil {
		return r, err
	}
	if f, err := formatOf(path); err != nil || f == formatNone {
		return r, errors.Join(err, journal.ErrNotFound)
	}
	g := guard{lenient: true}
	g.watch(log)
	defer g.remove()
	if r, err = rebuild(ctx, path, g.register()); err != nil {
		return r, errors.Join(g.blame(err), removeFile(path+newEnding))
	}
	r.Aside = asideName(path)
	return r, swap(path, r.Aside)
}

// A rebuilder copies a journal.
type rebuilder struct {
	ctx      context.Context
	from, to *conn
	w        *writer // makes blocks of to
	lost     []span  // of old numbers
	before   []int64 // how many were lost up to lost[i]
	changed  bool    // numbers may not be what they were
	rows     int
}

// rebuild writes path+newEnding, durably. The file at path stays.
func rebuild(ctx context.Context, path, guarded string) (r Rebuilt, err error) {
	target := path + newEnding
	if err := removeFile(target); err != nil {
		return r, err
	}
	if err := create(target); err != nil {
		return r, err
	}
	b := &rebuilder{ctx: ctx}
	open := func(c **conn, path string, pragmas ...string) error {
		name, err := dsn(path, "mode=rw&"+guarded, append(pragmas, "cache_size(-65536)", "mmap_size(0)")...)
		if err == nil {
			*c, err = connect(name)
		}
		return err
	}
	if err := open(&b.from, path); err != nil {
		return r, err
	}
	defer func() {
		if e := b.from.close(); err == nil {
			err = e
		}
	}()
	// Until it is whole and synced, nobody relies on it.
	if err := open(&b.to, target, "journal_mode(off)", "synchronous(off)", "locking_mode(exclusive)"); err != nil {
		return r, err
	}
	r.Events, err = b.run()
	if e := b.to.close(); err == nil {
		err = e
	}
	if err != nil {
		return r, err
	}
	for _, s := range b.lost {
		r.Lost = append(r.Lost, journal.Damage{From: uint64(s.low), To: uint64(s.high), Err: fmt.Errorf("%w: cannot be read", journal.ErrDamaged)})
	}
	r.Rows = b.rows
	f, err := os.OpenFile(target, os.O_RDWR, 0)
	if err != nil {
		return r, err
	}
	err = f.Sync()
	return r, errors.Join(err, f.Close(), durable.SyncFolder(filepath.Dir(target)))
}

func (b *rebuilder) run() (events uint64, err error) {
	version := 0
	if version, err = schemaVersion(b.from); err != nil {
		return 0, err
	}
	if version < 1 || version > len(migrations) {
		return 0, fmt.Errorf("the file has schema %d, this program knows 1 to %d", version, len(migrations))
	}
	if err := migrateTo(b.to, version); err != nil {
		return 0, err
	}
	if err := b.to.script(`BEGIN`); err != nil {
		return 0, err
	}
	// What everything else refers to must be there as a whole.
	if err := b.copyWhole("names"); err != nil {
		return 0, err
	}
	if err := b.copyWhole("settings"); err != nil {
		return 0, err
	}
	if events, err = b.events(); err != nil {
		return 0, err
	}
	tables, err := b.texts(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
		AND name NOT IN ('names', 'settings', 'events', 'blocks', 'posts') ORDER BY name`)
	if err != nil {
		return 0, err
	}
	for _, t := range tables {
		if err := b.table(t); err != nil {
			return 0, err
		}
	}
	if err := b.to.script(`COMMIT`); err != nil {
		return 0, err
	}
	if err := migrate(b.to); err != nil {
		return 0, err
	}
	return events, b.confess()
}

// confess has the new file say what it is not sure of any more.
func (b *rebuilder) confess() error {
	if b.changed {
		kept := int64(b.w.last)
		if len(b.lost) > 0 {
			kept = min(kept, b.lost[0].low-1)
		}
		for _, text := range []string{
			`UPDATE settings SET value = min(value, ?1) WHERE name LIKE '` + keptPrefix + `%'`,
			`INSERT OR REPLACE INTO settings SELECT '` + keptPrefix + `' || lower(hex(value)), ?1 FROM settings WHERE name = 'epoch'`,
		} {
			if err := b.to.exec(text, kept); err != nil {
				return err
			}
		}
		if err := b.to.exec(`UPDATE settings SET value = randomblob(8) WHERE name = 'epoch'`); err != nil {
			return err
		}
		type arrears struct{ replica, after, upto int64 }
		var as []arrears
		err := b.to.query(`SELECT replica, after, upto FROM places`, nil, func(v []driver.Value) error {
			as = append(as, arrears{v[0].(int64), v[1].(int64), v[2].(int64)})
			return nil
		})
		if err != nil {
			return err
		}
		for _, a := range as {
			if err := b.to.exec(`UPDATE places SET after = ?, upto = ? WHERE replica = ?`, b.rank(a.after), b.rank(a.upto), a.replica); err != nil {
				return err
			}
		}
	}
	if b.rows == 0 || b.w.last == 0 {
		return nil
	}
	// What cannot be read of the copies is found out by asking every place.
	return b.to.exec(`UPDATE places SET after = 0, upto = ?, why = 'a part of the journal could not be read'`, int64(b.w.last))
}

func schemaVersion(c *conn) (version int, err error) {
	err = c.query(`PRAGMA user_version`, nil, func(v []driver.Value) error {
		version = int(v[0].(int64))
		return nil
	})
	return version, err
}

func (b *rebuilder) texts(query string) (out []string, err error) {
	err = b.to.query(query, nil, func(v []driver.Value) error {
		out = append(out, v[0].(string))
		return nil
	})
	return out, err
}

func (b *rebuilder) copyWhole(table string) error {
	return b.from.query(`SELECT * FROM `+table, nil, func(v []driver.Value) error {
		return b.to.exec(`INSERT OR REPLACE INTO `+table+` VALUES `+values(len(v), 1), v...)
	})
}

// events copies the events, and makes everything that is derived from them.
func (b *rebuilder) events() (uint64, error) {
	high, sure, err := b.highest()
	if err != nil {
		return 0, err
	}
	b.changed = !sure
	j := &Journal{}
	b.w = &writer{j: j, c: b.to, blocks: map[int64]*columns{}}
	b.w.names = &names{ids: map[name]int64{}, byID: map[int64]name{}, sets: map[int64][]int64{}}
	err = b.to.query(`SELECT id, kind, name, code FROM names`, nil, func(v []driver.Value) error {
		return b.w.names.add(v[0].(int64), name{v[1].(int64), v[2].(string), uint32(v[3].(int64))})
	})
	if err != nil {
		return 0, err
	}
	if err := b.w.loadTail(); err != nil { // the key
		return 0, err
	}
	// In one go at the end, in order, the index is made in a fraction of the time.
	index, err := b.texts(`SELECT sql FROM sqlite_master WHERE name = 'events_prefix'`)
	if err != nil {
		return 0, err
	}
	if err := b.to.script(`DROP INDEX events_prefix`); err != nil {
		return 0, err
	}
	for low := int64(1); low <= high; low += walkAtOnce {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		var rows []driver.Value
		var metas []row
		bad, err := past(low, min(high, low+walkAtOnce-1), func(low, high int64) error {
			n, m := len(rows), len(metas)
			want := low
			err := b.from.query(`SELECT * FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`, []driver.Value{low, high}, func(v []driver.Value) error {
				r, err := parseRow(b.w.names, &b.w.j.terms, v, want)
				want++
				if err == nil {
					rows, metas = append(rows, cloned(v)...), append(metas, r)
				}
				return err
			})
			if err == nil && want <= high {
				err = fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, want)
			}
			if err != nil {
				rows, metas = rows[:n], metas[:m]
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		b.lost = joined(append(b.lost, bad...))
		for i := 0; i < len(rows); i += len(rows) / len(metas) {
			b.w.last++
			rows[i] = int64(b.w.last)
		}
		if err := b.w.rows(insertEvents, 10, rows); err != nil {
			return 0, err
		}
		b.w.tail = append(b.w.tail, metas...)
		if err := b.w.pack(); err != nil {
			return 0, err
		}
		clear(b.w.blocks)
	}
	n := int64(0)
	for _, s := range b.lost {
		n += s.high - s.low + 1
		b.before = append(b.before, n)
	}
	b.changed = b.changed || n > 0
	return b.w.last, b.to.script(index[0])
}

func cloned(v []driver.Value) []driver.Value {
	out := make([]driver.Value, len(v))
	for i, x := range v {
		if bytes, ok := x.([]byte); ok {
			x = append([]byte{}, bytes...)
		}
		out[i] = x
	}
	return out
}
