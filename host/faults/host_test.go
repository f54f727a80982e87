package faults

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	redisclient "github.com/redis/go-redis/v9"

	"github.com/eventseal/eventseal/host/client"
	"github.com/eventseal/eventseal/host/health"
	"github.com/eventseal/eventseal/host/module"
	"github.com/eventseal/eventseal/host/module/moduletest"
	"github.com/eventseal/eventseal/host/replica/local"
	"github.com/eventseal/eventseal/servers"
	"github.com/eventseal/eventseal/servers/proxy"
	"github.com/eventseal/eventseal/wasm/code"
	"github.com/eventseal/eventseal/wasm/digest"
)

const bucketName = "eventseal"

// A runningHost is the real binary over the stack, with proxies in between.
type runningHost struct {
	*servers.Server
	t       testing.TB
	stack   *stack
	proxies map[string]*proxy.Proxy
	client  *client.Client
	env     []string
}

// newHost starts one. It keeps no records in memory, so that every read is one
// of the places.
func newHost(t testing.TB, s *stack) *runningHost {
	t.Helper()
	h := &runningHost{t: t, stack: s, proxies: map[string]*proxy.Proxy{}}
	if err := s.s3.Bucket(bucketName); err != nil {
		t.Fatal(err)
	}
	for name, server := range s.byPlace() {
		p, err := proxy.New(server.Kind, server.Addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = p.Close() })
		h.proxies[name] = p
	}
	var text string
	text, h.env = servers.StackConfig(h.proxies[cache].Addr, h.proxies[bucket].URL(), bucketName, h.proxies[node].URL())
	h.Server = servers.Host(t, "read.cache = \"0B\"\n"+text, h.env...)
	t.Cleanup(func() {
		if t.Failed() {
			b, _ := os.ReadFile(filepath.Join(h.Dir, "log"))
			t.Logf("the host's log ends with:\n%s", b[max(0, len(b)-4000):])
		}
	})
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	var err error
	h.client, err = client.New(client.Options{Server: h.URL(), Verifier: moduletest.Open(t), Attempts: 1, HTTP: &http.Client{Transport: transport}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (s *stack) byPlace() map[string]*servers.Server {
	return map[string]*servers.Server{cache: s.redis, bucket: s.s3, node: s.kubo}
}

// raws look at the servers past the host and the proxies.
func (h *runningHost) raws() map[string]raw {
	c := redisclient.NewClient(&redisclient.Options{Addr: h.stack.redis.Addr})
	h.t.Cleanup(func() { _ = c.Close() })
	return map[string]raw{cache: rawRedis{c}, bucket: newRawS3(h.stack.s3, bucketName), node: rawIPFS{api: h.stack.kubo.URL()}}
}

// health is the document of GET /v1/health.
func (h *runningHost) health() (doc health.Health, err error) {
	resp, err := http.Get(h.URL() + "/v1/health")
	if err != nil {
		return doc, err
	}
	defer resp.Body.Close()
	return doc, json.NewDecoder(resp.Body).Decode(&doc)
}

// owed is how many copies the host owes just now; the health document may be a
// second old.
func (h *runningHost) owed() (n int, err error) {
	resp, err := http.Get(h.URL() + "/metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	found := 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "eventseal_replica_backlog_events{") {
			f := strings.Fields(line)
			v, e := strconv.ParseFloat(f[len(f)-1], 64)
			err = errors.Join(err, e)
			found++
			n += int(v)
		}
	}
	if err == nil && found != len(placeNames) {
		err = fmt.Errorf("the metrics tell the backlog of %d places", found)
	}
	return n, err
}

// settled waits until the host owes nothing and everything is up.
func (h *runningHost) settled() error {
	for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		doc, err := h.health()
		n, e := h.owed()
		if err = errors.Join(err, e); err == nil && doc.Status == health.OK && n == 0 {
			return nil
		}
		if time.Now().After(end) {
			return fmt.Errorf("not settled: %d owed, %+v, %v", n, doc, err)
		}
	}
}

// store stores events and wants each acknowledged.
func (h *runningHost) store(vs []module.Verified) {
	h.t.Helper()
	for _, v := range vs {
		if _, err := h.client.Store(ctx, client.WaitQuorum, v.Record()); err != nil {
			h.t.Fatal(err)
		}
	}
}

// read reads events in one request, beside one that nobody has, of which that is
// not known for certain while a place is down.
func (h *runningHost) read(vs []module.Verified, nobody code.Code) {
	h.t.Helper()
	hs := make([]digest.Hash, 0, len(vs)+1)
	for _, v := range vs {
		hs = append(hs, v.Hash())
	}
	// Another one each time: that nobody has it is remembered for a while.
	hs = append(hs, sha256.Sum256(fmt.Append(nil, "nobody's ", events.Add(1))))
	n := 0
	err := h.client.RetrieveMany(ctx, hs, func(i int, v module.Verified, err error) error {
		n++
		switch {
		case i == len(vs):
			if !errors.Is(err, &code.Error{Code: nobody}) {
				h.t.Errorf("what nobody has: %v, want %v", err, nobody)
			}
		case err != nil || !bytes.Equal(v.Record(), vs[i].Record()):
			h.t.Errorf("event %s: %v", hs[i], err)
		}
		return nil
	})
	if err != nil || n != len(hs) {
		h.t.Errorf("%d answers for %d: %v", n, len(hs), err)
	}
}

// scrub runs the command on the host's data, while the host does not run.
func (h *runningHost) scrub() error {
	binary := servers.Eventseal(h.t)
	cmd := exec.Command(binary, "scrub", "--fill-caches", "--config", filepath.Join(h.Dir, "eventseal.toml"), "--data", filepath.Join(h.Dir, "data"))
	cmd.Env = append([]string{"HOME=" + h.Dir}, h.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("eventseal scrub: %w\n%s", err, out)
	}
	return nil
}

// verify looks at every copy of every event with the servers' own clients and,
// the host having ended, in the local replicas.
func (h *runningHost) verify(vs []module.Verified) error {
	raws := h.raws()
	pins, err := raws[node].(rawIPFS).withPins()
	if err != nil {
		return err
	}
	raws[node] = pins
	for _, name := range []string{localA, localB} {
		dir := filepath.Join(h.Dir, "data", name)
		r, err := local.Open(dir, local.Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			return err
		}
		defer r.Close()
		raws[name] = rawLocal{r, dir}
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	bad := 0
	var first error
	work := make(chan module.Verified)
	for range 8 {
		wg.Go(func() {
			for v := range work {
				for name, raw := range raws {
					got, err := raw.get(v)
					if err == nil && bytes.Equal(got, v.Record()) {
						continue
					}
					mu.Lock()
					if bad++; first == nil {
						first = fmt.Errorf("%s has %d other bytes for %s: %v", name, len(got), v.Hash(), err)
					}
					mu.Unlock()
				}
			}
		})
	}
	for _, v := range vs {
		work <- v
	}
	close(work)
	wg.Wait()
	if bad > 0 {
		return fmt.Errorf("%d copies of %d events in %d places are missing or damaged: %w", bad, len(vs), len(raws), first)
	}
	return nil
}

// Any one server is killed: store and read go on; it starts again: it becomes
// complete. So does the host's outbox when the host is killed meanwhile.
func TestAnyServerMayBeKilled(t *testing.T) {
	s := newStack(t)
	h := newHost(t, s)
	var acknowledged []module.Verified
	store := func(n int) {
		t.Helper()
		vs := fresh(t, n)
		h.store(vs)
		acknowledged = append(acknowledged, vs...)
	}
	store(5)
	if err := h.settled(); err != nil {
		t.Fatal(err)
	}
	for name, server := range s.byPlace() {
		if t.Failed() {
			break // the server that was killed may still be away
		}
		t.Run(name, func(t *testing.T) {
			nobody := code.Unavailable
			if name == cache {
				nobody = code.NotFound // what a cache holds others hold, too
			}
			server.Kill()
			store(10)
			h.read(acknowledged, nobody)
			for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
				doc, err := h.health()
				if err != nil {
					t.Fatal(err)
				}
				shown := false
				for _, r := range doc.Replicas {
					shown = shown || r.Name == name && !r.Up && r.Backlog >= 10 && r.LastError != ""
				}
				if shown && doc.Healthy && doc.Status == health.Degraded {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("health does not show it: %+v", doc)
				}
			}
			if name == bucket { // the host as well
				h.Kill()
				if err := h.Start(); err != nil {
					t.Fatal(err)
				}
				h.read(acknowledged, nobody)
			}
			if err := server.Start(); err != nil {
				t.Fatal(err)
			}
			if err := h.settled(); err != nil {
				t.Fatal(err)
			}
			h.read(acknowledged, code.NotFound) // which fills a cache that came back empty
			raw := h.raws()[name]
			for end := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
				missing := 0
				for _, v := range acknowledged {
					if got, err := raw.get(v); err != nil || !bytes.Equal(got, v.Record()) {
						missing++
					}
				}
				if missing == 0 {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%d of %d are missing", missing, len(acknowledged))
				}
			}
		})
	}
	h.Stop()
	if err := h.verify(acknowledged); err != nil {
		t.Error(err)
	}
}
