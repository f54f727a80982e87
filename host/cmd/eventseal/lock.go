package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/eventseal/eventseal/host/durable"
)

// lockData takes the data folder for this process until the file is closed or
// the process ends, however it ends. The folder is made where there is none.
func lockData(dir string) (*os.File, error) {
	if err := durable.MakeFolder(dir); err != nil {
		return nil, fmt.Errorf("data folder: %w; --data or EVENTSEAL_DATA names another", err)
	}
	f, err := durable.Lock(filepath.Join(dir, "lock"))
	switch {
	case errors.Is(err, durable.ErrLocked):
		return nil, fmt.Errorf("data folder %s %w", dir, errInUse)
	case err != nil:
		return nil, fmt.Errorf("data folder %s cannot be written: %w; --data or EVENTSEAL_DATA names another", dir, err)
	}
	return f, nil
}
