package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/eventseal/eventseal/host/module/moduletest"
)

// What the generator makes the module takes, and it is the same each time.
func TestCrowd(t *testing.T) {
	c, err := newCrowd()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "events.jsonl")
	if err := c.write(path, 0, 2500); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if len(lines) != 2500 {
		t.Fatalf("%d lines", len(lines))
	}
	results, err := moduletest.Open(t).VerifyBatch(t.Context(), lines)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, r := range results {
		if r.Err != nil || !bytes.Equal(r.Verified.Record(), lines[i]) {
			t.Fatalf("line %d: %v", i+1, r.Err)
		}
		seen[r.Verified.Hash().String()] = true
	}
	if len(seen) != 2500 {
		t.Errorf("%d events are different", len(seen))
	}
	again, err := c.chunk(1000, 1010)
	if err != nil || !bytes.HasPrefix(bytes.Join(lines[1000:], []byte("\n")), bytes.TrimSpace(again)) {
		t.Errorf("another time it is another one: %v", err)
	}
}

// A few events go the way of the million: in, asked for, followed, out, in
// elsewhere, out again, the same to the byte.
func TestBulk(t *testing.T) {
	t.Setenv("EVENTSEAL_BENCH_DIR", t.TempDir())
	rows, err := bulkRows(options{bulk: 3000})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r.value <= 0 {
			t.Errorf("%s: %v", r.name, r.value)
		}
	}
	if len(rows) < 40 {
		t.Errorf("%d rows", len(rows))
	}
}
