//go:build unix

package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// noSpace reports whether err says that the disk, or a share of it, is used up.
func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// passing reports whether err says that the process or the machine lacks
// something for the moment, which is nothing about the disk.
func passing(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.EINTR, syscall.EAGAIN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// unreadable reports whether err says that the disk cannot read what it has.
func unreadable(err error) bool { return errors.Is(err, syscall.EIO) }

// gone reports whether err says that a path leads nowhere.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// OnOwnDevice reports whether the folder path is on another device than the one
// above it, as a mounted disk is. A path that leads nowhere is not.
func OnOwnDevice(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		if gone(err) {
			err = nil
		}
		return false, err
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return false, err
	}
	above, err := os.Stat(filepath.Dir(whole))
	if err != nil {
		return false, err
	}
	a, ok := info.Sys().(*syscall.Stat_t)
	b, okAbove := above.Sys().(*syscall.Stat_t)
	return ok && okAbove && a.Dev != b.Dev, nil
}
