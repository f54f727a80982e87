package module

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero/api"
)

var update = flag.Bool("update", false, "write wasm/exports.txt anew")

// The file exports what exports.txt lists and imports nothing.
func TestExports(t *testing.T) {
	p, _ := one(t)
	if n := len(p.compiled.ImportedFunctions()) + len(p.compiled.ImportedMemories()); n != 0 {
		t.Errorf("%d imports", n)
	}
	var lines []string
	for name, f := range p.compiled.ExportedFunctions() {
		types := func(ts []api.ValueType) string {
			var names []string
			for _, v := range ts {
				names = append(names, api.ValueTypeName(v))
			}
			return "(" + strings.Join(names, ", ") + ")"
		}
		lines = append(lines, fmt.Sprintf("%s%s -> %s\n", name, types(f.ParamTypes()), types(f.ResultTypes())))
	}
	for name := range p.compiled.ExportedMemories() {
		lines = append(lines, name+" memory\n")
	}
	slices.Sort(lines)
	got := strings.Join(lines, "")
	const path = "../../wasm/exports.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("wasm/exports.txt is not what the file exports; make wasm writes it anew:\n%s", got)
	}
}
