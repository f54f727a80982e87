package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/eventseal/eventseal/host/module"
)

const (
	logSection   = "The transparency log, embedded default, client on the same cores"
	proofSection = "Proof files"
	noLog        = "store, 32 connections, a head a day, receipts not signed"
	logAlone     = "store, 32 connections, a head a second, receipts not signed"
	logSigned    = "store, 32 connections, a head a second, receipts signed (the default)"
	tesseraRow   = "for comparison: Tessera's POSIX driver, 32-byte entries until sequenced, durable, under a checkpoint"
	treeLeaves   = 10_000_000
	peerLeaves   = 500_000
)

// logRows are what the log costs a store, how fast a tree is made again, and
// what a proof costs.
func logRows(o options) (rows []row, err error) {
	ctx := context.Background()
	dir, binary, err := workshop()
	if err != nil {
		return nil, err
	}
	defer dir.remove()
	fmt.Fprintln(os.Stderr, "bench: signing events …")
	events, err := manyEvents(ctx, o.events)
	if err != nil {
		return nil, err
	}
	stores, last, err := logStores(dir.path, binary, events)
	rows = append(rows, stores...)
	if err != nil {
		return rows, err
	}
	defer last.stop()
	proofs, err := proofRows(ctx, last, events)
	rows = append(rows, proofs...)
	if err != nil {
		return rows, err
	}
	leaves, err := rebuilt()
	if err != nil {
		return rows, err
	}
	peer, err := tesseraLeaves(filepath.Join(dir.path, "tessera"))
	if err != nil {
		return rows, err
	}
	return append(rows,
		row{section: logSection, name: fmt.Sprintf("a tree of %d leaves made again", treeLeaves), value: leaves, unit: perSecond},
		row{section: logSection, name: tesseraRow, value: peer, unit: perSecond, note: fmt.Sprintf("%d entries", peerLeaves)}), nil
}

// logStores gives the same events to three hosts in turns, so that a change of
// the machine's speed reaches all of them alike. The best turn counts. It
// returns the last one, which signs receipts, running.
func logStores(path, binary string, events [][]byte) (rows []row, last *host, err error) {
	const turns = 4
	kinds := []struct {
		name string
		env  []string
		bars []bar
		best result
		host *host
	}{
		{name: noLog, env: []string{"EVENTSEAL_TRANSPARENCY_EVERY=24h", "EVENTSEAL_TRANSPARENCY_RECEIPTS=false"}},
		{name: logAlone, env: []string{"EVENTSEAL_TRANSPARENCY_RECEIPTS=false"}, bars: []bar{{noLog, 0.95}}},
		{name: logSigned},
	}
	defer func() {
		for i := range kinds {
			if h := kinds[i].host; h != nil && (err != nil || i < len(kinds)-1) {
				h.stop()
			}
		}
	}()
	for i := range kinds {
		k := &kinds[i]
		k.host = &host{binary: binary, data: filepath.Join(path, strconv.Itoa(i), "data"), env: k.env}
		if err := os.Mkdir(filepath.Dir(k.host.data), 0o700); err != nil {
			return nil, nil, err
		}
		if _, err := k.host.start(); err != nil {
			return nil, nil, err
		}
	}
	part := len(events) / turns
	for turn := range turns {
		for i := range kinds {
			k := &kinds[(i+turn)%len(kinds)]
			l := load{status: 201, want: []byte(`"created":true`), times: 1}
			for _, e := range events[turn*part : (turn+1)*part] {
				l.requests = append(l.requests, post("/v1/events", "application/json", e))
			}
			fmt.Fprintf(os.Stderr, "bench: %s, turn %d …\n", k.name, turn+1)
			r, err := drive(k.host.addr, l, 32)
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %w\n%s", k.name, err, k.host.log.tail())
			}
			if r.perSecond > k.best.perSecond {
				k.best = r
			}
		}
	}
	for _, k := range kinds {
		note := fmt.Sprintf("%.2f of the first; %s", k.best.perSecond/kinds[0].best.perSecond, k.best.note())
		rows = append(rows, row{section: logSection, name: k.name, value: k.best.perSecond, unit: perSecond, bars: k.bars, note: note})
	}
	return rows, kinds[len(kinds)-1].host, nil
}

// proofRows asks a host for proofs, and checks one in Go and in V8.
func proofRows(ctx context.Context, h *host, events [][]byte) (rows []row, err error) {
	some := events[:min(500, len(events)/4)]
	var file []byte
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if file, err = body(h, "/v1/events/"+hashOf(some[len(some)-1])+"/proof"); err == nil {
			break
		}
		if time.Since(began) > time.Minute {
			return nil, err
		}
	}
	makes := load{status: 200, want: []byte("c2sp.org/tlog-proof@v1"), times: 1, repeat: 2 * time.Second}
	for _, e := range some {
		makes.requests = append(makes.requests, get("/v1/events/"+hashOf(e)+"/proof?format=tlog-proof"))
	}
	made, err := drive(h.addr, makes, 1)
	if err != nil {
		return nil, fmt.Errorf("proofs: %w\n%s", err, h.log.tail())
	}
	pool, err := module.Open(ctx, module.Config{Instances: 1})
	if err != nil {
		return nil, err
	}
	defer pool.Close(ctx)
	best := time.Hour
	for range 200 {
		began := time.Now()
		report, err := pool.VerifyProof(ctx, file, nil)
		if err != nil || !report.Valid {
			return nil, fmt.Errorf("a proof of the host's is not valid: %v %s", err, report.JSON)
		}
		best = min(best, time.Since(began))
	}
	v8, err := proofInNode(file)
	if err != nil {
		return nil, err
	}
	sizes, err := proofSizes(file)
	if err != nil {
		return nil, err
	}
	return append([]row{
		{section: proofSection, name: "a tlog-proof made and served over HTTP, 1 connection", value: made.perSecond, unit: perSecond, note: made.note()},
		{section: proofSection, name: "verified by the module in wazero", value: best.Seconds() * 1e6, unit: microseconds},
		{section: proofSection, name: "verified by the module in V8", value: v8, unit: microseconds, bars: []bar{{value: 3000}}},
	}, sizes...), nil
}

func body(h *host, path string) ([]byte, error) {
	resp, err := http.Get("http://" + h.addr + path)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, b)
	}
	return b, err
}

// proofInNode returns the microseconds of verify_proof in V8.
func proofInNode(file []byte) (float64, error) {
	cmd := exec.Command("node", "proof.mjs")
	cmd.Dir, cmd.Stderr, cmd.Stdin = filepath.Join("bench", "node"), os.Stderr, bytes.NewReader(file)
	out, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("node proof.mjs: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}

// proofSizes are what the log's part of the file, and the file, come to in trees
// of other sizes: a path has one line of 45 bytes for each level of the tree.
func proofSizes(file []byte) (rows []row, err error) {
	var f struct {
		Log string `json:"log"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, err
	}
	head, _, ok := strings.Cut(f.Log, "\n\n")
	lines := strings.Count(head, "\n") - 1 // behind the header and the index
	if !ok || lines < 1 {
		return nil, errors.New("the proof has no path")
	}
	for _, levels := range []int{20, 30} {
		more := (levels - lines) * 45
		rows = append(rows, row{section: proofSection, name: fmt.Sprintf("tlog-proof in a tree of 2^%d leaves, without cosignatures", levels), value: float64(len(f.Log) + more), unit: bytesUnit,
			note: fmt.Sprintf("the file, with an event of 1 KB: %d", len(file)+more+levels-lines)})
	}
	return rows, nil
}

// rebuilt returns how many leaves a second are appended to a tree.
func rebuilt() (float64, error) {
	fmt.Fprintf(os.Stderr, "bench: a tree of %d leaves …\n", treeLeaves)
	out, err := exec.Command("go", "test", "./host/log", "-run", "^$", "-bench", "^BenchmarkTree$", "-benchtime", strconv.Itoa(treeLeaves)+"x").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("go test: %w\n%s", err, out)
	}
	m := regexp.MustCompile(`BenchmarkTree\S*\s+\d+\s+([0-9.]+) ns/op`).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("go test says\n%s", out)
	}
	ns, err := strconv.ParseFloat(string(m[1]), 64)
	return 1e9 / ns, err
}

// tesseraLeaves runs the peer on the same disk.
func tesseraLeaves(path string) (float64, error) {
	fmt.Fprintln(os.Stderr, "bench: Tessera …")
	binary := path + ".peer"
	c := exec.Command("go", "build", "-o", binary, ".")
	c.Dir, c.Stderr = filepath.Join("bench", "tessera"), os.Stderr
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("go build: %w", err)
	}
	out, err := exec.Command(binary, path, strconv.Itoa(peerLeaves)).Output()
	if err != nil {
		return 0, fmt.Errorf("tessera: %w", err)
	}
	return strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
}
