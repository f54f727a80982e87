package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"encoding/hex"
	"errors"
)

// The epoch is the setting of that name, 8 bytes. Of each one before it there
// is a setting keptPrefix + its hex digits: the number up to which its order is
// the present one.
const keptPrefix = "kept "

// Epoch implements journal.Journal.
func (j *Journal) Epoch() string { return *j.epoch.Load() }

// Kept implements journal.Journal.
func (j *Journal) Kept(ctx context.Context, epoch string) (uint64, error) {
	if err := j.usable(ctx); err != nil {
		return 0, err
	}
	if epoch == j.Epoch() {
		return j.Last(ctx)
	}
	var upto int64
	err := j.queryRow(ctx, nil, `SELECT value FROM settings WHERE name = ?`, []any{keptPrefix + epoch}, &upto)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return uint64(upto), j.reading("kept", err)
}

// Renew implements journal.Renewer.
func (j *Journal) Renew(ctx context.Context, kept uint64) (string, error) {
	j.renewing.Lock() // so that Epoch is what the last commit says
	defer j.renewing.Unlock()
	var b [8]byte
	rand.Read(b[:])
	err := j.do(ctx, func(w *writer) error {
		upto := int64(min(kept, w.last))
		// What was kept then is kept now only as far as this goes, too.
		if err := w.c.exec(`UPDATE settings SET value = min(value, ?) WHERE name LIKE ? || '%'`, upto, keptPrefix); err != nil {
			return err
		}
		if err := w.c.exec(`INSERT INTO settings VALUES (?, ?)`, keptPrefix+j.Epoch(), upto); err != nil {
			return err
		}
		return w.c.exec(`UPDATE settings SET value = ? WHERE name = 'epoch'`, b[:])
	})
	if err != nil {
		return "", err
	}
	epoch := hex.EncodeToString(b[:])
	j.epoch.Store(&epoch)
	return epoch, nil
}

func (w *writer) loadEpoch() error {
	return w.c.query(`SELECT value FROM settings WHERE name = 'epoch'`, nil, func(v []driver.Value) error {
		epoch := hex.EncodeToString(v[0].([]byte))
		w.j.epoch.Store(&epoch)
		return nil
	})
}
