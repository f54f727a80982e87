package sqlite

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/module"
)

// Many callers who are the first after a start do not wait for each other.
func TestFirstReadersTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	v := journaltest.Event(1, 100, 0)
	for round := range 10 {
		j, err := Open(path, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Admit(ctx, []module.Verified{v}, []string{"a"}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				if _, _, err := j.Get(ctx, v.Hash()); err != nil {
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		if err := j.Close(); err != nil || t.Failed() {
			t.Fatal(err)
		}
	}
}
