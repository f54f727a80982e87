package local

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// disk is every change that the replica makes to its folder, with a hook before
// each, through which tests make it fail, before or after it took effect.
type disk struct {
	dir  string
	hook func(op, name string) (apply bool, err error)
}

func (d disk) do(op, name string, f func() error) error {
	if d.hook == nil {
		return f()
	}
	apply, err := d.hook(op, name)
	if apply {
		if e := f(); e != nil {
			return e
		}
	}
	return err
}

func (d disk) path(name string) string { return filepath.Join(d.dir, name) }

// create makes a new, empty file.
func (d disk) create(name string) (f *os.File, err error) {
	err = d.do("create", name, func() error {
		f, err = os.OpenFile(d.path(name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if err != nil && f != nil {
		_ = f.Close()
	}
	if err == nil && f == nil {
		err = errors.New("not done")
	}
	return f, err
}

func (d disk) write(f *os.File, b []byte, at int64) error {
	return d.do("write", filepath.Base(f.Name()), func() error {
		_, err := f.WriteAt(b, at)
		return err
	})
}

func (d disk) truncate(f *os.File, size int64) error {
	return d.do("truncate", filepath.Base(f.Name()), func() error { return f.Truncate(size) })
}

// sync returns when what was written to f is on the disk, its size included.
func (d disk) sync(f *os.File) error {
	return d.do("sync", filepath.Base(f.Name()), func() error { return datasync(f) })
}

// syncDir returns when files made, renamed and removed are so on the disk.
func (d disk) syncDir() error {
	return d.do("sync", ".", func() error { return syncFolder(d.dir) })
}

func (d disk) remove(name string) error {
	return d.do("remove", name, func() error {
		if err := os.Remove(d.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// writeFile makes a file appear with its whole content or not at all.
func (d disk) writeFile(name string, content []byte) error {
	temporary := name + ".tmp"
	if err := d.remove(temporary); err != nil {
		return err
	}
	f, err := d.create(temporary)
	if err != nil {
		return err
	}
	err = d.write(f, content, 0)
	if err == nil {
		err = d.sync(f)
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = d.do("rename", name, func() error { return os.Rename(d.path(temporary), d.path(name)) })
	}
	if err != nil {
		_ = d.remove(temporary) // or at the next Open
		return err
	}
	return d.syncDir()
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// readWhole reads a file of a size that is known to be bounded.
func readWhole(f *os.File, size int64) ([]byte, error) {
	b := make([]byte, size)
	n, err := f.ReadAt(b, 0)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return b[:n], err
}

// Names of files: segment-0000000001.log and, beside it, segment-0000000001.idx.
const (
	logSuffix   = ".log"
	indexSuffix = ".idx"
)

func fileName(id uint64, suffix string) string {
	const digits = "0000000000"
	n := strconv.FormatUint(id, 10)
	return "segment-" + digits[:max(0, len(digits)-len(n))] + n + suffix
}

// parseName reads what fileName made, and nothing else.
func parseName(name, suffix string) (id uint64, ok bool) {
	digits, ok := strings.CutPrefix(name, "segment-")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, suffix)
	if !ok || len(digits) > 19 {
		return 0, false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, false
		}
		id = id*10 + uint64(c-'0')
	}
	return id, id > 0 && fileName(id, suffix) == name
}
