//go:build unix

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// lockData takes the data folder for this process until the file is closed or
// the process ends, however it ends. The folder is made where there is none.
func lockData(dir string) (*os.File, error) {
	if err := makeFolder(dir); err != nil {
		return nil, fmt.Errorf("data folder: %w; --data or EVENTSEAL_DATA names another", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written: %w; --data or EVENTSEAL_DATA names another", dir, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("data folder %s %w", dir, errInUse)
	}
	return nil, fmt.Errorf("data folder %s cannot be locked: %w", dir, err)
}

// makeFolder makes dir and what is missing above it, durably: after a power cut
// the files in it would be no use without their folder.
func makeFolder(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeFolder(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	f, err := os.Open(parent)
	if errors.Is(err, os.ErrPermission) {
		return nil // it can be written and not read: the system will sync it some time
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
