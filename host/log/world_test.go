package log

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
)

func newKey(t testing.TB) *Key {
	t.Helper()
	text, err := MakeKey(t.Context(), moduletest.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	k, err := ParseKey(t.Context(), moduletest.Open(t), text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A fault happens at the call of a number that changes something in the journal
// or in one place.
type fault struct {
	of    string // "journal", or a place
	at    int
	done  bool // the call takes effect all the same
	ended bool // the process ends
}

var errFault = errors.New("fault")

// A gate is what a process does through: from its end on nothing happens.
type gate struct {
	mu    sync.Mutex
	fault fault
	calls map[string]int
	ended bool
	hit   bool
}

func (g *gate) read() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended {
		return errFault
	}
	return nil
}

func (g *gate) change(of string, do func() error) error {
	g.mu.Lock()
	if g.ended {
		g.mu.Unlock()
		return errFault
	}
	g.calls[of]++
	if g.fault.of != of || g.fault.at != g.calls[of] {
		g.mu.Unlock()
		return do()
	}
	g.hit, g.ended = true, g.fault.ended
	g.mu.Unlock()
	if g.fault.done {
		_ = do()
	}
	return errFault
}

type gatedJournal struct {
	*disk
	g *gate
}

func (j gatedJournal) SwapHead(ctx context.Context, was, now journal.Head, tiles []journal.Tile) error {
	return j.g.change("journal", func() error { return j.disk.SwapHead(ctx, was, now, tiles) })
}

func (j gatedJournal) Renew(ctx context.Context, kept uint64) (epoch string, err error) {
	err = j.g.change("journal", func() error { epoch, err = j.disk.Renew(ctx, kept); return err })
	return epoch, err
}

type gatedObjects struct {
	b    *bucket
	name string
	g    *gate
}

func (o gatedObjects) PutObjects(ctx context.Context, os []replica.Object) []error {
	errs := make([]error, len(os))
	for i := range os { // a batch may be done in part
		errs[i] = o.g.change(o.name, func() error { return o.b.PutObjects(ctx, os[i:i+1])[0] })
	}
	return errs
}

func (o gatedObjects) SwapObject(ctx context.Context, name string, was, now []byte) error {
	return o.g.change(o.name, func() error { return o.b.SwapObject(ctx, name, was, now) })
}

func (o gatedObjects) DeleteObjects(ctx context.Context, names []string) error {
	return o.g.change(o.name, func() error { return o.b.DeleteObjects(ctx, names) })
}

func (o gatedObjects) GetObject(ctx context.Context, name string) ([]byte, error) {
	if err := o.g.read(); err != nil {
		return nil, err
	}
	return o.b.GetObject(ctx, name)
}

func (o gatedObjects) ListObjects(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return o.b.ListObjects(ctx, prefix)
}

// A world is what outlives processes.
type world struct {
	t       testing.TB
	key     *Key
	name    string
	disk    *disk
	buckets []*bucket
	quorum  int
	served  [][]byte // every head that was ever served
	gate    *gate    // of the last process
	every   time.Duration
	tidy    bool // one process only: no partial tile is left
	witness []Cosigner
	said    bytes.Buffer // what log has written
	log     *slog.Logger
}

func newWorld(t testing.TB, places, quorum int) *world {
	w := &world{t: t, key: newKey(t), name: "example.org", disk: newDisk(), quorum: quorum, every: time.Hour}
	w.log = slog.New(slog.NewTextHandler(&w.said, nil))
	for range places {
		w.buckets = append(w.buckets, newBucket())
	}
	return w
}

type doublePlace struct {
	replica.Replica
	replica.Objects
}

// start starts a process that publishes only when it is told to.
func (w *world) start(f fault) *Log {
	w.t.Helper()
	w.gate = &gate{fault: f, calls: map[string]int{}}
	o := Options{
		Journal: gatedJournal{w.disk, w.gate}, MinRedundancy: w.quorum, Module: moduletest.Open(w.t), Key: w.key, Name: w.name, Every: w.every,
		Cosigners: w.witness, Log: w.log,
	}
	for i, b := range w.buckets {
		name := fmt.Sprintf("replica-%d", i+1)
		o.Places = append(o.Places, replica.Place{Name: name, Counts: true, Replica: doublePlace{replica.Unusable(errFault), gatedObjects{b, name, w.gate}}})
	}
	l, err := open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// round has a process publish what there is, and keeps what it serves.
func (w *world) round(l *Log) State {
	w.t.Helper()
	for l.round(w.t.Context()) {
		w.see(l)
	}
	l.tasks.Wait()
	w.see(l)
	return l.State(w.t.Context())
}

func (w *world) see(l *Log) {
	if n := l.Checkpoint(); n != nil {
		w.served = append(w.served, n)
	}
}

// publish is round, again until there is nothing left to do.
func (w *world) publish(l *Log) {
	w.t.Helper()
	for range 5 {
		if s := w.round(l); s.State == Publishing && s.Published == s.Size && !l.unfinished() {
			return
		}
	}
	w.t.Fatalf("not published: %+v", l.State(w.t.Context()))
}

// static reads a place as a client does that has the bucket's address.
type static struct {
	b   *bucket
	log string
}

func (s static) ReadTiles(ctx context.Context, tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, t := range tiles {
		b, err := s.b.GetObject(ctx, objectPrefix+s.log+"/"+torchwood.TilePath(t))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", torchwood.TilePath(t), err)
		}
		data = append(data, b)
	}
	return data, nil
}

func (s static) ReadEndpoint(ctx context.Context, path string) ([]byte, error) {
	return s.b.GetObject(ctx, objectPrefix+s.log+"/"+path)
}

func (s static) SaveTiles([]tlog.Tile, [][]byte) {}

// check has an independent client look at everything that was ever published:
// heads that were served, and those that the places held. All must be heads of
// one tree, which is read from the host and from each place.
func (w *world) check(l *Log) {
	w.t.Helper()
	t := w.t
	verifier, err := note.NewVerifier(l.Key())
	if err != nil {
		t.Fatal(err)
	}
	open := func(signed []byte) (torchwood.Checkpoint, bool) {
		n, err := note.Open(signed, note.VerifierList(verifier))
		if err != nil {
			t.Fatalf("a head does not verify: %v\n%s", err, signed)
		}
		c, err := torchwood.ParseCheckpoint(n.Text)
		if err != nil {
			t.Fatal(err)
		}
		return c, true
	}
	server := httptest.NewServer(l)
	defer server.Close()
	fetcher, err := torchwood.NewTileFetcher(server.URL + "/log")
	if err != nil {
		t.Fatal(err)
	}
	tip, err := fetcher.ReadEndpoint(t.Context(), "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	newest, _ := open(tip)
	w.entries(fetcher, newest)
	heads := append([][]byte(nil), w.served...)
	for i, b := range w.buckets {
		heads = append(heads, b.heads...)
		c, _ := open(b.objects[headName(logName(newest.Origin))])
		w.entries(static{b, logName(newest.Origin)}, c)
		for name := range b.objects {
			if bytes.Contains([]byte(name), []byte(".p/")) {
				p, err := torchwood.ParseTilePath(name[len(objectPrefix)+17:])
				if err != nil {
					t.Fatal(err)
				}
				if full := (p.N + 1) << (8 * (max(0, p.L) + 1)); full <= c.N && w.tidy {
					t.Errorf("place %d keeps %s, whose full tile it has", i+1, name)
				}
			}
		}
	}
	tree := tlog.Tree{N: newest.N, Hash: newest.Hash}
	reader := torchwood.TileHashReaderWithContext(t.Context(), tree, fetcher)
	checked := map[string]bool{}
	for _, h := range heads {
		c, _ := open(h)
		if checked[c.String()] {
			continue
		}
		checked[c.String()] = true
		if c.N > newest.N {
			t.Fatalf("a head of %d was published, and the log serves one of %d", c.N, newest.N)
		}
		p, err := tlog.ProveTree(tree.N, c.N, reader)
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckTree(p, tree.N, tree.Hash, c.N, c.Hash); err != nil {
			t.Fatalf("a published head of %d contradicts that of %d: %v", c.N, tree.N, err)
		}
	}
}

// entries fetches and verifies every entry of a tree.
func (w *world) entries(r torchwood.TileReader, c torchwood.Checkpoint) {
	w.t.Helper()
	client, err := torchwood.NewClient(r)
	if err != nil {
		w.t.Fatal(err)
	}
	tree, n := tlog.Tree{N: c.N, Hash: c.Hash}, int64(0)
	for n < c.N {
		from := n
		for i, e := range client.Entries(w.t.Context(), tree, n) {
			if i != n || !bytes.Equal(e, w.disk.events[n][:]) {
				w.t.Fatalf("entry %d is %x", i, e)
			}
			n++
		}
		if err := client.Err(); err != nil || n == from {
			w.t.Fatalf("at entry %d of %d: %v", n, c.N, err)
		}
	}
}
