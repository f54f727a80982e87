package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Rebuilt is what Rebuild did.
type Rebuilt struct {
	Events uint64           // in the new file
	Kept   uint64           // numbers that have no event there, so that those of the others stay
	Lost   []journal.Damage // events of which nothing could be read, by their old numbers
	Rows   int              // of what is known of events' copies, at least so many that could not be read
	Posts  int              // rows of what was put on a chain, at least so many that could not be read or went with one
	Aside  string           // where the old file is
}

// Rebuild writes the journal in the file path anew, with everything that can be
// read of it, its index made of the events; nothing may have it open. The old
// file is kept beside it.
//
// Where every event can be read, each keeps its sequence number. So does each up
// to the head of the transparency log, which vouches for them: those that cannot
// be read are reserved, and which events they are of is what the log's entries in
// the places say (Reserve). Of the others, those after the first gap move up:
// numbers without events would be a trap for every reader and every count. Then
// the order has changed, and with it the epoch. With renumber the log is not
// heeded, and every number is given up whose hash is not known.
func Rebuild(ctx context.Context, path string, renumber bool, log *slog.Logger) (r Rebuilt, err error) {
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
	if r, err = rebuild(ctx, path, g.register(), renumber); err != nil {
		return r, errors.Join(g.blame(err), removeFile(path+newEnding))
	}
	r.Aside = asideName(path)
	return r, swap(path, r.Aside)
}

// A rebuilder copies a journal.
type rebuilder struct {
	ctx      context.Context
	from, to *conn
	version  int     // of from's schema
	w        *writer // makes blocks of to
	lost     []span  // of old numbers
	closed   []span  // those of lost whose numbers are given up
	before   []int64 // how many were, up to closed[i]
	changed  bool    // numbers may not be what they were
	rows     int
	posts    int
	renumber bool
}

// rebuild writes path+newEnding, durably. The file at path stays.
func rebuild(ctx context.Context, path, guarded string, renumber bool) (r Rebuilt, err error) {
	target := path + newEnding
	if err := removeFile(target); err != nil {
		return r, err
	}
	if err := create(target); err != nil {
		return r, err
	}
	b := &rebuilder{ctx: ctx, renumber: renumber}
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
	r.Events, r.Kept, err = b.run()
	if e := b.to.close(); err == nil {
		err = e
	}
	if err != nil {
		return r, err
	}
	for _, s := range b.lost {
		r.Lost = append(r.Lost, journal.Damage{From: uint64(s.low), To: uint64(s.high), Err: fmt.Errorf("%w: cannot be read", journal.ErrDamaged)})
	}
	r.Rows, r.Posts = b.rows, b.posts
	f, err := os.OpenFile(target, os.O_RDWR, 0)
	if err != nil {
		return r, err
	}
	err = f.Sync()
	return r, errors.Join(err, f.Close(), durable.SyncFolder(filepath.Dir(target)))
}

func (b *rebuilder) run() (events, kept uint64, err error) {
	if b.version, err = schemaVersion(b.from); err != nil {
		return 0, 0, err
	}
	if b.version < 1 || b.version > len(migrations) {
		return 0, 0, fmt.Errorf("the file has schema %d, this program knows 1 to %d", b.version, len(migrations))
	}
	if err := migrateTo(b.to, b.version); err != nil {
		return 0, 0, err
	}
	if err := b.to.script(`BEGIN`); err != nil {
		return 0, 0, err
	}
	// What everything else refers to must be there as a whole.
	if err := b.copyWhole("names"); err != nil {
		return 0, 0, err
	}
	if err := b.copyWhole("settings"); err != nil {
		return 0, 0, err
	}
	if events, err = b.events(); err != nil {
		return 0, 0, err
	}
	tables, err := b.texts(`SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'
		AND name NOT IN ('names', 'settings', 'events', 'blocks', 'posts', 'reserved', 'tiles', 'anchors', 'anchored', 'passed') ORDER BY name`)
	if err != nil {
		return 0, 0, err
	}
	for _, t := range tables {
		if err := b.table(t); err != nil {
			return 0, 0, err
		}
	}
	if err := b.tiles(); err != nil {
		return 0, 0, err
	}
	if err := b.anchors(); err != nil {
		return 0, 0, err
	}
	if err := b.to.script(`COMMIT`); err != nil {
		return 0, 0, err
	}
	if err := migrate(b.to); err != nil {
		return 0, 0, err
	}
	return events, b.w.last - events, b.confess()
}

// tiles copies the log's tiles, if all of them can be read: they follow from the hashes.
func (b *rebuilder) tiles() error {
	if b.version < tilesSchema {
		return nil
	}
	err := b.copyWhole("tiles")
	if damaged(err) {
		err = b.to.exec(`DELETE FROM tiles`)
	}
	return err
}

// confess has the new file say what it is not sure of any more.
func (b *rebuilder) confess() error {
	if b.changed {
		kept := int64(b.w.last)
		if len(b.closed) > 0 {
			kept = min(kept, b.closed[0].low-1)
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
		if err := b.rankSetting(cursorSetting); err != nil {
			return err
		}
		if b.version >= waivedSchema { // else it is of the new order already
			if err := b.rankSetting(unwatchedSetting); err != nil {
				return err
			}
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
	b.w = &writer{j: j, c: b.to, blocks: map[int64]*columns{}, opened: map[int64]int{}}
	b.w.names = &names{ids: map[name]int64{}, byID: map[int64]name{}, sets: map[int64][]int64{}}
	err = b.to.query(`SELECT id, kind, name, code FROM names`, nil, func(v []driver.Value) error {
		return b.w.names.add(v[0].(int64), name{v[1].(int64), v[2].(string), uint32(v[3].(int64))})
	})
	if err != nil {
		return 0, err
	}
	if err := b.w.loadTerms(); err != nil {
		return 0, err
	}
	if err := b.w.loadHead(); err != nil {
		return 0, err
	}
	vouched := int64(j.head.Load().Size)
	if b.renumber {
		vouched = 0
	}
	high = max(high, vouched)
	// In one go at the end, in order, the index is made in a fraction of the time.
	index, err := b.texts(`SELECT sql FROM sqlite_master WHERE name = 'events_prefix'`)
	if err != nil {
		return 0, err
	}
	if err := b.to.script(`DROP INDEX events_prefix`); err != nil {
		return 0, err
	}
	events := uint64(0)
	for low := int64(1); low <= high; low += walkAtOnce {
		if err := b.ctx.Err(); err != nil {
			return 0, err
		}
		end := min(high, low+walkAtOnce-1)
		reserved, err := b.reserved(low, end)
		if err != nil {
			return 0, err
		}
		var old []numbered
		bad, err := past(low, end, func(low, high int64) error {
			n := len(old)
			want := low
			skip := func(upto int64) error {
				for ; want < upto; want++ {
					hash, ok := reserved[want]
					if !ok {
						return fmt.Errorf("%w: event %d is missing", journal.ErrDamaged, want)
					}
					old = append(old, numbered{seq: want, hash: hash, row: row{none: true}})
				}
				return nil
			}
			err := b.from.query(`SELECT * FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`, []driver.Value{low, high}, func(v []driver.Value) error {
				if seq, ok := v[0].(int64); ok {
					if err := skip(seq); err != nil {
						return err
					}
				}
				r, err := parseRow(b.w.names, &b.w.j.terms, v, want)
				old = append(old, numbered{seq: want, columns: cloned(v), row: r})
				want++
				return err
			})
			if err == nil {
				err = skip(high + 1)
			}
			if err != nil {
				old = old[:n]
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		b.lost = joined(append(b.lost, bad...))
		for _, s := range bad {
			for seq := s.low; seq <= min(s.high, vouched); seq++ {
				old = append(old, numbered{seq: seq, row: row{none: true}})
			}
			if s.low = max(s.low, vouched+1); s.low <= s.high {
				b.closed = joined(append(b.closed, s))
			}
		}
		slices.SortFunc(old, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
		var rows []driver.Value
		for _, o := range old {
			b.w.last++
			b.w.tail = append(b.w.tail, o.row)
			if !o.row.none {
				o.columns[0] = int64(b.w.last)
				rows = append(rows, o.columns...)
				events++
			} else if err := b.reserve(o.hash); err != nil {
				return 0, err
			}
		}
		if err := b.w.rows(insertEvents, 10, rows); err != nil {
			return 0, err
		}
		if err := b.w.pack(); err != nil {
			return 0, err
		}
		clear(b.w.blocks)
	}
	n := int64(0)
	for _, s := range b.closed {
		n += s.high - s.low + 1
		b.before = append(b.before, n)
	}
	b.changed = b.changed || n > 0
	return events, b.to.script(index[0])
}

// A numbered is what a number stands for: an event, or only a hash, nil where
// it is not known.
type numbered struct {
	seq     int64
	columns []driver.Value // of events
	hash    []byte
	row     row
}

// reserved reads what can be read of the reserved numbers of a range.
func (b *rebuilder) reserved(low, high int64) (map[int64][]byte, error) {
	if b.version < reservedSchema {
		return nil, nil
	}
	found := map[int64][]byte{}
	_, err := past(low, high, func(low, high int64) error {
		return b.from.query(`SELECT seq, hash FROM reserved WHERE seq BETWEEN ? AND ?`, []driver.Value{low, high}, func(v []driver.Value) error {
			if hash := v[1].([]byte); len(hash) > 0 || !b.renumber {
				found[v[0].(int64)] = append([]byte{}, hash...)
			}
			return nil
		})
	})
	return found, err
}

// reserve writes that the last number has no event.
func (b *rebuilder) reserve(hash []byte) error {
	front := int64(0)
	if len(hash) == digest.Size {
		front = prefix(digest.Hash(hash))
	} else {
		hash = []byte{}
	}
	return b.to.exec(`INSERT INTO reserved VALUES (?,?,?)`, int64(b.w.last), front, hash)
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
