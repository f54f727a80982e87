package replica

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A policy has the methods of powers that it has not, so outside of the tests
// of policies nobody finds a power by its methods alone.
func TestPowersAreFoundWithAs(t *testing.T) {
	asserted := regexp.MustCompile(`\.\((replica\.)?(BatchPutter|BatchGetter|Filler|Lister|Auditor|Identified|Recent|Suffered|Objects)\)`)
	files := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if found := asserted.Find(b); found != nil {
			t.Errorf("%s: %s; replica.As finds a power", path, found)
		}
		return err
	})
	if err != nil || files < 50 {
		t.Fatalf("%d files, %v", files, err)
	}
}
