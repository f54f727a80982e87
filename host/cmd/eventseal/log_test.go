package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/module/moduletest"
)

// A tail follows a log as torchwood does it, across the deaths of its host, and
// keeps what it has verified.
type tail struct {
	t        *testing.T
	verifier note.Verifier
	tree     tlog.Tree
	entries  [][]byte
}

// follow verifies that the log that a host serves goes on from what was seen of
// it, and reads every new entry. Errors of a host that is gone are the answer.
func (c *tail) follow(ctx context.Context, url string) error {
	f, err := torchwood.NewTileFetcher(url + "/log")
	if err != nil {
		return err
	}
	signed, err := f.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return err
	}
	n, err := note.Open(signed, note.VerifierList(c.verifier))
	if err != nil {
		c.t.Fatalf("%v\n%s", err, signed)
	}
	head, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil {
		c.t.Fatal(err)
	}
	now := tlog.Tree{N: head.N, Hash: head.Hash}
	if now.N < c.tree.N {
		c.t.Fatalf("a head of %d after one of %d", now.N, c.tree.N)
	}
	p, err := tlog.ProveTree(now.N, max(1, c.tree.N), torchwood.TileHashReaderWithContext(ctx, now, f))
	if err != nil {
		return err
	}
	if c.tree.N > 0 {
		if err := tlog.CheckTree(p, now.N, now.Hash, c.tree.N, c.tree.Hash); err != nil {
			c.t.Fatalf("a head of %d contradicts one of %d: %v", now.N, c.tree.N, err)
		}
	}
	client, err := torchwood.NewClient(f)
	if err != nil {
		return err
	}
	for i, e := range client.Entries(ctx, now, int64(len(c.entries))) {
		if i != int64(len(c.entries)) {
			c.t.Fatalf("entry %d after %d", i, len(c.entries))
		}
		c.entries = append(c.entries, bytes.Clone(e))
	}
	c.tree = now
	return client.Err()
}

// verifierOf reads the log's key.
func verifierOf(t *testing.T, url string) note.Verifier {
	t.Helper()
	r, err := http.Get(url + "/log/keys")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var b bytes.Buffer
	_, _ = b.ReadFrom(r.Body)
	first, _, _ := strings.Cut(b.String(), "\n")
	v, err := note.NewVerifier(first)
	if err != nil {
		t.Fatalf("%v: %s", err, b.String())
	}
	return v
}

// Torchwood's client follows while stores go on and the host is killed again and
// again: no head that it sees contradicts another, and in the end every event
// that was acknowledged is the entry of its sequence number.
func TestLogFollowed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	const kills, storers, enough = 5, 4, 40
	d := newProcess(t, dir, "EVENTSEAL_TRANSPARENCY_EVERY=20ms", "EVENTSEAL_TRANSPARENCY_NAME=events.example.org")
	d.start()
	d.ready()
	c := &tail{t: t, verifier: verifierOf(t, d.url())}
	if want := "events.example.org/log/"; !strings.HasPrefix(c.verifier.Name(), want) {
		t.Errorf("the origin is %s", c.verifier.Name())
	}
	if info, err := os.Stat(filepath.Join(dir, hostKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", info, err)
	}
	acknowledged := map[uint64]string{}
	var mu sync.Mutex
	seed := 0
	for life := range kills + 1 {
		url := d.url()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		var wg sync.WaitGroup
		for range storers {
			wg.Go(func() {
				for ctx.Err() == nil {
					mu.Lock()
					seed++
					n := seed
					mu.Unlock()
					body := moduletest.Event(t, n).Record()
					r, err := http.Post(url+"/v1/events", "application/json", bytes.NewReader(body))
					if err != nil {
						return // it was killed
					}
					var receipt struct {
						Hash     string
						Sequence uint64
					}
					if err := json.NewDecoder(r.Body).Decode(&receipt); err == nil && r.StatusCode < 300 {
						mu.Lock()
						acknowledged[receipt.Sequence] = receipt.Hash
						mu.Unlock()
					}
					r.Body.Close()
				}
			})
		}
		// It follows until it has read so many more entries, and then the host dies.
		for before := len(c.entries); len(c.entries) < before+enough; {
			if err := c.follow(ctx, url); err != nil && ctx.Err() != nil {
				t.Fatal(err)
			}
		}
		d.kill()
		cancel()
		wg.Wait()
		if life < kills {
			d.start()
			d.ready()
		}
	}
	d.start()
	d.ready()
	var last uint64
	for n := range acknowledged {
		last = max(last, n)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for uint64(len(c.entries)) < last {
		if err := c.follow(ctx, d.url()); err != nil && ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	for n, hash := range acknowledged {
		if got := hex.EncodeToString(c.entries[n-1]); got != hash {
			t.Errorf("event %d was acknowledged as %s and is %s", n, hash, got)
		}
	}
}

// The log's member of health.
func logOf(t *testing.T, url string) (l struct {
	Origin, State, Why string
	Size, Published    uint64
}) {
	t.Helper()
	r, err := http.Get(url + "/v1/health")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	h := struct{ Log any }{&l}
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
		t.Fatal(err)
	}
	return l
}

// An older copy of the journal stops the log and not the stores; so does a lost one.
func TestLogOfOlderJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	store := func(d *process, n int) {
		t.Helper()
		r, err := http.Post(d.url()+"/v1/events", "application/json", bytes.NewReader(moduletest.Event(t, n).Record()))
		if err != nil || r.StatusCode >= 300 {
			t.Fatalf("%v, %v", r, err)
		}
		r.Body.Close()
	}
	published := func(d *process, n uint64) {
		t.Helper()
		for deadline := time.Now().Add(patience); logOf(t, d.url()).Published < n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%+v", logOf(t, d.url()))
			}
		}
	}
	d := newProcess(t, dir, "EVENTSEAL_TRANSPARENCY_EVERY=20ms")
	d.start()
	d.ready()
	for n := range 3 {
		store(d, n)
	}
	published(d, 3)
	d.stop()
	journal := filepath.Join(dir, journalFile)
	older, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	d.start()
	d.ready()
	for n := range 3 {
		store(d, 10+n)
	}
	published(d, 6)
	d.stop()
	for i, content := range [][]byte{older, nil} {
		for _, name := range []string{journal, journal + "-wal", journal + "-shm"} {
			if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if content != nil {
			if err := os.WriteFile(journal, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d.start()
		d.ready()
		store(d, 20+i)
		if l := logOf(t, d.url()); l.State != "stopped" || !strings.Contains(l.Why, "eventseal reindex") {
			t.Errorf("%+v", l)
		}
		r, err := http.Get(d.url() + "/log/checkpoint")
		if err != nil || r.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%v, %v", r, err)
		}
		r.Body.Close()
		if r, err := http.Get(d.url() + "/readyz"); err != nil || r.StatusCode != http.StatusOK {
			t.Errorf("a host whose log has stopped is not ready: %v, %v", r, err)
		}
		d.stop()
		if !strings.Contains(d.log.tail(1<<20), "the transparency log is stopped") {
			t.Error("the host's log does not say so")
		}
	}
}
