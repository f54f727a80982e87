package anchor

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/host/checkpoint"
	"github.com/eventseal/eventseal/host/custody"
	"github.com/eventseal/eventseal/host/journal"
	"github.com/eventseal/eventseal/host/journal/sqlite"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/servers/chain"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

// A fault happens at the call of a number, of the journal or of a node.
type fault struct {
	of    string // "journal", which changes, "reads" of it, "node"
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
	off   bool // the test itself looks
}

func (g *gate) call(of string, do func() error) error {
	g.mu.Lock()
	if g.off {
		g.mu.Unlock()
		return do()
	}
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

// gated returns what a call returns through a gate.
func gated[T any](g *gate, of string, do func() (T, error)) (t T, err error) {
	err = g.call(of, func() error {
		v, err := do()
		t = v
		return err
	})
	if err != nil {
		var none T
		return none, err
	}
	return t, nil
}

type gatedJournal struct {
	j *sqlite.Journal
	g *gate
}

func (j gatedJournal) PutPosts(ctx context.Context, c journal.PostChange) error {
	return j.g.call("journal", func() error { return j.j.PutPosts(ctx, c) })
}

func (j gatedJournal) Target(ctx context.Context, target string) (string, error) {
	return gated(j.g, "journal", func() (string, error) { return j.j.Target(ctx, target) })
}

func (j gatedJournal) Unfinished(ctx context.Context, kind journal.PostKind) ([]journal.Post, error) {
	return gated(j.g, "reads", func() ([]journal.Post, error) { return j.j.Unfinished(ctx, kind) })
}

func (j gatedJournal) Posts(ctx context.Context, kind journal.PostKind, before uint64, limit int) ([]journal.Post, error) {
	return gated(j.g, "reads", func() ([]journal.Post, error) { return j.j.Posts(ctx, kind, before, limit) })
}

func (j gatedJournal) Covering(ctx context.Context, size uint64) (journal.Post, error) {
	return gated(j.g, "reads", func() (journal.Post, error) { return j.j.Covering(ctx, size) })
}

func (j gatedJournal) PostOf(ctx context.Context, sequence uint64) (p journal.Post, n uint64, err error) {
	err = j.g.call("reads", func() (err error) { p, n, err = j.j.PostOf(ctx, sequence); return err })
	return p, n, err
}

func (j gatedJournal) Cursor(ctx context.Context) (upto uint64, ok bool, err error) {
	err = j.g.call("reads", func() (err error) { upto, ok, err = j.j.Cursor(ctx); return err })
	return upto, ok, err
}

func (j gatedJournal) Passed(ctx context.Context, after uint64, limit int) (s []uint64, total uint64, err error) {
	err = j.g.call("reads", func() (err error) { s, total, err = j.j.Passed(ctx, after, limit); return err })
	return s, total, err
}

func (j gatedJournal) Short(ctx context.Context, after, upto uint64, counting []string, required, limit int) ([]journal.Entry, error) {
	return gated(j.g, "reads", func() ([]journal.Entry, error) { return j.j.Short(ctx, after, upto, counting, required, limit) })
}

func (j gatedJournal) Last(ctx context.Context) (uint64, error) {
	return gated(j.g, "reads", func() (uint64, error) { return j.j.Last(ctx) })
}

func (j gatedJournal) Entries(ctx context.Context, hs []digest.Hash) ([]*journal.Entry, error) {
	return gated(j.g, "reads", func() ([]*journal.Entry, error) { return j.j.Entries(ctx, hs) })
}

func (j gatedJournal) Walk(ctx context.Context, f journal.Filter) (journal.Stretch, error) {
	return gated(j.g, "reads", func() (journal.Stretch, error) { return j.j.Walk(ctx, f) })
}

func (j gatedJournal) Count(ctx context.Context, f journal.Filter) (uint64, error) {
	return gated(j.g, "reads", func() (uint64, error) { return j.j.Count(ctx, f) })
}

// transport brings requests to handlers in this process.
type transport struct {
	w *world
	g *gate
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	return gated(t.g, "node", func() (res *http.Response, err error) {
		t.w.mu.Lock()
		h := t.w.hosts[r.URL.Host]
		t.w.mu.Unlock()
		defer func() {
			if p := recover(); p == http.ErrAbortHandler {
				res, err = nil, errors.New("connection cut")
			} else if p != nil {
				panic(p)
			}
		}()
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Result(), nil
	})
}

// A tree is a log over events, without what makes one safe.
type tree struct {
	mu     sync.Mutex
	leaves []digest.Hash
	size   uint64 // of the head that is served
}

func (l *tree) hashes() (*tlog.HashReaderFunc, error) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(at []int64) ([]tlog.Hash, error) {
		var hs []tlog.Hash
		for _, i := range at {
			hs = append(hs, stored[i])
		}
		return hs, nil
	})
	for i, h := range l.leaves {
		more, err := tlog.StoredHashes(int64(i), h[:], read)
		if err != nil {
			return nil, err
		}
		stored = append(stored, more...)
	}
	return &read, nil
}

func (l *tree) Head() (c checkpoint.Checkpoint, ok bool) {
	l.mu.Lock()
	size := l.size
	l.mu.Unlock()
	if size == 0 {
		return c, false
	}
	root, err := l.Root(context.Background(), size)
	return checkpoint.Checkpoint{Origin: "example.org/log/1", Size: size, Root: root}, err == nil
}

func (l *tree) Root(_ context.Context, size uint64) (digest.Hash, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if size > l.size {
		return digest.Hash{}, &code.Error{Code: code.ProofPending}
	}
	r, err := l.hashes()
	if err != nil {
		return digest.Hash{}, err
	}
	root, err := tlog.TreeHash(int64(size), r)
	return digest.Hash(root), err
}

func (l *tree) Consistency(_ context.Context, from, to uint64) (hs []digest.Hash, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, err := l.hashes()
	if err != nil {
		return nil, err
	}
	proof, err := tlog.ProveTree(int64(to), int64(from), r)
	for _, h := range proof {
		hs = append(hs, digest.Hash(h))
	}
	return hs, err
}

// A world is what outlives processes.
type world struct {
	t       testing.TB
	mu      sync.Mutex
	chain   *chain.Chain
	begin   time.Time // of the chain that is made next; zero: the usual
	hosts   map[string]http.Handler
	names   []string // of the endpoints, in their order
	path    string
	journal *sqlite.Journal
	log     *tree
	key     []byte
	options Options
	clock   time.Time
	gate    *gate // of the last process
	said    bytes.Buffer
	events  int    // that were made
	owed    string // a place that never gets its copies
}

var (
	account = must("eventseal")
	posting = must("anchor")
	places  = []replica.Place{{Name: "a", Counts: true}, {Name: "b", Counts: true}, {Name: "cache"}}
)

const poll = time.Second

// newWorld returns a world with so many nodes, and a host that is to anchor the
// events of types one by one, too.
func newWorld(t testing.TB, nodes int, types ...string) *world {
	private, public := chain.Key("anchor")
	c, err := chain.New(chain.Options{
		Account: account.String(), Keys: map[string][]string{posting.String(): {public}},
		Links: map[string]string{"post": posting.String(), "event": posting.String()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	w := &world{t: t, chain: c, hosts: map[string]http.Handler{}, log: &tree{}, key: []byte(private), clock: time.Now()}
	for i := range nodes {
		w.endpoint(fmt.Sprintf("node-%d", i), c.Node(i))
	}
	w.path = filepath.Join(t.TempDir(), "journal.db")
	w.journal = w.open(w.path)
	w.options = Options{Events: types, Every: poll, Patience: 1000 * time.Hour, Places: places, MinRedundancy: 2, Poll: poll}
	return w
}

func (w *world) open(path string) *sqlite.Journal {
	w.t.Helper()
	j, err := sqlite.Open(path, sqlite.Options{UpdateDelay: time.Millisecond})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = j.Close() })
	return j
}

func (w *world) endpoint(name string, h http.Handler) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts[name] = h
	w.names = append(w.names, name)
}

func (w *world) client(g *gate) *antelope.Client {
	w.t.Helper()
	var urls []string
	for _, n := range w.names {
		urls = append(urls, "http://"+n)
	}
	c, err := antelope.NewClient(antelope.Options{Endpoints: urls, HTTP: &http.Client{Transport: transport{w, g}}})
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// start starts a process that does something only when it is told to.
func (w *world) start(f fault) *Anchor {
	w.t.Helper()
	w.gate = &gate{fault: f, calls: map[string]int{}}
	o := w.options
	o.Journal, o.Log, o.Module = gatedJournal{w.journal, w.gate}, w.log, moduletest.Open(w.t)
	o.Client, o.Contract, o.Permission = w.client(w.gate), cmp.Or(o.Contract, account), posting
	o.Key = bytes.Clone(w.key)
	o.Logger = slog.New(slog.NewTextHandler(&w.said, nil))
	o.now = func() time.Time { return w.clock }
	a, err := open(o)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// admit adds an event of a type to the journal, held at some places, and to the
// log, which serves a head that covers it.
func (w *world) admit(typ string, at ...string) (sequence uint64) {
	w.t.Helper()
	w.events++
	v := moduletest.Sign(w.t, module.Draft{Type: typ, CreatedAt: uint64(w.events), Body: json.RawMessage("{}")})
	owed := []string{"a", "b"}
	if w.owed != "" {
		owed = append(owed, w.owed)
	}
	as, err := w.journal.Admit(w.t.Context(), []module.Verified{v}, owed)
	if err != nil {
		w.t.Fatal(err)
	}
	w.hold(as[0].Entry.Sequence, at...)
	w.log.mu.Lock()
	w.log.leaves = append(w.log.leaves, v.Hash())
	w.log.size = uint64(len(w.log.leaves))
	w.log.mu.Unlock()
	return as[0].Entry.Sequence
}

// hold has the journal know that places hold an event.
func (w *world) hold(sequence uint64, at ...string) {
	w.t.Helper()
	for _, name := range at {
		w.journal.Update(journal.Update{Sequence: sequence, Replica: name, State: custody.Held})
	}
	if err := w.journal.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// both is where an event has its quorum.
var both = []string{"a", "b"}

// step has a process look once, and the chain make a block.
func (w *world) step(a *Anchor) State {
	w.clock = w.clock.Add(poll)
	a.round(w.t.Context())
	w.chain.Produce(1)
	return w.state(a)
}

// state is what a process says, beside whatever fault there is.
func (w *world) state(a *Anchor) State {
	w.gate.off = true
	defer func() { w.gate.off = false }()
	return a.State(w.t.Context())
}

// until steps until something holds.
func (w *world) until(a *Anchor, what string, holds func(State) bool) State {
	w.t.Helper()
	var s State
	for range 300 {
		if s = w.step(a); holds(s) {
			return s
		}
	}
	text, _ := json.MarshalIndent(s, "", " ")
	said := w.said.String()
	w.t.Fatalf("not seen: %s\n%s\n%s", what, text, said[max(0, len(said)-3000):])
	return s
}

// settled: all there is is final.
func settled(s State) bool {
	return s.State == Anchoring && s.Heads.Backlog == 0 && s.Heads.Posts == 0 && (s.Events == nil || s.Events.Backlog == 0 && s.Events.Posts == 0)
}

// finish steps until all there is is final, and checks it.
func (w *world) finish(a *Anchor) State {
	w.t.Helper()
	s := w.until(a, "all is final", settled)
	w.check()
	return s
}

// A chained number is what a transaction of the chain put under it.
type chained struct {
	row
	id    digest.Hash
	block uint32
}

// onChain returns what the transactions of the chain's blocks have put there, by
// kind and number, from the chain's own record of them.
func (w *world) onChain() map[journal.PostKind]map[uint64]chained {
	w.t.Helper()
	all := map[journal.PostKind]map[uint64]chained{journal.PostHead: {}, journal.PostEvents: {}}
	for _, ct := range w.chain.Transactions() {
		if ct.Block == 0 {
			continue
		}
		t, err := antelope.Unpack(ct.Packed)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, act := range t.Actions {
			c := chained{id: antelope.ID(ct.Packed), block: ct.Block}
			kind, n := journal.PostHead, uint64(0)
			if act.Name == must("event") {
				kind = journal.PostEvents
				n, c.code, c.hash, err = antelope.ParseEvent(act.Data)
			} else {
				n, c.size, c.root, err = antelope.ParsePost(act.Data)
			}
			if err != nil {
				w.t.Fatal(err)
			}
			if _, twice := all[kind][n]; twice {
				w.t.Errorf("number %d of kind %d is on the chain twice", n, kind)
			}
			all[kind][n] = c
		}
	}
	for kind, numbers := range all {
		for n := range uint64(len(numbers)) {
			if _, ok := numbers[n+1]; !ok {
				w.t.Errorf("number %d of kind %d is missing on the chain", n+1, kind)
			}
		}
	}
	return all
}

// posts returns what the journal keeps of a kind, ascending.
func (w *world) posts(kind journal.PostKind) (ps []journal.Post) {
	w.t.Helper()
	for before := uint64(0); ; {
		page, err := w.journal.Posts(w.t.Context(), kind, before, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		ps = append(ps, page...)
		if len(page) < 100 {
			slices.Reverse(ps)
			return ps
		}
		before = page[len(page)-1].Number
	}
}

// check compares what the journal says is final with the chain's own record: the
// same under each number, in the same transaction and block, which is irreversible;
// each event once, heads of growing sizes of the log.
func (w *world) check() {
	w.t.Helper()
	all := w.onChain()
	lib := w.chain.LIB().Num
	sequences := map[digest.Hash]uint64{}
	for i, h := range w.log.leaves {
		sequences[h] = uint64(i) + 1
	}
	for kind, numbers := range all {
		seen := map[digest.Hash]bool{}
		size := uint64(0)
		for n := range uint64(len(numbers)) {
			c := numbers[n+1]
			if kind == journal.PostEvents {
				if seen[c.hash] || sequences[c.hash] == 0 {
					w.t.Errorf("event %s (%d) is on the chain again, or is none", c.hash, n+1)
				}
				seen[c.hash] = true
				continue
			}
			root, err := w.log.Root(w.t.Context(), c.size)
			if err != nil || root != c.root || c.size <= size {
				w.t.Errorf("head %d of %d events is not the log's: %v", n+1, c.size, err)
			}
			size = c.size
		}
	}
	for kind, numbers := range all {
		for _, p := range w.posts(kind) {
			if p.State != journal.PostFinal {
				continue
			}
			for i := range p.Count() {
				c, ok := numbers[p.Number+i]
				if !ok {
					w.t.Errorf("number %d of kind %d is said to be final and is not on the chain", p.Number+i, kind)
					continue
				}
				if kind == journal.PostHead && (c.size != p.Size || c.root != p.Root) || kind == journal.PostEvents && sequences[c.hash] != p.Events[i] {
					w.t.Errorf("number %d of kind %d is another one on the chain", p.Number+i, kind)
				}
				if p.Transaction != nil && (antelope.ID(p.Transaction) != c.id || p.BlockNum != c.block || len(p.Signatures) == 0) || c.block > lib {
					w.t.Errorf("number %d of kind %d is final in block %d; it is in %d, and %d is irreversible", p.Number+i, kind, p.BlockNum, c.block, lib)
				}
			}
		}
	}
}
