package bulk

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/wasm/code"
)

// rebuild ends a host, removes its journal, has it rebuilt from a place, and
// starts it again. The place is given the folder of one that got the same events
// in another order: it lists them in that one, which is that of a new log.
func rebuild(t *testing.T, host *servers.Server, place string) {
	t.Helper()
	host.Stop()
	data := filepath.Join(host.Dir, "data")
	remove(t, filepath.Join(data, "journal*"), filepath.Join(data, "replica-a"))
	if err := os.CopyFS(filepath.Join(data, "replica-a"), os.DirFS(place)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(servers.Eventseal(t), "reindex", "--from", "replica-a", "--new-log", "--config", filepath.Join(host.Dir, "eventseal.toml"), "--data", data).CombinedOutput()
	if err != nil {
		t.Fatalf("reindex: %v\n%s", err, out)
	}
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
}

func remove(t *testing.T, patterns ...string) {
	t.Helper()
	for _, p := range patterns {
		files, err := filepath.Glob(p)
		if err != nil || len(files) == 0 {
			t.Fatalf("there is no %s: %v", p, err)
		}
		for _, f := range files {
			if err := os.RemoveAll(f); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func sorted(lines string) []string {
	return slices.Sorted(strings.Lines(lines))
}

var errStop = errors.New("stop")

// A host whose journal was lost and rebuilt has every event in another order.
// Whoever was under way, with an export, a stream or a query, has every event
// in the end, and the file of an export has each once.
func TestRebuiltJournal(t *testing.T) {
	const n = 1500
	host := servers.Host(t, "")
	cl := connect(t, host)
	lines := events(t, n, never)
	all := strings.Join(lines, "\n") + "\n"
	ctx := t.Context()
	if _, err := Import(ctx, ImportOptions{Client: cl, Input: strings.NewReader(all)}); err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "out.jsonl")
	out := ExportOptions{Client: cl, Server: host.URL(), File: file, batch: 20}
	interrupted, stop := context.WithCancel(ctx)
	out.Progress = func(x Exported) {
		if x.Events >= n/2 {
			stop()
		}
	}
	if done, err := Export(interrupted, out); err == nil || done.Complete || done.Events < n/2 {
		t.Fatalf("%+v, %v", done, err)
	}
	out.Progress = nil

	seen := map[string]bool{}
	var position, oldID string
	follow := func(most int) {
		t.Helper()
		err := cl.Follow(ctx, client.Follow{After: position}, func(f client.Found) error {
			position = f.Position
			if seen[f.Hash.String()] = true; len(seen) == most {
				return errStop
			}
			return nil
		})
		if !errors.Is(err, errStop) {
			t.Fatal(err)
		}
	}
	position = client.Beginning
	follow(n / 3)
	oldID = position

	found := map[string]bool{}
	next := ""
	query := func(pages int) (reordered bool) {
		t.Helper()
		for range pages {
			page, err := cl.Query(ctx, client.Query{Limit: 100, Cursor: next})
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Events {
				found[f.Hash.String()] = true
			}
			reordered = reordered || page.Reordered
			if next = page.Next; next == "" {
				break
			}
		}
		return reordered
	}
	query(4)

	backwards := servers.Host(t, "")
	turned := slices.Clone(lines)
	slices.Reverse(turned)
	if _, err := Import(ctx, ImportOptions{Client: connect(t, backwards), Input: strings.NewReader(strings.Join(turned, "\n"))}); err != nil {
		t.Fatal(err)
	}
	backwards.Stop()
	rebuild(t, host, filepath.Join(backwards.Dir, "data", "replica-a"))

	// What a reader kept is refused by name, with how to go on.
	for path, header := range map[string]string{"/v1/events?cursor=" + next: "", "/v1/stream?after=" + oldID: "", "/v1/stream?from=0": oldID} {
		req, err := http.NewRequestWithContext(ctx, "GET", host.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set("Last-Event-ID", header)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		var p client.Problem
		err = json.NewDecoder(resp.Body).Decode(&p)
		resp.Body.Close()
		if err != nil || resp.StatusCode != code.EpochChanged.Status() || p.Code != code.EpochChanged.String() || p.Resume != "0" {
			t.Errorf("%s: %s, %+v, %v", path, resp.Status, p, err)
		}
	}

	done, err := Export(ctx, out)
	if err != nil || !done.Complete || done.Events != n {
		t.Errorf("export: %+v, %v", done, err)
	}
	got := contents(t, file)
	if !slices.Equal(sorted(got), sorted(all)) {
		t.Errorf("the export has %d bytes, want %d", len(got), len(all))
	}
	if got == all {
		t.Error("the order is the same as before: the test proves nothing")
	}
	var stdout strings.Builder
	if _, err := Export(ctx, ExportOptions{Client: cl, Output: &stdout}); err != nil || stdout.String() != got {
		t.Errorf("the order of the file is not the host's: %v", err)
	}
	if follow(n); len(seen) != n {
		t.Errorf("followed %d events", len(seen))
	}
	if !query(n) || len(found) != n {
		t.Errorf("the query found %d events", len(found))
	}

	// After a hash alone the answer goes on in the present order, here and on
	// another host.
	if _, err := Export(ctx, ExportOptions{Client: cl, After: hashOf(t, cl, n-10), Output: &stdout}); err != nil || strings.Count(stdout.String(), "\n") != n+10 {
		t.Errorf("after a hash: %d lines, %v", strings.Count(stdout.String(), "\n"), err)
	}
	other := connect(t, servers.Host(t, ""))
	if _, err := Import(ctx, ImportOptions{Client: other, Input: strings.NewReader(got)}); err != nil {
		t.Fatal(err)
	}
	stdout.Reset()
	if _, err := Export(ctx, ExportOptions{Client: other, After: hashOf(t, cl, 100), Output: &stdout}); err != nil || !strings.HasSuffix(got, stdout.String()) || strings.Count(stdout.String(), "\n") != n-100 {
		t.Errorf("another host after a hash: %d lines, %v", strings.Count(stdout.String(), "\n"), err)
	}
}

// hashOf returns the hash of an event by its number.
func hashOf(t *testing.T, cl *client.Client, number int) string {
	t.Helper()
	all, err := cl.Query(t.Context(), client.Query{Ascending: true, Limit: 1000})
	for err == nil && all.Next != "" && int(all.Events[len(all.Events)-1].Sequence) < number {
		all, err = cl.Query(t.Context(), client.Query{Ascending: true, Limit: 1000, Cursor: all.Next})
	}
	if err != nil {
		t.Fatal(err)
	}
	return all.Events[number-int(all.Events[0].Sequence)].Hash.String()
}

// An import whose host has lost what it took stores all of the file again.
func TestImportIntoALostHost(t *testing.T) {
	const n = 600
	host := servers.Host(t, "")
	cl := connect(t, host)
	lines := events(t, n, never)
	file := filepath.Join(t.TempDir(), "in.jsonl")
	write(t, file, lines)
	in := ImportOptions{Client: cl, Server: host.URL(), File: file, State: file + ".state", Report: file + ".refused"}
	interrupted, stop := context.WithCancel(t.Context())
	in.Progress = func(i Imported, _, _ uint64) {
		if i.Lines >= n/3 {
			stop()
		}
	}
	if done, err := Import(interrupted, in); err == nil || done.Complete || done.Lines < n/3 {
		t.Fatalf("%+v, %v", done, err)
	}
	in.Progress = nil
	host.Stop()
	remove(t, filepath.Join(host.Dir, "data", "journal*"), filepath.Join(host.Dir, "data", "replica-*"))
	if err := host.Start(); err != nil {
		t.Fatal(err)
	}
	done, err := Import(t.Context(), in)
	if err != nil || done != (Imported{Lines: n, Created: n, Complete: true}) {
		t.Errorf("%+v, %v", done, err)
	}
	if count, err := cl.Count(t.Context(), client.Query{}); err != nil || count != n {
		t.Errorf("the host has %d events, %v", count, err)
	}
	if _, err := os.Stat(in.State); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the state is left: %v", err)
	}
}
