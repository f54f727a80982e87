package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/eventseal/eventseal/host/module"
)

// sampleEvents makes n signed events of about 1 KB, each by an author of its own.
func sampleEvents(ctx context.Context, pool *module.Pool, n int) (records [][]byte, keys []module.KeyPair, err error) {
	for i := range n {
		seed := sha256.Sum256(fmt.Appendf(nil, "bench author %d", i))
		k, err := pool.KeyFromRandom(ctx, "K1", &seed)
		if err != nil {
			return nil, nil, err
		}
		record, err := sampleEvent(ctx, pool, k, uint64(i))
		if err != nil {
			return nil, nil, err
		}
		records, keys = append(records, record), append(keys, k)
	}
	return records, keys, nil
}

// sampleEvent makes and signs the n-th event of an author.
func sampleEvent(ctx context.Context, pool *module.Pool, k module.KeyPair, n uint64) ([]byte, error) {
	body, err := json.Marshal(map[string]any{
		"release": map[string]any{"name": fmt.Sprintf("Abbey Road %d", n), "release_date": "1969-09-26", "format": []string{"LP", "CD"}, "label_id": "label:parlophone"},
		"tracks":  []any{map[string]any{"title": "Come Together", "seconds": 259.5, "track_number": 1}, map[string]any{"title": "Something", "seconds": 182.25, "track_number": 2}},
		"notes":   strings.Repeat("Recorded at EMI Studios. ", 16),
	})
	if err != nil {
		return nil, err
	}
	event, _, err := pool.Create(ctx, module.Draft{Type: "CREATE_RELEASE_BUNDLE", Author: k.Public, CreatedAt: 1758390021 + n, Body: body, Proofs: []byte(`{"source_links":["https://example.org/release/1"]}`)})
	if err != nil {
		return nil, err
	}
	v, err := pool.Sign(ctx, event, k.Private)
	if err != nil {
		return nil, err
	}
	return v.Record(), nil
}

// A folder is one for the time of a measurement.
type folder struct{ path string }

// scratch makes one under EVENTSEAL_BENCH_DIR, by default the working folder,
// which is on a disk more often than the system's folder for such things. What
// was measured before is not written to the disk while this is.
func scratch() (folder, error) {
	syscall.Sync()
	parent := os.Getenv("EVENTSEAL_BENCH_DIR")
	if parent == "" {
		parent = "build"
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return folder{}, err
	}
	path, err := os.MkdirTemp(parent, "bench-")
	if err != nil {
		return folder{}, err
	}
	path, err = filepath.Abs(path)
	return folder{path}, err
}

// workshop is a scratch folder with the binary that people run in it.
func workshop() (f folder, binary string, err error) {
	if f, err = scratch(); err != nil {
		return f, "", err
	}
	binary = filepath.Join(f.path, "eventseal")
	if err = build(binary); err != nil {
		f.remove()
	}
	return f, binary, err
}

func (f folder) remove() { os.RemoveAll(f.path) }
