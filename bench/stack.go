package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/eventseal/eventseal/servers"
)

const (
	stackSection  = "The full stack: two local replicas, Redis, S3, IPFS; minimum redundancy 3; everything on the same cores"
	sourceSection = "Reading from one source, 32 connections, nothing kept in memory, every copy checked; and raw clients of the same servers"
	stackBucket   = "bench"
)

// The sketch on the same servers (its own figures, one run): 96.7 stores/s over
// one connection and 228/s over 32; reads 388 and 440/s hot, 324/s after the
// cache was emptied.
const (
	sketchStore1  = 96.7
	sketchStore32 = 228
	sketchHot     = 440
	sketchCold    = 324
)

// A stack is the servers of one run.
type stack struct {
	redis, s3, kubo *servers.Server
	host            *servers.Server
}

func (s *stack) stop() {
	for _, server := range []*servers.Server{s.host, s.redis, s.s3, s.kubo} {
		if server != nil {
			server.Stop()
		}
	}
}

// newStack starts the servers in a folder. They are built by make servers.
func newStack(dir string) (*stack, error) {
	s := &stack{}
	for _, one := range []struct {
		to   **servers.Server
		make func(dir string) (*servers.Server, error)
	}{
		{&s.redis, func(dir string) (*servers.Server, error) { return servers.NewRedis(dir) }},
		{&s.s3, servers.NewS3},
		{&s.kubo, func(dir string) (*servers.Server, error) { return servers.NewKubo(dir, "pebbleds") }},
	} {
		own, err := os.MkdirTemp(dir, "server-")
		if err == nil {
			*one.to, err = one.make(own)
		}
		if err == nil {
			err = (*one.to).Start()
		}
		if err != nil {
			s.stop()
			return nil, err
		}
	}
	return s, s.s3.Bucket(stackBucket)
}

// serve starts the host anew on the same data, with more settings.
func (s *stack) serve(dir, binary string, env ...string) (err error) {
	if s.host != nil {
		s.host.Stop()
	}
	text, secrets := servers.StackConfig(s.redis.Addr, s.s3.URL(), stackBucket, s.kubo.URL())
	if s.host, err = servers.NewHost(dir, binary, text, append(append(secrets, "EVENTSEAL_LOG_LEVEL=warn"), env...)...); err != nil {
		return err
	}
	return s.host.Start()
}

// stored is how many copies the place that has the fewest was given by this
// host. Unlike health, it is never a second old.
func (s *stack) stored() (least int, err error) {
	resp, err := http.Get(s.host.URL() + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	least = math.MaxInt
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "eventseal_replica_stored_total{"); ok {
			n, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
			if err != nil {
				return 0, err
			}
			least = min(least, int(n))
		}
	}
	return least, nil
}

// complete waits until every place was given so many copies.
func (s *stack) complete(copies int) error {
	for began := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		n, err := s.stored()
		if err != nil || n >= copies {
			return err
		}
		if time.Since(began) > 10*time.Minute {
			return fmt.Errorf("%d copies are still owed", copies-n)
		}
	}
}

// cpu is the processor time of each process so far, where the system tells it.
func cpu(pids map[string]int) map[string]time.Duration {
	used := map[string]time.Duration{}
	for name, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		// pid (name) state …, utime and stime are the 14th and 15th, in hundredths
		// of a second: proc(5). The name may hold anything.
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(f) < 13 {
			continue
		}
		user, _ := strconv.Atoi(f[11])
		system, _ := strconv.Atoi(f[12])
		used[name] = time.Duration(user+system) * 10 * time.Millisecond
	}
	return used
}

// perEvent says what an event cost each process, which a busy machine changes
// less than anything else.
func perEvent(before, after map[string]time.Duration, events int) string {
	var parts []string
	total := time.Duration(0)
	for _, name := range slices.Sorted(maps.Keys(after)) {
		d := (after[name] - before[name]) / time.Duration(events)
		total += d
		parts = append(parts, fmt.Sprintf("%s %d", name, d.Microseconds()))
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("µs of processor an event: %s, together %d", strings.Join(parts, ", "), total.Microseconds())
}

// stackRows loads the real binary over the real servers.
func stackRows(o options) (rows []row, err error) {
	ctx := context.Background()
	dir, binary, err := workshop()
	if err != nil {
		return nil, err
	}
	defer dir.remove()
	s, err := newStack(dir.path)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	hostDir, err := servers.MakeDir(dir.path, "host")
	if err != nil {
		return nil, err
	}
	if err := s.serve(hostDir, binary); err != nil {
		return nil, err
	}
	fmt.Fprintln(os.Stderr, "bench: signing events …")
	n := o.events
	events, err := manyEvents(ctx, n/10+2*n)
	if err != nil {
		return nil, err
	}
	raws := newRaws(s)

	pids := map[string]int{"host": s.host.Pid(), "Redis": s.redis.Pid(), "S3": s.s3.Pid(), "IPFS": s.kubo.Pid(), "client": os.Getpid()}
	// store measures until the quorum has acknowledged, and until every place is complete.
	store := func(name string, l load, connections, events int, bars ...bar) error {
		fmt.Fprintf(os.Stderr, "bench: %s …\n", name)
		already, err := s.stored()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		before := cpu(pids)
		began := time.Now()
		r, err := drive(s.host.Addr, l, connections)
		if err == nil {
			err = s.complete(already + events)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		complete := float64(events) / time.Since(began).Seconds()
		rows = append(rows, row{section: stackSection, name: name, value: r.perSecond, unit: perSecond, bars: bars, note: r.note()})
		var whole []bar
		if connections > 1 {
			whole = []bar{{value: 1500}}
		}
		rows = append(rows, row{section: stackSection, name: name + ": complete in all five places", value: complete, unit: perSecond, bars: whole, note: perEvent(before, cpu(pids), events)})
		return nil
	}
	one := load{status: 201, want: []byte(`"created":true`), times: 1}
	thirtyTwo, batches := one, load{status: 200, want: []byte(`"created":true`), times: batchLines, perAnswer: batchLines}
	for _, e := range events[:n/10] {
		one.requests = append(one.requests, post("/v1/events", "application/json", e))
	}
	for _, e := range events[n/10:][:n] {
		thirtyTwo.requests = append(thirtyTwo.requests, post("/v1/events", "application/json", e))
	}
	many := events[n/10+n:]
	for i := 0; i+batchLines <= len(many); i += batchLines {
		batches.requests = append(batches.requests, post("/v1/events:batch", "application/x-ndjson", append(bytes.Join(many[i:i+batchLines], []byte("\n")), '\n')))
	}
	if err := firstError(
		store("store at the quorum, 1 connection", one, 1, n/10, bar{value: sketchStore1}),
		store("store at the quorum, 32 connections", thirtyTwo, 32, n, bar{value: 2280}, bar{value: sketchStore32}),
		store(fmt.Sprintf("store at the quorum, batches of %d, 8 connections", batchLines), batches, 8, len(many)/batchLines*batchLines),
	); err != nil {
		return nil, err
	}
	more, err := raws.storeRows(ctx, events[:min(2000, len(events))])
	if err != nil {
		return nil, err
	}
	rows = append(rows, more...)
	more, err = s.sourceRows(ctx, raws, hostDir, binary, events[n/10:][:min(hot, n)])
	return append(rows, more...), err
}

// sourceRows reads the same events from one place after the other.
func (s *stack) sourceRows(ctx context.Context, raws *raws, hostDir, binary string, events [][]byte) (rows []row, err error) {
	reads := load{status: 200, want: []byte(`"sig":"`), times: 1, repeat: 2 * time.Second}
	var hashes []string
	for _, e := range events {
		hashes = append(hashes, hashOf(e))
		reads.requests = append(reads.requests, get("/v1/events/"+hashOf(e)))
	}
	add := func(name string, l load, connections int, bars ...bar) error {
		fmt.Fprintf(os.Stderr, "bench: %s …\n", name)
		r, err := drive(s.host.Addr, l, connections)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		rows = append(rows, row{section: sourceSection, name: name, value: r.perSecond, unit: perSecond, bars: bars, note: r.note()})
		return nil
	}
	for _, source := range []struct {
		place, name string
		raw         func(ctx context.Context, i int) error
		bars        []bar
	}{
		{"cache", "Redis", raws.getRedis, []bar{{value: sketchHot}}},
		{"local-a", "local", nil, nil},
		{"bucket", "S3", raws.getS3, []bar{{value: sketchCold}}},
		{"node", "IPFS", raws.getIPFS, nil},
	} {
		if err := s.serve(hostDir, binary, "EVENTSEAL_READ_CACHE=0B", "EVENTSEAL_READ_HEDGE_AFTER=10s", "EVENTSEAL_READ_ORDER="+source.place); err != nil {
			return nil, err
		}
		bars, raw := source.bars, 0.0
		if source.raw != nil {
			name := source.name + ", raw client"
			fmt.Fprintf(os.Stderr, "bench: %s …\n", name)
			raws.use(hashes, events)
			r, err := timed(ctx, 32, 2*time.Second, 0, source.raw)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			rows = append(rows, row{section: sourceSection, name: name, value: r.perSecond, unit: perSecond, note: r.note()})
			raw = r.perSecond
		}
		if err := add(source.name+", through the host", reads, 32, bars...); err != nil {
			return nil, err
		}
		if last := &rows[len(rows)-1]; raw > 0 {
			last.note += fmt.Sprintf("; %.2f× of the raw client", last.value/raw)
		}
	}
	hundred := load{status: 200, want: []byte(`"sig":"`), times: 100, perAnswer: 100, repeat: 2 * time.Second}
	for i := 0; i+100 <= len(hashes); i += 100 {
		hundred.requests = append(hundred.requests, post("/v1/events:retrieve", "application/json", []byte(`{"hashes":["`+strings.Join(hashes[i:i+100], `","`)+`"]}`)))
	}
	if err := s.serve(hostDir, binary, "EVENTSEAL_READ_CACHE=0B"); err != nil {
		return nil, err
	}
	if err := add("batches of 100 from Redis in one pipeline, 1 connection, events", hundred, 1); err != nil {
		return nil, err
	}
	if err := s.serve(hostDir, binary); err != nil {
		return nil, err
	}
	return rows, add("hot, through the host's memory", reads, 32, bar{value: 20000}, bar{value: sketchHot})
}
