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

// unreadable reports whether err says that the disk cannot read what it has.
func unreadable(err error) bool { return errors.Is(err, syscall.EIO) }

// gone reports whether err says that a path leads nowhere.
func gone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
