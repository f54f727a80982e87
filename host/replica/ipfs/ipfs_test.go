package ipfs

import (
	"bytes"
	"context"
	"encoding/base32"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/host/replica/replicatest"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/wasm/digest"
)

var ctx = context.Background()

func open(t *testing.T, s *servers.Server) *Replica {
	t.Helper()
	r, err := Open(Options{API: s.URL()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestConformance(t *testing.T) {
	replicatest.Run(t, func(t *testing.T) replicatest.Subject {
		s := servers.Kubo(t)
		r := open(t, s)
		return replicatest.Subject{
			Replica: r,
			Close:   r.Close,
			Reopen: func(t *testing.T) replica.Replica {
				_ = r.Close()
				return open(t, s)
			},
			Corrupt: func(t *testing.T, ref replica.Ref) {
				record, ok := parseCID(ref.Location)
				if !ok {
					t.Fatalf("location %q", ref.Location)
				}
				damage(t, s, record)
			},
			CorruptObject: func(t *testing.T, name string) {
				block, err := r.stat(ctx, name)
				if err != nil {
					t.Fatal(err)
				}
				damage(t, s, block)
			},
		}
	})
}

// damage overwrites a block's file under the node, as a failing disk would.
func damage(t *testing.T, s *servers.Server, block digest.Hash) {
	t.Helper()
	if err := os.WriteFile(file(t, s, block), []byte(`{"forged":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
}

// lose removes a block's file under the node.
func lose(t *testing.T, s *servers.Server, block digest.Hash) {
	t.Helper()
	if err := os.Remove(file(t, s, block)); err != nil {
		t.Fatal(err)
	}
}

// file is where the node keeps a block.
func file(t *testing.T, s *servers.Server, block digest.Hash) string {
	t.Helper()
	name := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(append([]byte{0x12, 32}, block[:]...))
	files, err := filepath.Glob(filepath.Join(s.Dir, "repo", "blocks", "*", name+".data"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files hold the block, %v", len(files), err)
	}
	return files[0]
}

func put(t *testing.T, r *Replica, v module.Verified) replica.Ref {
	t.Helper()
	location, err := r.Put(ctx, v)
	if err != nil {
		t.Fatal(err)
	}
	return replica.Ref{Hash: v.Hash(), Location: location}
}

func holds(t *testing.T, r *Replica, ref replica.Ref, v module.Verified) {
	t.Helper()
	got, err := r.Get(ctx, ref)
	if err != nil || !bytes.Equal(got, v.Record()) {
		t.Fatalf("%d bytes, %v, want the record", len(got), err)
	}
}

func ipfs(t *testing.T, s *servers.Server, args ...string) string {
	t.Helper()
	out, err := s.Ipfs("", args...)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// pins are the CIDs of the dag-cbor nodes that the node's own client lists as pinned.
func pins(t *testing.T, s *servers.Server) (roots []string) {
	t.Helper()
	for _, cid := range strings.Fields(ipfs(t, s, "pin", "ls", "--type", "recursive", "--quiet")) {
		if _, ours := parse(cid, rootPrefix); ours {
			roots = append(roots, cid)
		}
	}
	if len(roots) == 0 {
		t.Fatal("nothing is pinned")
	}
	return roots
}

// What the promise is about: any IPFS client gets the event by its hash.
func TestTheNodesOwnClientServesTheEventByItsHash(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	v := replicatest.Event(1, 500, 0)
	ref := put(t, r, v)
	if got := ipfs(t, s, "block", "get", rawCID(v.Hash())); got != string(replica.Preimage(v.Record())) {
		t.Errorf("by the hash: %q, want the preimage", got)
	}
	if got := ipfs(t, s, "block", "get", ref.Location); got != string(v.Record()) {
		t.Errorf("by the location: %q, want the record", got)
	}
	// Both survive a collection, being linked from a pinned root that people can read.
	ipfs(t, s, "repo", "gc")
	for _, cid := range []string{rawCID(v.Hash()), ref.Location} {
		if got := ipfs(t, s, "pin", "ls", cid); !strings.Contains(got, "indirect") {
			t.Errorf("pin ls: %s", got)
		}
		root := pins(t, s)[0]
		if got := ipfs(t, s, "dag", "get", root); !strings.Contains(got, cid) || !strings.Contains(got, `"eventseal":1`) {
			t.Errorf("the root is %s", got)
		}
	}
	holds(t, r, ref, v)
}

func TestManyEventsShareOnePin(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	vs := make([]module.Verified, 300)
	for i := range vs {
		vs[i] = replicatest.Event(uint64(i), 300, 0)
	}
	for range 2 { // the second time nothing is stored
		for i, o := range r.PutBatch(ctx, vs) {
			if o.Err != nil || o.Location != rawCID(vs[i].Meta().RecordDigest) {
				t.Fatal(i, o)
			}
		}
	}
	if n := len(pins(t, s)); n > 3 {
		t.Errorf("%d pins for a batch of %d", n, len(vs))
	}
	// One of them goes, the others stay.
	if err := r.Delete(ctx, replica.Ref{Hash: vs[7].Hash()}); err != nil {
		t.Fatal(err)
	}
	ipfs(t, s, "repo", "gc")
	again := open(t, s)
	if _, err := again.Get(ctx, replica.Ref{Hash: vs[7].Hash()}); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("the deleted one: %v", err)
	}
	holds(t, again, replica.Ref{Hash: vs[8].Hash()}, vs[8])
	n := 0
	for _, err := range again.List(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != len(vs)-1 {
		t.Errorf("%d are listed, want %d", n, len(vs)-1)
	}
}

func TestAPowerCutLosesNothing(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	v := replicatest.Event(1, 500, 0)
	ref := put(t, r, v)
	s.Kill()
	if err := r.Check(ctx); err == nil {
		t.Error("Check of a node that is down says nothing")
	}
	if _, err := r.Get(ctx, ref); err == nil || errors.Is(err, replica.ErrNotFound) {
		t.Errorf("Get from a node that is down: %v, want an error that is not ErrNotFound", err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	holds(t, r, ref, v)
	holds(t, open(t, s), replica.Ref{Hash: v.Hash()}, v)
}

// Connections that were idle when the node went down are not failures of the
// node that came back.
func TestARestartIsNotSeen(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	vs := make([]module.Verified, 32)
	for i := range vs {
		vs[i] = replicatest.Event(uint64(i), 300, 0)
	}
	refs := make([]replica.Ref, len(vs))
	for i, o := range r.PutBatch(ctx, vs) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		refs[i] = replica.Ref{Hash: vs[i].Hash(), Location: o.Location}
	}
	for range 3 {
		for i, f := range replica.GetBatch(ctx, r, refs) { // over many connections
			if f.Err != nil {
				t.Errorf("%d: %v", i, f.Err)
			}
		}
		s.Kill()
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
	}
	put(t, r, replicatest.Event(100, 300, 0))
}

func TestUnpinnedAndCollectedIsStoredAgain(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	v := replicatest.Event(1, 500, 0)
	for _, collected := range []bool{false, true} {
		ref := put(t, r, v)
		ipfs(t, s, "pin", "rm", pins(t, s)[0])
		if collected {
			ipfs(t, s, "repo", "gc")
			if _, err := r.Get(ctx, ref); !errors.Is(err, replica.ErrNotFound) {
				t.Fatalf("a collected record: %v, want ErrNotFound", err)
			}
			if _, err := r.Get(ctx, replica.Ref{Hash: v.Hash()}); !errors.Is(err, replica.ErrNotFound) {
				t.Fatalf("by hash alone: %v, want ErrNotFound", err)
			}
		}
		holds(t, r, put(t, r, v), v)
		ipfs(t, s, "repo", "gc")
		holds(t, r, ref, v)
	}
}

// What reads well and is not kept shows in an audit, until it is put again.
func TestAuditFindsWhatIsNotKept(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	var refs []replica.Ref
	var vs []module.Verified
	for seed := range uint64(6) { // a root each
		vs = append(vs, replicatest.Event(seed, 500, 0))
		refs = append(refs, put(t, r, vs[seed]))
	}
	audit := func(r *Replica, loose ...int) {
		t.Helper()
		errs := r.Audit(ctx, refs, time.Now())
		for i, err := range errs {
			if slices.Contains(loose, i) && !errors.Is(err, replica.ErrLoose) || !slices.Contains(loose, i) && err != nil {
				t.Errorf("event %d: %v", i, err)
			}
		}
		if len(errs) != len(refs) {
			t.Errorf("%d answers", len(errs))
		}
	}
	audit(r)
	unpin := func(i int) {
		t.Helper()
		roots := r.index.of(vs[i].Hash())
		if len(roots) != 1 {
			t.Fatalf("%d roots", len(roots))
		}
		ipfs(t, s, "pin", "rm", rootCID(roots[0]))
	}
	unpin(2)
	unpin(4)
	lose(t, s, vs[3].Hash())
	damage(t, s, vs[5].Hash())
	for _, i := range []int{2, 3, 4, 5} {
		holds(t, r, refs[i], vs[i])
	}
	audit(r, 2, 3, 4, 5)
	audit(open(t, s), 2, 3, 4, 5)
	for i, o := range r.PutBatch(ctx, vs[2:]) {
		if o.Err != nil || o.Location != refs[i+2].Location {
			t.Errorf("event %d: %v", i+2, o)
		}
	}
	audit(r)
	ipfs(t, s, "repo", "gc")
	audit(r)

	// One list of the pins does for all calls of the same time.
	asOf := time.Now()
	all := r.Audit(ctx, refs, asOf)
	r.index.mu.Lock()
	loaded := r.index.loaded
	r.index.mu.Unlock()
	for _, asOf := range []time.Time{asOf, loaded} {
		all = append(all, r.Audit(ctx, refs, asOf)...)
	}
	r.index.mu.Lock()
	defer r.index.mu.Unlock()
	if !r.index.loaded.Equal(loaded) || errors.Join(all...) != nil {
		t.Errorf("the pins were listed again, or %v", errors.Join(all...))
	}
}

// The preimage is what the network serves by the hash; its damage counts too.
func TestDamagedBlocksAreNoticedAndHealed(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	v, bystander := replicatest.Event(1, 500, 0), replicatest.Event(2, 500, 0)
	for _, o := range r.PutBatch(ctx, []module.Verified{v, bystander}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
	}
	record := v.Meta().RecordDigest
	damage(t, s, record)
	if _, err := r.Get(ctx, replica.Ref{Hash: v.Hash(), Location: rawCID(record)}); !errors.Is(err, replica.ErrCorrupt) {
		t.Errorf("a damaged record: %v, want ErrCorrupt", err)
	}
	damage(t, s, v.Hash())
	put(t, r, v)
	lose(t, s, bystander.Meta().RecordDigest)
	if _, err := r.Get(ctx, replica.Ref{Hash: bystander.Hash()}); err == nil {
		t.Error("a lost record is read")
	}
	put(t, r, bystander)
	holds(t, r, replica.Ref{Hash: v.Hash()}, v)
	if got := ipfs(t, s, "block", "get", rawCID(v.Hash())); got != string(replica.Preimage(v.Record())) {
		t.Errorf("by the hash: %q, want the preimage", got)
	}
	if err := r.Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(ctx, replica.Ref{Hash: v.Hash(), Location: rawCID(record)}); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("a deleted event that was healed: %v", err)
	}
	holds(t, r, replica.Ref{Hash: bystander.Hash()}, bystander)
}

func TestAnotherReplicasEventsAreFound(t *testing.T) {
	s := servers.Kubo(t)
	a, b := open(t, s), open(t, s)
	first, second := replicatest.Event(1, 500, 0), replicatest.Event(2, 500, 0)
	put(t, a, first)
	holds(t, b, replica.Ref{Hash: first.Hash()}, first)
	put(t, a, second)
	b.index.mu.Lock()
	b.index.loaded = time.Now().Add(-rereadAfter)
	b.index.mu.Unlock()
	holds(t, b, replica.Ref{Hash: second.Hash()}, second)
	if _, err := b.Put(ctx, replicatest.Event(2, 500, 1)); !errors.Is(err, replica.ErrConflict) {
		t.Errorf("other bytes than the other's: %v, want ErrConflict", err)
	}
}

func TestSilentNodeCostsNoMoreThanTheContext(t *testing.T) {
	s := servers.Kubo(t)
	r := open(t, s)
	v := replicatest.Event(1, 500, 0)
	ref := put(t, r, v)
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(ctx context.Context) error{
		"Get":    func(ctx context.Context) error { _, err := r.Get(ctx, ref); return err },
		"Put":    func(ctx context.Context) error { _, err := r.Put(ctx, replicatest.Event(2, 500, 0)); return err },
		"Delete": func(ctx context.Context) error { return r.Delete(ctx, ref) },
		"Check":  r.Check,
	} {
		short, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		start := time.Now()
		if err := call(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want context.DeadlineExceeded", name, err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
		cancel()
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	holds(t, r, put(t, r, v), v)
	put(t, r, replicatest.Event(2, 500, 0)) // what nobody waited for blocks nobody
	put(t, r, replicatest.Event(3, 500, 0))
}

// A node with many roots takes longer to read than any caller waits.
func TestRootsAreReadWhateverTheCallersPatience(t *testing.T) {
	s := servers.Kubo(t)
	v := replicatest.Event(1, 500, 0)
	ref := put(t, open(t, s), v)
	r := open(t, s)
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			cancelled, cancel := context.WithCancel(ctx)
			time.AfterFunc(50*time.Millisecond, cancel)
			start := time.Now()
			if _, err := r.Get(cancelled, replica.Ref{Hash: v.Hash()}); !errors.Is(err, context.Canceled) {
				t.Errorf("%v, want context.Canceled", err)
			}
			if took := time.Since(start); took > 5*time.Second {
				t.Errorf("a caller who left waited for %v", took)
			}
		})
	}
	wg.Wait()
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if got := replica.PutBatch(ctx, r, []module.Verified{v})[0]; got.Err != nil || got.Location != ref.Location {
		t.Errorf("after the thaw: %v", got)
	}
}

// A node that never answers is an error of the node, not of the caller.
func TestASilentNodeDoesNotPassForACancellation(t *testing.T) {
	s := servers.Kubo(t)
	r, err := Open(Options{API: s.URL(), Timeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(ctx, replica.Ref{Hash: replicatest.Event(1, 500, 0).Hash()}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v, want context.DeadlineExceeded", err)
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(ctx, replica.Ref{Hash: replicatest.Event(1, 500, 0).Hash()}); !errors.Is(err, replica.ErrNotFound) {
		t.Errorf("after the thaw: %v, want ErrNotFound", err)
	}
}

func BenchmarkPut(b *testing.B) {
	s := servers.Kubo(b, "pebbleds")
	r, err := Open(Options{API: s.URL()})
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(16) // per core
	var seed = make(chan uint64, 1)
	seed <- 0
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := <-seed
			seed <- n + 1
			if _, err := r.Put(ctx, replicatest.Event(n, 1000, 0)); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkPutBatch(b *testing.B) {
	s := servers.Kubo(b, "pebbleds")
	r, err := Open(Options{API: s.URL()})
	if err != nil {
		b.Fatal(err)
	}
	n := uint64(0)
	for b.Loop() {
		vs := make([]module.Verified, 256)
		for i := range vs {
			n++
			vs[i] = replicatest.Event(n, 1000, 0)
		}
		for _, o := range r.PutBatch(ctx, vs) {
			if o.Err != nil {
				b.Fatal(o.Err)
			}
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "events/s")
}
