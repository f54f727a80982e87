package durable

import (
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A Folder is open: every step goes to this very folder, also when it was
// moved away and its path leads to another one. It is safe for concurrent use.
type Folder struct {
	// Fault is asked before each step, so that tests make it fail, before or
	// after it took effect. nil: nothing fails. Names of temporary files are the
	// file's with ".tmp" behind it.
	Fault func(op, name string) (apply bool, err error)

	root *os.Root
	self *os.File
}

// OpenFolder opens the folder path, which must exist. The caller closes it.
func OpenFolder(path string) (*Folder, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	self, err := root.Open(".")
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &Folder{root: root, self: self}, nil
}

// Close closes the folder; files opened in it stay open.
func (d *Folder) Close() error { return errors.Join(d.self.Close(), d.root.Close()) }

func (d *Folder) step(op, name string, do func() error) error {
	if d.Fault == nil {
		return do()
	}
	apply, err := d.Fault(op, name)
	if apply {
		if e := do(); e != nil {
			return e
		}
	}
	return err
}

// Entries lists the folder.
func (d *Folder) Entries() ([]fs.DirEntry, error) { return fs.ReadDir(d.root.FS(), ".") }

// Read returns a file's content, and an error when that is longer than limit.
func (d *Folder) Read(name string, limit int64) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = errors.New("the file is too long")
	}
	return b, err
}

// Open opens a file for reading and writing.
func (d *Folder) Open(name string) (*os.File, error) { return d.root.OpenFile(name, os.O_RDWR, 0) }

// Lock is as the function Lock.
func (d *Folder) Lock(name string) (*os.File, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return flocked(f)
}

// Create makes a new, empty file; its name is durable after Sync.
func (d *Folder) Create(name string) (*os.File, error) { return d.create(name, name) }

func (d *Folder) create(name, called string) (f *os.File, err error) {
	err = d.step("create", called, func() error {
		f, err = d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
		return err
	})
	if err == nil && f == nil {
		err = errors.New("not done")
	}
	if err != nil && f != nil {
		_ = f.Close()
	}
	return f, err
}

// Write writes b to f at an offset.
func (d *Folder) Write(f *os.File, b []byte, at int64) error {
	return d.write(f, b, at, filepath.Base(f.Name()))
}

func (d *Folder) write(f *os.File, b []byte, at int64, called string) error {
	return d.step("write", called, func() error {
		_, err := f.WriteAt(b, at)
		return err
	})
}

// Truncate cuts f off.
func (d *Folder) Truncate(f *os.File, size int64) error {
	return d.step("truncate", filepath.Base(f.Name()), func() error { return f.Truncate(size) })
}

// SyncFile returns when what was written to f is on the disk, its size included.
// After an error nobody knows what the disk has: the system may count what it
// could not write as written, so that syncing once more proves nothing.
func (d *Folder) SyncFile(f *os.File) error { return d.syncFile(f, filepath.Base(f.Name())) }

func (d *Folder) syncFile(f *os.File, called string) error {
	return d.step("sync", called, func() error { return datasync(f) })
}

// Sync returns when files that came, were renamed and went are so on the disk.
func (d *Folder) Sync() error { return d.step("sync", ".", d.self.Sync) }

// SyncAbove returns when the folder's own name is on the disk.
func (d *Folder) SyncAbove() error {
	return d.step("sync", "above", func() error {
		err := SyncFolder(filepath.Dir(d.root.Name()))
		if errors.Is(err, fs.ErrPermission) {
			return nil // as in MakeFolder
		}
		return err
	})
}

// Remove removes a file; one that is not there is no error. It is durable
// after Sync.
func (d *Folder) Remove(name string) error { return d.remove(name, name) }

func (d *Folder) remove(name, called string) error {
	return d.step("remove", called, func() error {
		if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// Replace is as the function Replace. What it leaves when the process ends in
// between has a name that ends with ".tmp".
func (d *Folder) Replace(name string, content []byte) error {
	temporary, called := name+"."+rand.Text()[:8]+".tmp", name+".tmp"
	f, err := d.create(temporary, called)
	if err == nil {
		err = d.write(f, content, 0, called)
		if err == nil {
			err = d.syncFile(f, called)
		}
		err = errors.Join(err, f.Close())
	}
	if err == nil {
		err = d.step("rename", name, func() error { return d.root.Rename(temporary, name) })
	}
	if err != nil {
		_ = d.remove(temporary, called)
		return err
	}
	return d.Sync()
}
