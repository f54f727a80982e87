//go:build unix

package local

import (
	"errors"
	"io/fs"
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
