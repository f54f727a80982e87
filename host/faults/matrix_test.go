package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/intake"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica"
	"github.com/eventseal/eventseal/servers/proxy"
	"github.com/eventseal/eventseal/wasm/digest"
)

// What the limits are multiplied by before they fail a test: the
// machine may do a lot besides. What was measured is printed.
const indulgence = 10

const (
	storeLimit = time.Second            // more than the healthy case
	readLimit  = 500 * time.Millisecond // with one good copy anywhere
)

// empties stands beside the proxy's faults: everything that the place holds is gone.
const empties = proxy.Fault(100)

var faultNames = []struct {
	fault proxy.Fault
	name  string
}{
	{proxy.Refused, "refused"}, {proxy.BlackHole, "black hole"}, {proxy.Slow, "slow (2 s)"}, {proxy.Reset, "reset mid-body"},
	{proxy.Wrong, "wrong bytes"}, {proxy.Truncated, "truncated bytes"}, {empties, "empties itself"}, {proxy.Forget, "says yes, stores nothing"},
}

// The one place beside the faulty one that has a good copy to read.
var other = map[string]string{localA: node, cache: bucket, bucket: localB, node: bucket}

type cell struct {
	took time.Duration // the slowest call
	base time.Duration // healthy
	heal time.Duration
	seen []string
	err  error
}

type row struct {
	place, fault string
	cells        [3]cell // store, retrieve, batch retrieve
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
	for _, place := range []string{cache, bucket, node, localA} {
		if only := os.Getenv("FAULTS_PLACE"); only != "" && only != place {
			continue
		}
		for _, f := range faultNames {
			if only := os.Getenv("FAULTS_FAULT"); only != "" && !strings.HasPrefix(f.name, only) {
				continue
			}
			r := &row{place: place, fault: f.name}
			rows = append(rows, r)
			dir := t.TempDir()
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				r.run(t, s, dir, f.fault)
			})
		}
	}
	wg.Wait()
	for _, r := range rows {
		for i, c := range r.cells {
			t.Logf("%-8s %-26s %-8s base %6.1f took %7.1f heal %7.1f ms %v %v", r.place, r.fault, []string{"store", "retrieve", "batch"}[i],
				ms(c.base), ms(c.took), ms(c.heal), c.seen, c.err)
			if c.err != nil {
				t.Errorf("%s, %s: %v", r.place, r.fault, c.err)
			}
		}
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (r *row) run(t *testing.T, s *stack, dir string, f proxy.Fault) {
	others := slices.DeleteFunc(slices.Clone(placeNames), func(n string) bool { return n == r.place || n == other[r.place] })
	w := newWorld(t, s, dir, append(append([]string{r.place}, others...), other[r.place])...)
	defer w.close()
	for i, op := range []func(w *world, f proxy.Fault, c *cell) error{r.store, r.retrieve, r.batch} {
		c := &r.cells[i]
		c.err = op(w, f, c)
		if c.err != nil {
			return
		}
	}
}

// begin sets the fault.
func (r *row) begin(w *world, f proxy.Fault) error {
	if f == empties {
		err := w.raws[r.place].empty(w.acknowledged)
		if w.disks[r.place] != nil && err == nil {
			// Removed files can be read until the place is looked at.
			_ = w.inner[r.place].Check(ctx)
		}
		return err
	}
	return w.set(r.place, f)
}

// end takes the fault away and waits until every place is complete again.
func (r *row) end(w *world, c *cell) error {
	if err := w.set(r.place, proxy.None); err != nil {
		return err
	}
	start := time.Now()
	if err := w.complete(3 * time.Second); err != nil {
		for end := time.Now().Add(patience); ; {
			if err := w.sweep(); err != nil {
				return err
			}
			if err = w.complete(2 * time.Second); err == nil {
				break
			}
			if time.Now().After(end) {
				return err
			}
		}
	}
	c.heal = time.Since(start)
	return nil
}

// sweep looks at every copy and has the bad ones made good.
func (w *world) sweep() error {
	for _, v := range w.acknowledged {
		e, copies, err := w.journal.Get(ctx, v.Hash())
		if err != nil {
			return err
		}
		for _, p := range w.places {
			ref := replica.Ref{Hash: v.Hash()}
			for _, c := range copies {
				if c.Replica == p.Name {
					ref.Location = c.Location
				}
			}
			got, err := p.Replica.Get(ctx, ref)
			if err != nil || !bytes.Equal(got, v.Record()) {
				w.intake.Repair(e.Sequence, v.Hash(), p.Name)
			}
		}
	}
	return nil
}

func (w *world) put(vs []module.Verified, each func(intake.Receipt) error) (slowest time.Duration, err error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, v := range vs {
		wg.Go(func() {
			start := time.Now()
			receipt, e := w.intake.Store(ctx, v.Record(), intake.Quorum)
			took := time.Since(start)
			if e == nil && each != nil {
				e = each(receipt)
			}
			mu.Lock()
			defer mu.Unlock()
			slowest, err = max(slowest, took), errors.Join(err, e)
		})
	}
	wg.Wait()
	if err == nil {
		w.acknowledged = append(w.acknowledged, vs...)
	}
	return slowest, err
}

func (r *row) store(w *world, f proxy.Fault, c *cell) (err error) {
	if c.base, err = w.put(fresh(w.t, 6), nil); err != nil {
		return fmt.Errorf("healthy: %w", err)
	}
	if err := w.complete(patience); err != nil {
		return fmt.Errorf("healthy: %w", err)
	}
	before := w.metrics(r.place)
	if err := r.begin(w, f); err != nil {
		return err
	}
	if c.took, err = w.put(fresh(w.t, 6), func(receipt intake.Receipt) error {
		if receipt.Durable < required {
			return fmt.Errorf("acknowledged with %d copies", receipt.Durable)
		}
		return nil
	}); err != nil {
		return err
	}
	if c.took > c.base+indulgence*storeLimit {
		return fmt.Errorf("a store took %v, healthy %v", c.took, c.base)
	}
	time.Sleep(500 * time.Millisecond)
	c.seen = changes(before, w.metrics(r.place))
	return r.end(w, c)
}

// alone leaves copies of the events at the faulty place and at one other.
func (r *row) alone(w *world, vs []module.Verified) error {
	for _, name := range placeNames {
		if name == r.place || name == other[r.place] {
			continue
		}
		for _, v := range vs {
			if err := w.inner[name].Delete(ctx, replica.Ref{Hash: v.Hash()}); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// prepare stores events for a read. Where the fault is one of writes they are
// stored under it.
func (r *row) prepare(w *world, f proxy.Fault, c *cell, n int) ([]module.Verified, error) {
	vs := fresh(w.t, n)
	if f == proxy.Forget {
		if err := r.begin(w, f); err != nil {
			return nil, err
		}
	}
	if _, err := w.put(vs, nil); err != nil {
		return nil, err
	}
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		owed, err := w.journal.Backlog(ctx)
		if err != nil {
			return nil, err
		}
		if len(owed) == 0 {
			break
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("owed: %v", owed)
		}
	}
	if err := r.alone(w, vs); err != nil {
		return nil, err
	}
	if d := w.disks[r.place]; d != nil && (f == proxy.Wrong || f == proxy.Truncated) {
		for _, v := range vs {
			_ = d.harm(f, v)
		}
		return vs, nil
	}
	if f == proxy.Forget {
		return vs, nil
	}
	return vs, r.begin(w, f)
}

func (r *row) retrieve(w *world, f proxy.Fault, c *cell) error {
	vs, err := r.prepare(w, f, c, 6)
	if err != nil {
		return err
	}
	before := w.metrics(r.place)
	for _, v := range vs {
		start := time.Now()
		got, err := w.reader.Event(ctx, v.Hash())
		c.took = max(c.took, time.Since(start))
		if err != nil {
			return err
		}
		if !bytes.Equal(got.Record(), v.Record()) {
			return errors.New("served corrupt")
		}
	}
	time.Sleep(500 * time.Millisecond)
	c.seen = changes(before, w.metrics(r.place))
	if c.took > indulgence*readLimit {
		return fmt.Errorf("a retrieve took %v", c.took)
	}
	return r.end(w, c)
}

func (r *row) batch(w *world, f proxy.Fault, c *cell) error {
	vs, err := r.prepare(w, f, c, 12)
	if err != nil {
		return err
	}
	before := w.metrics(r.place)
	hs := make([]digest.Hash, len(vs))
	for i, v := range vs {
		hs[i] = v.Hash()
	}
	start := time.Now()
	i := 0
	for got, err := range w.reader.Events(ctx, hs) {
		if err != nil {
			return err
		}
		if !bytes.Equal(got.Record(), vs[i].Record()) {
			return errors.New("served corrupt")
		}
		i++
	}
	c.took = time.Since(start)
	time.Sleep(500 * time.Millisecond)
	c.seen = changes(before, w.metrics(r.place))
	if c.took > indulgence*readLimit {
		return fmt.Errorf("a batch took %v", c.took)
	}
	return r.end(w, c)
}

func changes(before, after map[string]float64) (out []string) {
	for name, v := range after {
		if v != before[name] {
			out = append(out, fmt.Sprintf("%s%+.3g", strings.TrimPrefix(name, "eventseal_"), v-before[name]))
		}
	}
	slices.Sort(out)
	return out
}

var _ = context.Background
var _ = filepath.Join
