package bulk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/journal/journaltest"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/servers"
)

// An export from a host with a damaged journal has all else, wherever it is
// interrupted, and counts and names once what it does not have.
func TestExportWithoutAll(t *testing.T) {
	const n = 1200
	host := servers.Host(t, "")
	cl := connect(t, host)
	lines := events(t, n, never)
	if _, err := Import(t.Context(), ImportOptions{Client: cl, Input: strings.NewReader(strings.Join(lines, "\n"))}); err != nil {
		t.Fatal(err)
	}
	host.Stop()
	if err := journaltest.Damage(filepath.Join(host.Dir, "data", "journal.db"), moduletest.Event(t, 300).Hash()); err != nil {
		t.Fatal(err)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}

	var stdout, missing bytes.Buffer
	done, err := Export(t.Context(), ExportOptions{Client: cl, Output: &stdout, Missing: &missing})
	var gap client.Passed
	if e := json.Unmarshal(missing.Bytes(), &gap); e != nil || err != nil || !done.Complete || done.Missing != gap.Events() || done.Events+done.Missing != n {
		t.Fatalf("%+v, %v; %s", done, err, missing.Bytes())
	}
	want := strings.Join(append(append([]string{}, lines[:gap.From-1]...), lines[gap.To:]...), "\n") + "\n"
	if stdout.String() != want {
		t.Errorf("%d bytes, want %d", stdout.Len(), len(want))
	}

	// Interrupted before, at and behind the damage, with a state from before or behind it.
	for _, at := range []uint64{gap.From - 10, gap.From - 1, gap.From, gap.From + 40} {
		for _, every := range []time.Duration{1, time.Hour} {
			file := filepath.Join(t.TempDir(), "out.jsonl.gz")
			o := ExportOptions{Client: cl, Server: host.URL(), File: file, batch: 20, saveEvery: every}
			ctx, stop := context.WithCancel(t.Context())
			o.Progress = func(x Exported) {
				if x.Events >= at || at == gap.From && x.Missing > 0 {
					stop()
				}
			}
			if done, err := Export(ctx, o); err == nil || done.Complete {
				t.Fatalf("%+v, %v", done, err)
			}
			// What a kill leaves behind the last state is not taken for a part of it.
			if f, err := os.OpenFile(file+MissingEnding, os.O_WRONLY|os.O_APPEND, 0); err == nil {
				_, err = f.WriteString(`{"from":1,"to`)
				if err := errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			o.Progress, o.saveEvery, o.batch = nil, 0, 0
			if got, err := Export(t.Context(), o); err != nil || got != done {
				t.Errorf("interrupted at %d: %+v, %v, want %+v", at, got, err, done)
			}
			if got := contents(t, file); got != want {
				t.Errorf("interrupted at %d: %d bytes, want %d", at, len(got), len(want))
			}
			if got := read(t, file+MissingEnding); got != missing.String() {
				t.Errorf("interrupted at %d: missing is %s", at, got)
			}
		}
	}
}
