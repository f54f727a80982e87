package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/eventseal/eventseal/host/config"
	"github.com/eventseal/eventseal/host/module"
)

// moduleFlags say what the module takes for an event, as a host's
// configuration does.
type moduleFlags struct {
	Types    []eventType `name:"types" placeholder:"NAME=CODE" env:"EVENTSEAL_EVENT_TYPES" help:"Event types beside the built-in ones."`
	MaxBytes byteSize    `name:"max-bytes" placeholder:"SIZE" default:"256KiB" env:"EVENTSEAL_EVENT_MAX_BYTES" help:"Largest event (${default})."`

	instances int // 0: one
}

type eventType struct{ module.Type }

// UnmarshalText reads NAME=CODE.
func (t *eventType) UnmarshalText(text []byte) error {
	parsed, err := config.ParseType(string(text))
	t.Type = module.Type(parsed)
	return err
}

type byteSize int

// UnmarshalText reads what a size in the configuration file may be.
func (s *byteSize) UnmarshalText(text []byte) error {
	size, err := config.ParseSize(string(text))
	*s = byteSize(size)
	return err
}

// open starts the module. Compiled code is kept in the
// user's cache folder, without which every command would compile anew.
func (f *moduleFlags) open(ctx context.Context) (*module.Pool, error) {
	if f.MaxBytes < 1 || config.Size(f.MaxBytes) > config.MaxEventBytes {
		return nil, usage("--max-bytes: want 1 to %v", config.MaxEventBytes)
	}
	c := module.Config{Instances: max(1, f.instances), MaxEvent: int(f.MaxBytes), CacheDir: cacheDir()}
	for _, t := range f.Types {
		c.Types = append(c.Types, t.Type)
	}
	p, err := module.Open(ctx, c)
	if err != nil && c.CacheDir != "" {
		c.CacheDir = "" // a cache that cannot be used must not stop anybody
		p, err = module.Open(ctx, c)
	}
	if err != nil {
		return nil, &usageError{err}
	}
	return p, nil
}

// cacheDir returns the folder of compiled code, "" where there can be none.
// Only its owner may write there: whoever can decides what is valid.
func cacheDir() string {
	base, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	dir := filepath.Join(base, "eventseal", "module")
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}
