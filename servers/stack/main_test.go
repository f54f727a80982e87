package main

import "testing"

// A name that is none ends nothing and is told.
func TestDown(t *testing.T) {
	dir := t.TempDir()
	if err := down(dir, nil); err != nil {
		t.Errorf("nothing runs: %v", err)
	}
	if err := down(dir, []string{"s3", "ipfs"}); err != nil {
		t.Errorf("by their names: %v", err)
	}
	if err := down(dir, []string{"s3", "ipsf"}); err == nil {
		t.Error("a server that there is not was ended")
	}
}
