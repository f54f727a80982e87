package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func content(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whichever step of a replacement fails, the file is whole, and one of both.
func TestReplace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "er")
	if err := MakeFolder(dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "file")
	if err := Replace(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	var steps []string
	d, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.Fault = func(op, name string) (bool, error) {
		steps = append(steps, op+" "+name)
		return true, nil
	}
	if err := d.Replace("file", []byte("old")); err != nil {
		t.Fatal(err)
	}
	want := []string{"create file.tmp", "write file.tmp", "sync file.tmp", "rename file", "sync ."}
	if !slices.Equal(steps, want) {
		t.Fatalf("%q", steps)
	}
	for _, bad := range want {
		for _, applied := range []bool{false, true} {
			d.Fault = func(op, name string) (bool, error) {
				if op+" "+name == bad {
					return applied, syscall.EIO
				}
				return true, nil
			}
			text := fmt.Sprintf("%s %v", bad, applied)
			if err := d.Replace("file", []byte(text)); !errors.Is(err, syscall.EIO) {
				t.Fatalf("%s: %v", text, err)
			}
			shown := bad == "sync ." || bad == "rename file" && applied
			if got := content(t, path); shown != (got == text) || !shown && got != "old" {
				t.Errorf("%s: %q", text, got)
			}
			d.Fault = nil
			if err := d.Replace("file", []byte("old")); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.Fault = func(op, name string) (bool, error) { return true, errors.New(op + " " + name) }
	if err := d.SyncAbove(); err == nil || err.Error() != "sync above" {
		t.Errorf("%v", err)
	}
	d.Fault = nil
	if err := d.SyncAbove(); err != nil {
		t.Error(err)
	}
	entries, err := d.Entries()
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

// A folder that was moved away is still the one that steps go to.
func TestMovedFolder(t *testing.T) {
	root := t.TempDir()
	was, is := filepath.Join(root, "was"), filepath.Join(root, "is")
	if err := MakeFolder(was); err != nil {
		t.Fatal(err)
	}
	d, err := OpenFolder(was)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := os.Rename(was, is); err != nil {
		t.Fatal(err)
	}
	if err := MakeFolder(was); err != nil {
		t.Fatal(err)
	}
	if err := Replace(filepath.Join(was, "file"), []byte("another's")); err != nil {
		t.Fatal(err)
	}
	if err := d.Replace("file", []byte("own")); err != nil {
		t.Fatal(err)
	}
	if b, err := d.Read("file", 3); err != nil || string(b) != "own" {
		t.Fatalf("%q, %v", b, err)
	}
	if _, err := d.Read("file", 2); err == nil {
		t.Error("more than the limit was read")
	}
	if err := d.Remove("file"); err != nil {
		t.Fatal(err)
	}
	if content(t, filepath.Join(was, "file")) != "another's" {
		t.Error("a step went to the other folder")
	}
	if err := Remove(filepath.Join(was, "file")); err != nil {
		t.Fatal(err)
	}
	if err := Remove(filepath.Join(was, "file")); err != nil {
		t.Fatalf("removed again: %v", err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	f, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(path); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "in use") {
		t.Fatalf("locked twice: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = Lock(path); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
