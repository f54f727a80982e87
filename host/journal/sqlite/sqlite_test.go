package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/journaltest"
)

func open(t testing.TB, path string, o Options) *Journal {
	t.Helper()
	j, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func TestConformance(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) journaltest.Subject {
		path := filepath.Join(t.TempDir(), "a journal?.db")
		j := open(t, path, Options{})
		return journaltest.Subject{Journal: j, Reopen: func(t *testing.T) journal.Journal {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			j = open(t, path, Options{})
			return j
		}}
	})
}
