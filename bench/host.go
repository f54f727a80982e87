package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/wasm/digest"
)

const (
	hostSection = "The host over HTTP, embedded default, fsync on, client on the same cores"
	batchLines  = 256
	hot         = 2000 // events that are read again and again
)

// build makes the binary that people run.
func build(path string) error {
	c := exec.Command("go", "build", "-o", path, "github.com/eventseal/eventseal/host/cmd/eventseal")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

// hostRows starts the real binary on a folder on disk and loads it with signed
// events of 1 KB: every event is verified, journaled and in two replicas, all
// synced, before it is answered.
func hostRows(o options) (rows []row, err error) {
	ctx := context.Background()
	dir, binary, err := workshop()
	if err != nil {
		return nil, err
	}
	defer dir.remove()
	h := &host{binary: binary, data: filepath.Join(dir.path, "data")}
	if _, err := h.start(); err != nil {
		return nil, err
	}
	defer h.stop()

	fmt.Fprintln(os.Stderr, "bench: signing events …")
	n := o.events
	events, err := manyEvents(ctx, n/10+n+4*n)
	if err != nil {
		return nil, err
	}
	single := func(records [][]byte) load {
		l := load{status: 201, want: []byte(`"created":true`), times: 1}
		for _, r := range records {
			l.requests = append(l.requests, post("/v1/events", "application/json", r))
		}
		return l
	}
	add := func(name string, l load, connections int, bars ...bar) error {
		fmt.Fprintf(os.Stderr, "bench: %s …\n", name)
		r, err := drive(h.addr, l, connections)
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, h.log.tail())
		}
		rows = append(rows, row{section: hostSection, name: name, value: r.perSecond, unit: perSecond, bars: bars, note: r.note()})
		return nil
	}
	one, rest := events[:n/10], events[n/10:]
	thirtyTwo, many := rest[:n], rest[n:]
	batches := load{status: 200, want: []byte(`"created":true`), times: batchLines, perAnswer: batchLines}
	for i := 0; i+batchLines <= len(many); i += batchLines {
		batches.requests = append(batches.requests, post("/v1/events:batch", "application/x-ndjson", append(bytes.Join(many[i:i+batchLines], []byte("\n")), '\n')))
	}
	reads := load{status: 200, want: []byte(`"sig":"`), times: 1, repeat: 3 * time.Second}
	for _, r := range thirtyTwo[:min(hot, len(thirtyTwo))] {
		reads.requests = append(reads.requests, get("/v1/events/"+hashOf(r)))
	}
	if err := firstError(
		add("store one by one, 1 connection", single(one), 1),
		add("store one by one, 32 connections", single(thirtyTwo), 32, bar{value: 5000}),
		add(fmt.Sprintf("store in batches of %d lines, 8 connections, events", batchLines), batches, 8, bar{value: 10000}),
		add("read hot, 1 connection", reads, 1),
		add("read hot, 32 connections", reads, 32, bar{value: 20000}),
	); err != nil {
		return nil, err
	}

	// The compilation cache is warm, and the journal holds what was stored.
	best := 0.0
	for range 5 {
		h.stop()
		took, err := h.start()
		if err != nil {
			return nil, err
		}
		if ms := float64(took.Microseconds()) / 1000; best == 0 || ms < best {
			best = ms
		}
	}
	rows = append(rows, row{section: hostSection, name: "start to ready, warm compilation cache", value: best, unit: milliseconds, bars: []bar{{value: 300}}})

	ceiling, err := bareServer(thirtyTwo[0], reads)
	if err != nil {
		return nil, err
	}
	synced, err := appendAndSync(dir.path)
	if err != nil {
		return nil, err
	}
	return append(rows,
		row{section: hostSection, name: "for comparison: net/http that answers 1 KB from memory, 32 connections", value: ceiling.perSecond, unit: perSecond, note: ceiling.note()},
		row{section: hostSection, name: "for comparison: 4 KB appended to a file and synced, one after another", value: synced, unit: perSecond}), nil
}

// manyEvents signs n events by 64 authors.
func manyEvents(ctx context.Context, n int) (events [][]byte, err error) {
	pool, err := module.Open(ctx, module.Config{Instances: 1})
	if err != nil {
		return nil, err
	}
	defer pool.Close(ctx)
	_, keys, err := sampleEvents(ctx, pool, 64)
	if err != nil {
		return nil, err
	}
	for i := range n {
		e, err := sampleEvent(ctx, pool, keys[i%len(keys)], uint64(1000+i))
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, nil
}

// hashOf names a record: its preimage is the record without sig.
func hashOf(record []byte) string {
	from := bytes.Index(record, []byte(`"sig":"`))
	to := from + bytes.IndexByte(record[from:], ',') + 1
	return digest.SHA256(append(bytes.Clone(record[:from]), record[to:]...)).String()
}

// A host is the real binary.
type host struct {
	binary, data, addr string
	env                []string // settings
	cmd                *exec.Cmd
	log                lastBytes
}

// start returns how long it took from the start of the process until it was ready.
func (h *host) start() (time.Duration, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	h.addr = l.Addr().String()
	if err := l.Close(); err != nil {
		return 0, err
	}
	h.cmd = exec.Command(h.binary, "serve", "--data", h.data, "--listen", h.addr)
	h.cmd.Env = append([]string{"HOME=" + filepath.Dir(h.data), "EVENTSEAL_LOG_LEVEL=warn"}, h.env...)
	h.cmd.Dir, h.cmd.Stdout, h.cmd.Stderr = filepath.Dir(h.data), &h.log, &h.log
	began := time.Now()
	if err := h.cmd.Start(); err != nil {
		return 0, err
	}
	for {
		resp, err := http.Get("http://" + h.addr + "/readyz")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		if time.Since(began) > time.Minute {
			h.stop()
			return 0, fmt.Errorf("the host is not ready: %v\n%s", err, h.log.tail())
		}
		time.Sleep(time.Millisecond)
	}
}

// stop ends the process and waits for it.
func (h *host) stop() {
	if h.cmd == nil {
		return
	}
	_ = h.cmd.Process.Signal(os.Interrupt)
	_ = h.cmd.Wait()
	h.cmd = nil
}

// lastBytes keeps the end of a log. Only one goroutine writes to it, and it is
// read when something has gone wrong.
type lastBytes struct{ b []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.b = append(l.b, p...)
	if len(l.b) > 8192 {
		l.b = l.b[len(l.b)-4096:]
	}
	return len(p), nil
}

func (l *lastBytes) tail() string { return string(l.b) }

// bareServer is what this client gets from net/http alone.
func bareServer(body []byte, l load) (result, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return result{}, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = w.Write(body)
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	return drive(listener.Addr().String(), l, 32)
}

// appendAndSync is how many small writes the disk takes a second.
func appendAndSync(dir string) (float64, error) {
	f, err := os.Create(filepath.Join(dir, "synced"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	block := bytes.Repeat([]byte{0x5a}, 4096)
	began, n := time.Now(), 0
	for ; time.Since(began) < time.Second; n++ {
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
