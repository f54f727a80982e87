package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/eventseal/eventseal/host/replica/local"
)

// loseJournal removes the journal of a host that is not running.
func loseJournal(t *testing.T, data string) {
	t.Helper()
	for _, end := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(filepath.Join(data, journalFile+end)); err != nil && !(end != "" && errors.Is(err, fs.ErrNotExist)) {
			t.Fatal(err)
		}
	}
}

// loseEntries removes all that the embedded default's replicas have of the
// order of events.
func loseEntries(t *testing.T, data string) {
	t.Helper()
	for _, name := range []string{"replica-a", "replica-b"} {
		r, err := local.Open(filepath.Join(data, name), local.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var entries []string
		for object, err := range r.ListObjects(t.Context(), "log/") {
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(object, "/tile/entries/") {
				entries = append(entries, object)
			}
		}
		if len(entries) == 0 {
			t.Fatalf("%s has no entries", name)
		}
		if err := errors.Join(r.DeleteObjects(t.Context(), entries), r.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// A log goes on after its journal is lost: who followed it sees nothing that
// contradicts what they saw, and what they were promised and proved stays true.
// Where the order is lost, too, another log begins, and says so.
func TestLogRestored(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	p := newProcess(t, data, "EVENTSEAL_TRANSPARENCY_EVERY=20ms", "EVENTSEAL_TRANSPARENCY_NAME=events.example.org")
	run := func(exit int, args ...string) (map[string]any, string) {
		t.Helper()
		lines, out, got := command(t, p.binary, dir, args...)
		if got != exit {
			t.Fatalf("%s: exit status %d, want %d\n%s", args[0], got, exit, out)
		}
		if len(lines) == 0 {
			return nil, out
		}
		return lines[len(lines)-1], out
	}
	reindex := func(exit int, more ...string) (map[string]any, string) {
		t.Helper()
		return run(exit, append([]string{"reindex", "--data", data, "--from", "replica-a"}, more...)...)
	}
	write := func(name string, b []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p.start()
	p.ready()
	write("keys", []byte(strings.Join(logKeys(t, p), "\n")+"\n"))
	c := &tail{t: t, verifier: verifierOf(t, p.url())}
	follow := func(until func() bool) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		for !until() {
			if err := c.follow(ctx, p.url()); err != nil && ctx.Err() != nil {
				t.Fatal(err)
			}
		}
	}

	// The host is killed while it stores and publishes, and the journal is lost.
	l := newLedger(t)
	storing := make(chan struct{})
	cl := p.client()
	go func() {
		defer close(storing)
		for l.many(context.Background(), cl, 12) == nil {
		}
	}()
	follow(func() bool { return len(c.entries) > 300 }) // a full bundle, and one that is not
	const early = 7
	proved := fmt.Sprintf("%x", c.entries[early-1])
	run(0, "proof", proved, "--server", p.url(), "-o", "before.json")
	p.kill()
	<-storing
	loseJournal(t, data)

	// What follows cannot be the order that was published: nothing is.
	p.start()
	p.ready()
	if err := l.many(t.Context(), p.client(), 3); err != nil {
		t.Fatal(err)
	}
	if s := logOf(t, p.url()); s.State != "stopped" || !strings.Contains(s.Why, "the journal was lost") || !strings.Contains(s.Why, "eventseal reindex") {
		t.Errorf("%+v", s)
	}
	p.stop()
	if _, out := reindex(3); !strings.Contains(out, "given the log's numbers to other events") {
		t.Errorf("%s", out)
	}
	loseJournal(t, data)
	done, out, exit := command(t, p.binary, dir, "reindex", "--data", data, "--from", "replica-a")
	if len(done) != 1 {
		t.Fatalf("exit status %d\n%s", exit, out)
	}
	// Events that were on their way may have been published and be in no replica.
	if absent := done[0]["absent"] != 0.0; exit != map[bool]int{true: 1}[absent] {
		t.Errorf("exit status %d\n%s", exit, out)
	}
	ordered := uint64(done[0]["ordered"].(float64))
	if ordered < uint64(c.tree.N) {
		t.Fatalf("a head of %d was seen, and %d events have their order", c.tree.N, ordered)
	}

	// The log goes on under its name, with the events of both lives.
	p.start()
	p.ready()
	if s := logOf(t, p.url()); s.Origin != c.verifier.Name() {
		t.Errorf("the origin is %s, and was %s", s.Origin, c.verifier.Name())
	}
	if err := l.many(t.Context(), p.client(), 12); err != nil {
		t.Fatal(err)
	}
	last := slices.Max(slices.Collect(maps.Values(l.acked)))
	follow(func() bool { return uint64(len(c.entries)) >= last })
	in := map[string]uint64{}
	for i, e := range c.entries {
		in[fmt.Sprintf("%x", e)] = uint64(i) + 1
	}
	for h, sequence := range l.acked {
		now, ok := in[h.String()]
		if !ok {
			t.Errorf("event %s was acknowledged and is not in the log", h)
		}
		// Beyond what was published, numbers went with the journals.
		if now <= ordered && now != sequence {
			t.Errorf("event %s was acknowledged as %d and is %d", h, sequence, now)
		}
	}
	l.served(p)
	run(0, "verify-proof", "before.json", "--keys", "keys")
	run(0, "proof", proved, "--server", p.url(), "--keys", "keys", "-o", "after.json")
	if report, out := run(0, "verify-proof", "after.json", "--keys", "keys"); report["sequence"] != float64(early) {
		t.Errorf("event %d has another number now: %s", early, out)
	}
	var before struct{ Receipt json.RawMessage }
	b, err := os.ReadFile(filepath.Join(dir, "before.json"))
	if err == nil {
		err = json.Unmarshal(b, &before)
	}
	if err != nil {
		t.Fatal(err)
	}
	write("receipt.json", before.Receipt)
	if _, out := run(0, "verify-receipt", "receipt.json", "--keys", "keys", "--against", "after.json"); !strings.Contains(out, `"promise": "kept"`) {
		t.Errorf("%s", out)
	}
	p.stop()

	// With the entries the order is gone for good.
	loseEntries(t, data)
	loseJournal(t, data)
	if _, out := reindex(3); !strings.Contains(out, "cannot be had from the replicas") || !strings.Contains(out, "eventseal reindex --new-log") {
		t.Errorf("%s", out)
	}
	if _, out := reindex(0, "--new-log"); !strings.Contains(out, "a new log begins") || !strings.Contains(out, "could not be restored") {
		t.Errorf("%s", out)
	}
	p.start()
	p.ready()
	eventually(t, func() error {
		if s := logOf(t, p.url()); s.Published < uint64(len(l.acked)) {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
	if s := logOf(t, p.url()); s.Origin == c.verifier.Name() || !strings.HasPrefix(s.Origin, "events.example.org/log/") || s.State != "publishing" || !strings.Contains(s.Why, "eventseal reindex --new-log") {
		t.Errorf("%+v", s)
	}
	l.served(p)
	run(0, "verify-proof", "before.json", "--keys", "keys")
	run(1, "proof", proved, "--server", p.url(), "--keys", "keys", "-o", "another.json") // by a log that nobody knows yet
	write("keys", []byte(strings.Join(logKeys(t, p), "\n")+"\n"))
	run(0, "proof", proved, "--server", p.url(), "--keys", "keys", "-o", "another.json")
	run(1, "verify-proof", "before.json", "--keys", "keys")
}
