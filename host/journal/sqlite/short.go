package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"slices"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Texts of the queries for events that may be short: with what copies holds of
// each, or a reserved one's hash. A test holds their plans.
const (
	namesText     = `SELECT id, kind, name, code FROM names`
	placesText    = `SELECT replica, name, identity, after, upto, why, mounted FROM places`
	shortFresh    = `SELECT seq, NULL FROM fresh WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`
	shortOwed     = `SELECT seq, (SELECT state FROM copies c WHERE c.seq = o.seq) FROM owed o WHERE seq BETWEEN ? AND ? GROUP BY seq ORDER BY seq LIMIT ?`
	shortWaived   = `SELECT seq, (SELECT state FROM copies c WHERE c.seq = w.seq) FROM waived w WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`
	shortCopies   = `SELECT seq, state FROM copies WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`
	shortReserved = `SELECT seq, hash FROM reserved WHERE seq BETWEEN ? AND ? ORDER BY seq LIMIT ?`
)

// unwatchedSetting is up to which number waived may lack events: those that were
// there when it came to be.
const unwatchedSetting = "unwatched"

// Short implements journal.Anchored. News count once they are durable.
//
// What an event lacks is found by what says so: by its row of fresh, of owed or
// of reserved, or by that of waived, which tells of a place that has another
// signature or nothing, and is owed nothing. That is all there can be where each
// set of places that events were ever owed to has enough counting ones in it
// that are not in arrears. Elsewhere, as after a place was replaced, added or
// removed, and for events from before waived was kept, what is known of the
// copies of each event in the range is read, some at a time.
func (j *Journal) Short(ctx context.Context, after, upto uint64, counting []string, required, limit int) ([]journal.Entry, error) {
	if err := j.usable(ctx); err != nil {
		return nil, err
	}
	// Preparing takes a connection, see get.
	for _, text := range []string{namesText, placesText, shortFresh, shortOwed, shortWaived, shortCopies, shortReserved} {
		if _, err := j.prepare(ctx, text); err != nil {
			return nil, j.reading("short", err)
		}
	}
	upto = min(upto, j.last.Load())
	var out []journal.Entry
	for after < upto && len(out) < limit {
		found, next, err := j.lacking(ctx, int64(after)+1, int64(upto), counting, required)
		if err != nil {
			return nil, j.reading("short", err)
		}
		es, err := j.lackingEntries(ctx, found[:min(len(found), limit-len(out))])
		if err != nil {
			return nil, j.reading("short", err)
		}
		out, after = append(out, es...), uint64(next)
	}
	return out, nil
}

// A suspect is an event that may be short.
type suspect struct {
	seq      int64
	copies   []byte // what copies holds of it
	reserved []byte // the hash, of one whose number is only reserved
	unknown  bool   // what is known of its copies cannot be read
}

// lacking returns the events from low on that are short, and up to which number
// these are all: high, or less.
func (j *Journal) lacking(ctx context.Context, low, high int64, counting []string, required int) (found []suspect, upto int64, err error) {
	tx, err := j.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true}) // so that no event is on its way from one table to another
	if err != nil {
		return nil, 0, err
	}
	defer tx.Rollback() // nothing was written
	n, err := loadNames(func(text string, _ []driver.Value, row func([]driver.Value) error) error {
		rows, err := j.rows(ctx, tx, text)
		for i := 0; i < len(rows) && err == nil; i++ {
			err = row(rows[i])
		}
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	var places, settled []int64 // those that count, and those of them that are not in arrears
	for _, name := range counting {
		id, ok := n.replica(name)
		if !ok || slices.Contains(places, id) {
			continue
		}
		places = append(places, id)
		switch p := n.places[id]; {
		case p.inArrears(uint64(low)):
			high = min(high, int64(p.upto))
		case low <= int64(p.after):
			high = min(high, int64(p.after))
			fallthrough
		default:
			settled = append(settled, id)
		}
	}
	each := low <= j.unwatched
	if each {
		high = min(high, j.unwatched)
	}
	for _, set := range n.sets {
		each = each || among(set, settled) < required
	}
	if each {
		high = min(high, low+walkAtOnce-1)
	}
	suspects, upto, err := j.suspects(ctx, tx, low, high, each)
	if damaged(err) {
		upto = min(high, low+walkAtOnce-1)
		suspects, err = j.pastDamage(ctx, tx, low, upto, each)
	}
	if err != nil {
		return nil, 0, err
	}
	for _, s := range suspects {
		if s.short(places, required) {
			found = append(found, s)
		}
	}
	return found, upto, nil
}

// among counts those of a set that are among others.
func among(set, others []int64) (n int) {
	for _, id := range set {
		if slices.Contains(others, id) {
			n++
		}
	}
	return n
}

// short says whether too few of the places hold the event.
func (s *suspect) short(places []int64, required int) bool {
	if s.reserved != nil || s.unknown {
		return true
	}
	cs, err := parseCopies(s.copies)
	held := 0
	for _, c := range cs {
		if c.state.Held() && slices.Contains(places, c.replica) {
			held++
		}
	}
	return held < required || err != nil
}

// suspects returns the events of a range of which something says that they lack
// a copy, or each of them, ascending, and up to which number.
func (j *Journal) suspects(ctx context.Context, tx *sql.Tx, low, high int64, each bool) (found []suspect, upto int64, err error) {
	if each {
		found, err = j.eachOf(ctx, tx, low, high)
		return found, high, err
	}
	for _, text := range []string{shortFresh, shortOwed, shortWaived, shortReserved} {
		rows, err := j.rows(ctx, tx, text, low, high, walkAtOnce)
		if err != nil {
			return nil, 0, err
		}
		for _, v := range rows {
			found = append(found, suspected(v, text == shortReserved))
		}
		if len(rows) == walkAtOnce {
			high = found[len(found)-1].seq // and it may go on
		}
	}
	return slices.DeleteFunc(inOrder(found), func(s suspect) bool { return s.seq > high }), high, nil
}

// inOrder returns suspects ascending, each once, as the first that tells of it does.
func inOrder(ss []suspect) []suspect {
	slices.SortStableFunc(ss, func(a, b suspect) int { return cmp.Compare(a.seq, b.seq) })
	return slices.CompactFunc(ss, func(a, b suspect) bool { return a.seq == b.seq })
}

// eachOf returns every event of a range.
func (j *Journal) eachOf(ctx context.Context, tx *sql.Tx, low, high int64) ([]suspect, error) {
	found := make([]suspect, high-low+1)
	for i := range found {
		found[i].seq = low + int64(i)
	}
	for _, text := range []string{shortCopies, shortReserved} {
		rows, err := j.rows(ctx, tx, text, low, high, walkAtOnce)
		if err != nil {
			return nil, err
		}
		for _, v := range rows {
			s := suspected(v, text == shortReserved)
			found[s.seq-low] = s
		}
	}
	return found, nil
}

func suspected(v []driver.Value, reserved bool) suspect {
	s := suspect{seq: v[0].(int64)}
	if b, _ := v[1].([]byte); reserved {
		s.reserved = append([]byte{}, b...)
	} else {
		s.copies = b
	}
	return s
}

// pastDamage is suspects of a range, walkAtOnce long at most, in which something
// cannot be read: of those events nothing is known.
func (j *Journal) pastDamage(ctx context.Context, tx *sql.Tx, low, high int64, each bool) (found []suspect, err error) {
	bad, err := past(low, high, func(low, high int64) error {
		got, _, err := j.suspects(ctx, tx, low, high, each)
		found = append(found, got...)
		return err
	})
	for _, b := range bad {
		for seq := b.low; seq <= b.high; seq++ {
			found = append(found, suspect{seq: seq, unknown: true})
		}
	}
	return inOrder(found), err
}

// lackingEntries returns the entries of events that are short.
func (j *Journal) lackingEntries(ctx context.Context, found []suspect) ([]journal.Entry, error) {
	var seqs []uint64
	for _, s := range found {
		if s.reserved == nil {
			seqs = append(seqs, uint64(s.seq))
		}
	}
	read, err := j.readable(ctx, seqs)
	if err != nil {
		return nil, err
	}
	out := make([]journal.Entry, len(found))
	for i, s := range found {
		out[i].Sequence = uint64(s.seq)
		if len(s.reserved) == digest.Size {
			out[i].Hash = digest.Hash(s.reserved)
		}
		if s.reserved == nil && len(read) > 0 && read[0].Sequence == uint64(s.seq) {
			out[i], read = read[0], read[1:]
		}
	}
	return out, nil
}
