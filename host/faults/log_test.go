package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/servers/proxy"
)

// A copyOfLog is a log as one place keeps it, read past the host.
type copyOfLog struct {
	get func(name string) ([]byte, error) // below log/NAME/
}

// ReadTiles is what torchwood reads with. A partial tile may have become full.
func (c copyOfLog) ReadTiles(_ context.Context, tiles []tlog.Tile) (data [][]byte, err error) {
	for _, t := range tiles {
		b, err := c.get(torchwood.TilePath(t))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", torchwood.TilePath(t), err)
		}
		data = append(data, b)
	}
	return data, nil
}

func (c copyOfLog) ReadEndpoint(_ context.Context, path string) ([]byte, error) { return c.get(path) }

func (copyOfLog) SaveTiles([]tlog.Tile, [][]byte) {}

// whole checks with torchwood that the copy is a log of its own, whose head this
// key has signed, and returns its entries.
func (c copyOfLog) whole(v note.Verifier) (tree tlog.Tree, entries [][]byte, err error) {
	signed, err := c.get("checkpoint")
	if err != nil {
		return tree, nil, err
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return tree, nil, err
	}
	head, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil {
		return tree, nil, err
	}
	tree = tlog.Tree{N: head.N, Hash: head.Hash}
	reader, err := torchwood.NewClient(c)
	if err != nil {
		return tree, nil, err
	}
	// In two goes: a client leaves out the last bundle that is not full while
	// there are others before it.
	for range 2 {
		for _, e := range reader.Entries(ctx, tree, int64(len(entries))) {
			entries = append(entries, bytes.Clone(e))
		}
		if err := reader.Err(); err != nil {
			return tree, nil, err
		}
	}
	if int64(len(entries)) != tree.N {
		err = fmt.Errorf("%d entries of %d", len(entries), tree.N)
	}
	return tree, entries, err
}

// inBucket is the log in the S3 server, as whoever serves the bucket has it.
func inBucket(s *stack, log string) copyOfLog {
	r := newRawS3(s.s3, bucketName)
	return copyOfLog{get: func(name string) ([]byte, error) { return r.object("events/log/" + log + "/" + name) }}
}

// inNode is the log in Kubo's file system.
func inNode(s *stack, log string) copyOfLog {
	r := rawIPFS{api: s.kubo.URL()}
	return copyOfLog{get: func(name string) ([]byte, error) {
		return r.call("files/read", url.Values{"arg": {"/eventseal/log/" + log + "/" + name}})
	}}
}

// covered waits until both servers hold a log of so many events, and returns the
// head and the entries of each.
func covered(t *testing.T, v note.Verifier, size int64, places map[string]copyOfLog) map[string][][]byte {
	t.Helper()
	out := map[string][][]byte{}
	end := time.Now().Add(patience)
	for name, c := range places {
		for {
			tree, entries, err := c.whole(v)
			if err == nil && tree.N == size {
				out[name] = entries
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: a log of %d events, not of %d: %v", name, tree.N, size, err)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	return out
}

// The log is in the real servers, each a log that any client reads without the
// host; a server that was away catches up; and one that lost some of it gets it
// back with a scrub.
func TestLogInThePlaces(t *testing.T) {
	s := newStack(t)
	h := newHost(t, s)
	keys, err := text(h.URL() + "/log/keys")
	if err != nil {
		t.Fatal(err)
	}
	vkey, _, _ := strings.Cut(keys, "\n")
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	log := v.Name()[strings.LastIndex(v.Name(), "/")+1:]
	places := map[string]copyOfLog{bucket: inBucket(s, log), node: inNode(s, log)}

	store := func(n int) {
		t.Helper()
		var records [][]byte
		for _, v := range fresh(t, n) {
			records = append(records, v.Record())
		}
		stored, err := h.client.StoreBatch(ctx, client.WaitQuorum, records)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range stored {
			if one.Err != nil {
				t.Fatal(one.Err)
			}
		}
	}
	store(300)
	first := covered(t, v, 300, places)

	// Any two others hold what is published meanwhile.
	if err := h.proxies[bucket].Set(proxy.Refused); err != nil {
		t.Fatal(err)
	}
	store(300)
	covered(t, v, 600, map[string]copyOfLog{node: places[node]})
	if err := h.proxies[bucket].Set(proxy.None); err != nil {
		t.Fatal(err)
	}
	second := covered(t, v, 600, places)
	for name, entries := range second {
		for i, e := range first[name] {
			if !bytes.Equal(e, entries[i]) {
				t.Errorf("%s: entry %d is another one now", name, i)
			}
		}
	}

	// What is gone is found by a scrub, and put back.
	r := newRawS3(s.s3, bucketName)
	if err := r.remove("events/log/" + log + "/tile/entries/000"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := places[bucket].whole(v); err == nil {
		t.Fatal("nothing is missing")
	}
	h.Stop()
	if err := h.scrub(); err != nil {
		t.Fatal(err)
	}
	covered(t, v, 600, places)
}

func text(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(b), err
}
