package faults

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
)

var update = flag.Bool("update", false, "write docs/fault-matrix.md")

// How long a store may take beyond the healthy case, and a retrieve of what one
// place has a good copy of. A machine that does a lot besides is given many
// times that before a test fails; what was measured is printed.
const (
	storeLimit = time.Second
	readLimit  = 500 * time.Millisecond
	indulgence = 10
)

// empties stands beside the proxy's faults: everything that the place holds is gone.
const empties = proxy.Fault(100)

var faultNames = []struct {
	fault proxy.Fault
	name  string
}{
	{proxy.Refused, "refused"}, {proxy.BlackHole, "black hole"}, {proxy.Slow, "slow, 2 s"}, {proxy.Reset, "reset mid-body"},
	{proxy.Wrong, "wrong bytes"}, {proxy.Truncated, "truncated bytes"}, {empties, "empties itself"}, {proxy.Forget, "says yes, stores nothing"},
}

// silent reports whether a store through the fault succeeds and leaves no good copy.
func silent(place string, f proxy.Fault) bool {
	switch f {
	case proxy.Wrong: // S3 and IPFS check what arrives
		return place == cache || place == localA
	case proxy.Truncated:
		return place == localA
	}
	return f == empties || f == proxy.Forget
}

// elsewhere is the one place beside the faulty one that has a good copy to read.
var elsewhere = map[string]string{localA: node, cache: bucket, bucket: localB, node: bucket}

// A row is a place with a fault.
type row struct {
	place string
	fault proxy.Fault
	name  string
	w     *world
	cells [3]cell
}

// A cell is one operation through the fault.
type cell struct {
	op      string
	healthy time.Duration // the slowest call without the fault
	took    time.Duration // the slowest call with it
	healed  time.Duration // until every place was complete after it
	shows   string
	good    string // by what it was made good
	err     error
}

var events atomic.Int64

func fresh(t testing.TB, n int) []module.Verified {
	vs := make([]module.Verified, n)
	for i := range vs {
		vs[i] = moduletest.Event(t, int(events.Add(1)))
	}
	return vs
}

func TestMatrix(t *testing.T) {
	s := newStack(t)
	var rows []*row
	var wg sync.WaitGroup
	slots := make(chan struct{}, 8)
	only := os.Getenv("FAULTS_ONLY") // "place/fault", while looking into one
	for _, place := range []string{cache, bucket, node, localA} {
		for _, f := range faultNames {
			if only != "" && !strings.HasPrefix(place+"/"+f.name, only) {
				continue
			}
			r := &row{place: place, fault: f.fault, name: f.name}
			rows = append(rows, r)
			dir := t.TempDir()
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				r.run(t, s, dir)
			})
		}
	}
	rows = append(rows, whileDown(t, s, only, slots, &wg)...)
	wg.Wait()
	for _, r := range rows {
		t.Run(r.place+"/"+r.name, func(t *testing.T) {
			for _, c := range r.cells {
				t.Logf("%-14s healthy %7.1f ms, took %7.1f ms, complete again after %7.1f ms; shows as %s; made good by %s", c.op, ms(c.healthy), ms(c.took), ms(c.healed), c.shows, c.good)
				if c.err != nil {
					t.Errorf("%s: %v", c.op, c.err)
				}
			}
		})
	}
	if only == "" && !t.Failed() {
		keep(t, table(rows))
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *row) run(t *testing.T, s *stack, dir string) {
	others := slices.DeleteFunc(slices.Clone(placeNames), func(n string) bool { return n == r.place || n == elsewhere[r.place] })
	r.w = newWorld(t, s, dir, append(append([]string{r.place}, others...), elsewhere[r.place])...)
	defer r.w.close()
	for i, op := range []struct {
		name string
		run  func(c *cell) error
	}{{"store", r.store}, {"retrieve", r.retrieve}, {"batch retrieve", r.batch}} {
		c := &r.cells[i]
		c.op = op.name
		if c.err = op.run(c); c.err != nil {
			return // what comes next would only tell the same
		}
	}
}

// begin sets the fault.
func (r *row) begin() error {
	if r.fault != empties {
		return r.w.set(r.place, r.fault)
	}
	err := r.w.raws[r.place].empty(r.w.acknowledged)
	if r.w.disks[r.place] != nil && err == nil {
		_ = r.w.inner[r.place].Check(ctx) // until it is looked at, removed files can be read
	}
	return err
}

// put stores events at the same time.
func (r *row) put(vs []module.Verified) (slowest time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, v := range vs {
		wg.Go(func() {
			start := time.Now()
			receipt, e := r.w.intake.Store(ctx, v.Record(), intake.Quorum)
			took := time.Since(start)
			if e == nil && receipt.Durable < required {
				e = fmt.Errorf("acknowledged with %d copies", receipt.Durable)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest, err = max(slowest, took), errors.Join(err, e)
		})
	}
	wg.Wait()
	if err == nil {
		r.w.acknowledged = append(r.w.acknowledged, vs...)
	}
	return slowest, err
}

func (r *row) store(c *cell) (err error) {
	if c.healthy, err = r.put(fresh(r.w.t, 6)); err != nil {
		return fmt.Errorf("healthy: %w", err)
	}
	if err := r.w.complete(r.w.acknowledged, placeNames...); err != nil {
		return fmt.Errorf("healthy: %w", err)
	}
	before := r.w.metrics(r.place)
	if err := r.begin(); err != nil {
		return err
	}
	vs := fresh(r.w.t, 6)
	if c.took, err = r.put(vs); err != nil {
		return err
	}
	if c.took > c.healthy+indulgence*storeLimit {
		return fmt.Errorf("it took %v, %v when healthy", c.took, c.healthy)
	}
	if silent(r.place, r.fault) {
		// It says that all is well; whoever reads finds out.
		if err := r.w.read(r.w.acknowledged); err != nil {
			return err
		}
		if err := r.visible(c, before, found, func() error { return r.w.read(r.w.acknowledged) }); err != nil {
			return err
		}
		c.good = "read-repair, scrub"
	} else {
		if err := r.visible(c, before, stuck, func() error { _, err := r.put(fresh(r.w.t, 1)); return err }); err != nil {
			return err
		}
		c.good = "outbox"
	}
	return r.end(c, r.w.acknowledged)
}

// end takes the fault away and wants every place complete again: the faulty
// one by itself where the outbox knows of it or reads find out, the others at the
// latest by a scrub.
func (r *row) end(c *cell, vs []module.Verified) error {
	if err := r.w.set(r.place, proxy.None); err != nil {
		return err
	}
	start := time.Now()
	if r.fault != proxy.Forget { // that swallowed the repairs as well
		// A read on a busy machine is answered by others before this place has said
		// anything, and a repair under the fault may have been swallowed; readers go on reading.
		again := vs
		if c.good == "outbox" {
			again = nil
		}
		if err := r.w.completeByReads(vs, again, r.place); err != nil {
			return fmt.Errorf("without a scrub: %w", err)
		}
	}
	if c.good == "outbox" {
		if err := r.w.complete(vs, placeNames...); err != nil {
			return err
		}
	}
	c.healed = time.Since(start)
	return r.w.scrub()
}

// prepare stores events and leaves a copy of each at the faulty place and at
// one other, and nowhere else.
func (r *row) prepare(n int) ([]module.Verified, error) {
	vs := fresh(r.w.t, n)
	if r.fault == proxy.Forget { // one of writes
		if err := r.begin(); err != nil {
			return nil, err
		}
	}
	if _, err := r.put(vs); err != nil {
		return nil, err
	}
	if err := r.w.complete(vs, elsewhere[r.place]); err != nil {
		return nil, err
	}
	for _, name := range placeNames {
		if name == r.place || name == elsewhere[r.place] {
			continue
		}
		for _, v := range vs {
			if err := r.w.inner[name].Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	switch d := r.w.disks[r.place]; {
	case r.fault == proxy.Forget:
		return vs, nil
	case d != nil && (r.fault == proxy.Wrong || r.fault == proxy.Truncated):
		for _, v := range vs {
			_ = d.harm(r.fault, v) // the end of the file may be gone already
		}
		return vs, nil
	}
	return vs, r.begin()
}

func (r *row) retrieve(c *cell) error {
	return r.reading(c, 6, func(vs []module.Verified) error {
		for _, v := range vs {
			start := time.Now()
			got, err := r.w.reader.Event(ctx, v.Hash())
			c.took = max(c.took, time.Since(start))
			if err != nil {
				return err
			}
			if !bytes.Equal(got.Record(), v.Record()) {
				return errors.New("other bytes are served")
			}
		}
		return nil
	})
}

func (r *row) batch(c *cell) error {
	return r.reading(c, 12, func(vs []module.Verified) error {
		start := time.Now()
		err := r.w.read(vs)
		c.took = time.Since(start)
		return err
	})
}

func (r *row) reading(c *cell, n int, read func([]module.Verified) error) error {
	vs, err := r.prepare(n)
	if err != nil {
		return err
	}
	before := r.w.metrics(r.place)
	if err := read(vs); err != nil {
		return err
	}
	if c.took > indulgence*readLimit {
		return fmt.Errorf("it took %v", c.took)
	}
	how := late
	if silent(r.place, r.fault) || r.fault == proxy.Wrong {
		how = found
	}
	if err := r.visible(c, before, how, func() error { return r.w.read(vs) }); err != nil {
		return err
	}
	if c.good = "read-repair, scrub"; r.fault == proxy.Forget {
		c.good = "scrub"
	}
	return r.end(c, vs)
}

// The ways in which a fault shows.
type sign struct {
	text    string
	health  func(health.Replica) bool
	metrics []string // one of them goes up
}

var (
	stuck = sign{"backlog", func(h health.Replica) bool { return h.Backlog > 0 }, []string{"eventseal_replica_backlog_events"}}
	late  = sign{
		"last error or late reads",
		func(h health.Replica) bool { return !h.Up || h.LastError != "" || h.LateReads > 0 },
		[]string{"eventseal_replica_reads_total{outcome=failed}", "eventseal_replica_reads_total{outcome=cancelled}"},
	}
	found = sign{
		"bad or missing copies",
		func(h health.Replica) bool { return h.BadCopies+h.MissingCopies > 0 },
		[]string{"eventseal_replica_bad_copies_total", "eventseal_replica_repairs_total", "eventseal_replica_fills_total"},
	}
)

// visible waits until the fault shows in the health document and in the
// metrics. On a busy machine once may not be enough: others answer before the place
// has said anything, or a slow one is done before anybody looks. So again is
// called now and then.
func (r *row) visible(c *cell, before map[string]float64, s sign, again func() error) error {
	c.shows = s.text
	var seen health.Replica
	var told, counted bool
	for end, next := time.Now().Add(patience), time.Now().Add(2*time.Second); ; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(next) {
			if err := again(); err != nil {
				return err
			}
			next = time.Now().Add(time.Second)
		}
		for _, h := range r.w.health.Health(ctx).Replicas {
			if h.Name == r.place {
				seen = h
			}
		}
		now := r.w.metrics(r.place)
		told = told || s.health(seen)
		counted = counted || slices.ContainsFunc(s.metrics, func(name string) bool { return now[name] > before[name] })
		if told && counted {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the fault does not show as %s: health %+v, metrics %v", s.text, seen, now)
		}
	}
}

// table is the matrix as a page. What was measured is in brackets.
func table(rows []*row) string {
	var b strings.Builder
	b.WriteString(preamble)
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s |", r.place, r.name)
		var shows, good []string
		for _, c := range r.cells {
			fmt.Fprintf(&b, " ok (%.0f ms) |", ms(c.took))
			shows, good = append(shows, c.shows), append(good, strings.Split(c.good, ", ")...)
		}
		fmt.Fprintf(&b, " %s | %s |\n", distinct(shows), distinct(good))
	}
	return b.String()
}

func distinct(words []string) string {
	slices.Sort(words)
	return strings.Join(slices.Compact(words), ", ")
}

const preamble = `# What happens when a place fails

Generated by ` + "`make fault-matrix`" + ` (host/faults), on real servers: Redis (cache), an S3 gateway (bucket), Kubo
(node) and local replicas of which one (local-a) is on a disk that misbehaves. Three of the four counting places make
an event durable; the cache does not count. Each row is one place with one fault:

- **store**: six events at once. "ok" says that every one was acknowledged by the others.
- **retrieve**, **batch retrieve**: six events one by one, twelve in one request, of which the faulty place and one
  other, read last, have a copy, and nobody else. "ok" says that every one was served, byte for byte.

The slowest call is in brackets. A store must take no longer than a second more than a healthy one, a retrieve no
longer than 500 ms; the test gives a busy machine ten times that. In every row the fault showed in the health document
and in the metrics, and when it was over every acknowledged event was on every place again, byte for byte, as seen by
the servers' own clients, without a restart.

The rows from "emptied while down" on are about what happens while no host runs. The place is emptied, another one stands
behind its name, or it is put back to what it held before half of the events were stored; the journal is lost, put back, or another host's.
Then the host starts; what was stored before is read, and then stored again. "ok" says that every event was served, and that every one was
acknowledged while enough counting places held it. The places became complete without a scrub.

| place | fault | store | retrieve | batch retrieve | shows as | made good by |
|---|---|---|---|---|---|---|
`

var measured = regexp.MustCompile(` \(\d+ ms\)`)

// keep writes the page, or compares what does not depend on the machine.
func keep(t *testing.T, page string) {
	t.Helper()
	root, err := servers.Root()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(root, "docs", "fault-matrix.md")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if measured.ReplaceAllString(string(b), "") != measured.ReplaceAllString(page, "") {
		t.Errorf("docs/fault-matrix.md is not what was found; make fault-matrix writes it:\n%s", page)
	}
}
