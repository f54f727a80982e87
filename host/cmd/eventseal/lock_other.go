//go:build !unix

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// lockData makes the data folder. The journal's own lock is what keeps a
// second process out here.
func lockData(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w; --data or EVENTSEAL_DATA names another", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written: %w; --data or EVENTSEAL_DATA names another", dir, err)
	}
	return f, nil
}
