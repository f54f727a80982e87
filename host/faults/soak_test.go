package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/servers/proxy"
)

// The soak's load: so many stores and as many reads a second, each by its own
// caller, no more than so many at once.
const (
	soakRate   = 60
	soakAtOnce = 64
)

// One fault at a time of those places that count, and one of the cache beside
// it, so that the quorum is always there: every store has to be acknowledged,
// and every read served.
func TestSoak(t *testing.T) {
	length := 20 * time.Second
	if s := os.Getenv("SOAK"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatal("SOAK: ", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("SOAK_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal("SOAK_SEED: ", err)
		}
	}
	t.Logf("SOAK=%v SOAK_SEED=%d", length, seed)
	k := &soak{runningHost: newHost(t, newStack(t)), length: length, begun: time.Now()}
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { k.trouble(ctx, rand.New(rand.NewPCG(seed, 1)), bucket, node) })
	wg.Go(func() { k.trouble(ctx, rand.New(rand.NewPCG(seed, 2)), cache) })
	wg.Go(func() { k.watch(ctx) })
	k.load(ctx)
	wg.Wait()
	k.line("")
	t.Logf("%d stored (%d failed), %d read (%d failed, %d corrupt), %d faults; slowest store %v, read %v; memory %s",
		len(k.acknowledged), k.storesFailed.Load(), k.reads.Load(), k.readsFailed.Load(), k.corrupt.Load(), k.faults.Load(),
		time.Duration(k.slowestStore.Load()).Round(time.Millisecond), time.Duration(k.slowestRead.Load()).Round(time.Millisecond), k.memory())
	if len(k.acknowledged) == 0 || k.reads.Load() == 0 || k.faults.Load() == 0 {
		t.Fatal("nothing was done: the soak proves nothing")
	}
	if n := k.storesFailed.Load(); n > 0 {
		t.Errorf("%d stores were not acknowledged although the quorum was there; the first: %v", n, k.firstStore.Load())
	}
	if n := k.readsFailed.Load() + k.corrupt.Load(); n > 0 {
		t.Errorf("%d reads were not served although two places had the event; the first: %v", n, k.firstRead.Load())
	}
	k.flat()

	// The faults are over: the outbox delivers, a scrub finds what was forgotten
	// in silence, and then everything is everywhere.
	end := time.Now()
	if err := k.settled(); err != nil {
		t.Fatal(err)
	}
	t.Logf("the outbox was empty %v after the last fault", time.Since(end).Round(time.Millisecond))
	k.Stop()
	if err := k.scrub(); err != nil {
		t.Fatal(err)
	}
	t.Logf("scrubbed after %v", time.Since(end).Round(time.Millisecond))
	if err := k.verify(k.acknowledged); err != nil {
		t.Fatal(err)
	}
	t.Logf("every one of %d events is in all five places, byte for byte", len(k.acknowledged))
}

type soak struct {
	*runningHost
	length time.Duration
	begun  time.Time

	mu           sync.Mutex
	acknowledged []module.Verified
	now          [2]string // the faults of the moment
	rss          []int     // of the host, KiB, a sample a second

	reads, storesFailed, readsFailed, corrupt, faults atomic.Int64
	slowestStore, slowestRead                         atomic.Int64
	firstStore, firstRead                             atomic.Value
}

// load stores and reads at a fixed rate until ctx ends, whatever the answers take.
func (k *soak) load(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, soakAtOnce)
	tick := time.NewTicker(time.Second / soakRate)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		v := fresh(k.t, 1)[0]
		for _, do := range []func(){func() { k.storeOne(v) }, k.readOne} {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				defer func() { <-slots }()
				do()
			})
		}
	}
}

func (k *soak) storeOne(v module.Verified) {
	begun := time.Now()
	_, err := k.client.Store(ctx, client.WaitQuorum, v.Record())
	raise(&k.slowestStore, time.Since(begun))
	if err != nil {
		k.storesFailed.Add(1)
		k.firstStore.CompareAndSwap(nil, err.Error())
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.acknowledged = append(k.acknowledged, v)
}

func (k *soak) readOne() {
	k.mu.Lock()
	n := len(k.acknowledged)
	if n == 0 {
		k.mu.Unlock()
		return
	}
	want := k.acknowledged[rand.IntN(n)]
	k.mu.Unlock()
	begun := time.Now()
	got, err := k.client.Retrieve(ctx, want.Hash()) // which verifies
	raise(&k.slowestRead, time.Since(begun))
	k.reads.Add(1)
	switch {
	case err != nil:
		k.readsFailed.Add(1)
		k.firstRead.CompareAndSwap(nil, err.Error())
	case !bytes.Equal(got.Record(), want.Record()):
		k.corrupt.Add(1)
	}
}

func raise(slowest *atomic.Int64, took time.Duration) {
	for old := slowest.Load(); int64(took) > old && !slowest.CompareAndSwap(old, int64(took)); old = slowest.Load() {
	}
}

// trouble has one of the places misbehave for a while, again and again, and
// leaves all of them well.
func (k *soak) trouble(ctx context.Context, rng *rand.Rand, places ...string) {
	rest := func(d time.Duration) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
	}
	between := func(low, high time.Duration) time.Duration { return low + time.Duration(rng.Int64N(int64(high-low))) }
	raws := k.raws()
	for ctx.Err() == nil {
		rest(between(200*time.Millisecond, 2*time.Second))
		place := places[rng.IntN(len(places))]
		server := k.stack.byPlace()[place]
		faults := append([]func() (string, func() error, error){}, k.ways(place)...)
		faults = append(faults,
			func() (string, func() error, error) { server.Kill(); return "killed", server.Start, nil },
			func() (string, func() error, error) { return "frozen", server.Thaw, server.Freeze() },
			func() (string, func() error, error) {
				k.mu.Lock()
				some := k.acknowledged[:min(len(k.acknowledged), 200)]
				k.mu.Unlock()
				return "emptied", func() error { return nil }, raws[place].empty(some)
			},
		)
		name, heal, err := faults[rng.IntN(len(faults))]()
		if err != nil {
			k.t.Errorf("%s, %s: %v", place, name, err)
			return
		}
		k.faults.Add(1)
		k.say(place, name)
		rest(between(500*time.Millisecond, 4*time.Second))
		if err := heal(); err != nil {
			k.t.Errorf("%s, after %s: %v", place, name, err)
			return
		}
		if err := k.up(place); err != nil {
			k.t.Errorf("%s, after %s: %v", place, name, err)
			return
		}
		k.say(place, "")
	}
}

// up waits until the host has noticed that a place works again; a fault of the
// next one before that would take the quorum away.
func (k *soak) up(place string) error {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		doc, err := k.health()
		if err == nil && slices.ContainsFunc(doc.Replicas, func(r health.Replica) bool { return r.Name == place && r.Up }) {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("the host has not noticed that it is well: %+v, %v", doc, err)
		}
	}
}

// ways are the faults of a place's proxy.
func (k *soak) ways(place string) (ways []func() (string, func() error, error)) {
	p := k.proxies[place]
	for _, f := range faultNames {
		if f.fault != empties {
			ways = append(ways, func() (string, func() error, error) {
				return f.name, func() error { return p.Set(proxy.None) }, p.Set(f.fault)
			})
		}
	}
	return ways
}

func (k *soak) say(place, what string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := 0
	if place == cache {
		i = 1
	}
	if k.now[i] = ""; what != "" {
		k.now[i] = place + " " + what
	}
}

// watch samples the host's memory and shows how far the soak is.
func (k *soak) watch(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		kib, err := resident(k.Pid())
		if err != nil {
			k.t.Errorf("the host's memory: %v", err)
			return
		}
		k.mu.Lock()
		k.rss = append(k.rss, kib)
		stored, now := len(k.acknowledged), slices.Clone(k.now[:])
		k.mu.Unlock()
		text := fmt.Sprintf("%3.0f%%  %d stored, %d read, %d MiB  %s", 100*time.Since(k.begun).Seconds()/k.length.Seconds(), stored, k.reads.Load(), kib>>10, strings.Join(now, "  "))
		k.line(text)
		if n%15 == 14 {
			k.t.Log(text)
		}
	}
}

// terminal is where progress goes, nil where there is none.
var terminal = sync.OnceValue(func() *os.File {
	if os.Getenv("SOAK") == "" { // one test among many
		return nil
	}
	f, _ := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
	return f
})

// line shows a text in the place of the one before.
func (k *soak) line(text string) {
	if f := terminal(); f != nil {
		fmt.Fprintf(f, "\r\x1b[K%s", text)
	}
}

// resident is a process's memory in KiB.
func resident(pid int) (int, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "VmRSS:" {
			return strconv.Atoi(f[1])
		}
	}
	return 0, errors.New("no VmRSS")
}

func (k *soak) memory() string {
	if len(k.rss) == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%d MiB at first, %d at most, %d at last", k.rss[0]>>10, slices.Max(k.rss)>>10, k.rss[len(k.rss)-1]>>10)
}

// flat wants the host to need no more memory at the end than once it was warm.
func (k *soak) flat() {
	n := len(k.rss)
	if n < 8 {
		k.t.Errorf("only %d samples of the host's memory", n)
		return
	}
	warm, end := slices.Max(k.rss[n/4:n/2]), slices.Max(k.rss[n*3/4:])
	const slack = 64 << 10 // KiB: queues fill while a place is away
	if end > warm*3/2+slack {
		k.t.Errorf("the host's memory grew from %d to %d MiB", warm>>10, end>>10)
	}
}
