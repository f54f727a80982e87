//go:build !unix

package local

import (
	"errors"
	"io/fs"
)

func noSpace(error) bool { return false }

func passing(error) bool { return false }

func unreadable(error) bool { return false }

func gone(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// OnOwnDevice finds no devices on this system.
func OnOwnDevice(string) (bool, error) { return false, nil }
