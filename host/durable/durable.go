// Package durable changes folders and files so that what was reported done is
// so after a power cut, too: a file's content is synced before its name shows
// it, and the folder after a name came or went.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrLocked: another process, or this one already, holds the lock.
var ErrLocked = errors.New("it is in use by another process")

// MakeFolder makes path, private to the user, and what is missing above it,
// durably: after a power cut the files in it would be no use without it.
func MakeFolder(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := MakeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	err := SyncFolder(parent)
	if errors.Is(err, fs.ErrPermission) {
		return nil // it can be written and not read: the system will sync it some time
	}
	if err != nil {
		_ = os.Remove(path) // so that the next attempt does not find it and take it for durable
	}
	return err
}

// SyncFolder returns when files that came into the folder, were renamed in it
// or left it are so on the disk.
func SyncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Replace makes the file path have this content, durably: whenever the process
// or the machine stops, the file has all of it or is as before.
func Replace(path string, content []byte) error {
	d, err := OpenFolder(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Replace(filepath.Base(path), content), d.Close())
}

// Remove removes the file path, durably. One that is not there is no error.
func Remove(path string) error {
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// Lock makes the file path where it is missing, and takes it for this process
// until the file is closed or the process ends in whatever way. It fails with
// ErrLocked at once where it is taken.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return flocked(f)
}

// flocked closes f where it cannot be locked.
func flocked(f *os.File) (*os.File, error) {
	if err := flock(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
