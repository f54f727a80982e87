package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/eventseal/eventseal/host/durable"
	"github.com/eventseal/eventseal/host/journal"
)

// maxTold bounds the pages that the log names.
const maxTold = 100

// watch has the log name each page that is not what was written, once.
func (g *guard) watch(log *slog.Logger) {
	var mu sync.Mutex
	told := map[uint32]bool{}
	g.found = func(v verdict, page uint32) {
		mu.Lock()
		again := told[page] || len(told) >= maxTold
		told[page] = true
		mu.Unlock()
		switch {
		case again:
		case v == pageMended:
			log.Warn("a page of the journal had one wrong bit, which was put right for its reader; the disk may be failing", "page", page, "then", mend)
		case v == pageForeign:
			log.Error("a page of the journal has no sum: another program wrote it, or its end was never written", "page", page, "then", mend)
		default:
			log.Error("a page of the journal is damaged", "page", page, "then", mend)
		}
	}
}

// blame says that err is damage where pages were: a connection that opens has
// no finer errors yet.
func (g *guard) blame(err error) error {
	if damaged(err) || g.bad.Load()+g.foreign.Load() == 0 {
		return err
	}
	return fmt.Errorf("%w: %w", journal.ErrDamaged, err)
}

// ensure leaves a file with sums at the journal's path: a new one, the one
// that is there, or one that takes the place of a file from before there were sums.
func (j *Journal) ensure() error {
	j.guard.watch(j.o.Log)
	j.guarded = j.guard.register()
	if err := finishSwap(j.path); err != nil {
		return err
	}
	if err := removeFile(j.path + oldEnding); err != nil {
		return err
	}
	f, err := formatOf(j.path)
	if err != nil {
		return err
	}
	switch f {
	case formatNone:
		if err := create(j.path + newEnding); err != nil {
			return err
		}
		if err := os.Rename(j.path+newEnding, j.path); err != nil {
			return err
		}
		return durable.SyncFolder(filepath.Dir(j.path))
	case formatPlain:
		begun := time.Now()
		j.o.Log.Info("the journal is written anew, with a sum in each page; that takes as long as reading and writing it")
		r, err := rebuild(context.Background(), j.path, j.guarded, false)
		if err != nil {
			// The old file is as it was, and serves as it did.
			_ = removeFile(j.path + newEnding)
			if damaged(err) {
				return err
			}
			j.o.Log.Warn("the journal could not be written anew: until the next start, damage in it may go unseen", "error", err)
			return nil
		}
		if len(r.Lost) > 0 || r.Rows+r.Posts > 0 {
			_ = removeFile(j.path + newEnding)
			return fmt.Errorf("%w: %d ranges of events cannot be read; %s", journal.ErrDamaged, len(r.Lost), mend)
		}
		if err := swap(j.path, j.path+oldEnding); err != nil {
			return err
		}
		j.o.Log.Info("the journal was written anew", "events", r.Events, "took", time.Since(begun))
		return removeFile(j.path + oldEnding)
	}
	return nil
}

// Files beside the journal's while it is rebuilt.
const (
	newEnding   = ".new"      // being written
	readyEnding = ".rebuilt"  // whole, and about to take the journal's place
	oldEnding   = ".replaced" // has gone into the new one as a whole
)

// swap has the file that was built take the journal's place; that one, with its
// log, gets the name aside. From the first rename on, finishSwap goes on with it
// after a crash.
func swap(path, aside string) error {
	if err := os.Rename(path+newEnding, path+readyEnding); err != nil {
		return err
	}
	if err := durable.SyncFolder(filepath.Dir(path)); err != nil {
		return err
	}
	if err := move(path, aside); err != nil {
		return err
	}
	return finishSwap(path)
}

// asideName is where a journal goes that something may still be found in.
func asideName(path string) string {
	return path + ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
}

// move renames a database. Its log goes first back into it, or with it: beside
// another file of the name it would be taken for that one's.
func move(path, to string) error {
	for _, ending := range []string{"", "-wal"} {
		if err := os.Rename(path+ending, to+ending); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// finishSwap ends what a swap began, if one did.
func finishSwap(path string) error {
	if _, err := os.Stat(path + readyEnding); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	// What still is here of the old one, a log alone included, goes out of the way.
	if err := move(path, asideName(path)); err != nil {
		return err
	}
	if err := os.Rename(path+readyEnding, path); err != nil {
		return err
	}
	return durable.SyncFolder(filepath.Dir(path))
}

// removeFile removes a database with what SQLite keeps beside it.
func removeFile(path string) (err error) {
	for _, ending := range []string{"", "-wal", "-shm", "-journal"} {
		if e := os.Remove(path + ending); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
