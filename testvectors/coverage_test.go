package testvectors

import (
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// Every folder of vectors holds cases, every case says one thing, and every
// code of the format is asked for often enough to mean something.
func TestEverythingIsCovered(t *testing.T) {
	all := load(t)
	refused := map[string]int{}
	folders := map[string]int{}
	for _, f := range all {
		if f.Description == "" || len(f.Cases) == 0 {
			t.Errorf("%s: no description or no cases", f.Path)
		}
		folder, _, _ := strings.Cut(f.Path, "/")
		folders[folder] += len(f.Cases)
		names := map[string]bool{}
		for _, c := range f.Cases {
			if names[c.Name] {
				t.Errorf("%s: %q stands twice", f.Path, c.Name)
			}
			names[c.Name] = true
			if (c.Out == nil) == (c.Refuse == nil) || c.Op == "" {
				t.Errorf("%s: %q has no operation, or not one of out and refuse", f.Path, c.Name)
			}
			if c.Refuse != nil {
				refused[c.Refuse.Code]++
			} else if c.Op == "verify_proof" { // its report says what is wrong
				var report struct{ Code string }
				if err := json.Unmarshal(c.Out.Text, &report); err != nil {
					t.Errorf("%s: %q: %v", f.Path, c.Name, err)
				} else if report.Code != "" {
					refused[report.Code]++
				}
			}
		}
	}
	names, err := fs.Glob(Anchor, "anchor/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := Anchor.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Description string
			Cases       []struct{ Name string }
		}
		if err := json.Unmarshal(text, &f); err != nil || f.Description == "" {
			t.Errorf("%s: no description: %v", name, err)
		}
		seen := map[string]bool{}
		for _, c := range f.Cases {
			if seen[c.Name] {
				t.Errorf("%s: %q stands twice", name, c.Name)
			}
			seen[c.Name] = true
		}
		folders["anchor"] += len(f.Cases)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && e.Name() != "generate" && e.Name() != "node" && folders[e.Name()] == 0 {
			t.Errorf("folder %s has no cases, or is not embedded", e.Name())
		}
	}
	codes, err := Codes()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for _, c := range codes {
		known[c] = true
		if refused[c] < 3 && c != "invalid_argument" { // what an argument is, each interface says for itself
			t.Errorf("%s is refused with in %d cases only", c, refused[c])
		}
	}
	for c := range refused {
		if !known[c] {
			t.Errorf("%s is not a code of codes.json", c)
		}
	}
}

// A case that claims anything of a type claims it of every built-in one.
func TestEveryTypeIsCovered(t *testing.T) {
	for _, file := range []string{"events/k1.json", "events/legacy.json", "events/r1.json"} {
		seen := map[string]uint32{}
		for _, f := range load(t) {
			if f.Path == file {
				for _, c := range f.Cases {
					seen[c.Out.Type] = c.Out.TypeCode
				}
			}
		}
		if len(seen) != 14 {
			t.Errorf("%s has %d types, want 14", file, len(seen))
		}
	}
}

func load(t testing.TB) []File {
	all, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return all
}
